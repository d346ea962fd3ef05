// What two runs that do the same write of themselves, but for what tells of the clock.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

/// `text` without the members that tell of the clock, which no two runs share.
inline std::string without_clock(std::string text) {
  for (const std::string_view name : {",\"seconds\":", ",\"images_per_second\":"})
    for (std::size_t begin = 0; (begin = text.find(name, begin)) != std::string::npos;)
      text.erase(begin, text.find_first_of(",}", begin + name.size()) - begin);
  return text;
}
