// A size along rows and columns, as options of convolutions and poolings take it.
#pragma once

namespace captcha {

/// A number for rows and one for columns; a single number means both.
struct Size2 {
  int rows;
  int columns;
  constexpr Size2(int both) : rows(both), columns(both) {}
  constexpr Size2(int rows_, int columns_) : rows(rows_), columns(columns_) {}
};

}  // namespace captcha
