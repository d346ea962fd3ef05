// A network's layers as a table, and its totals as constants for static_assert.
#pragma once

#include <captcha/core/layer.hpp>
#include <captcha/core/shape.hpp>
#include <captcha/core/slot.hpp>

#include <cstddef>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

namespace captcha {

/// Multiply-adds of one prediction, taps on padding included, as papers count them. Does not compile where
/// the shapes do not fit.
template <class Net, Shape S>
inline constexpr std::size_t multiply_adds = check_shapes<Net, S>() ? Net::multiply_adds(S) : 0;

/// What one value of the last map sees of the input; pooling over the whole image is not counted.
template <class Net>
inline constexpr Sight receptive_field = Net::sees(Sight{});

/// "Conv2d" for captcha::Conv2d<1, 64, …>: the name of a layer's type without namespace and arguments, or its
/// member `kind`.
template <class L>
constexpr std::string_view kind_of() {
  if constexpr (requires { std::string_view{L::kind}; }) {
    return L::kind;
  } else {
    std::string_view text =
        __PRETTY_FUNCTION__;  // "… kind_of() [with L = captcha::ReLU; …" or "[L = captcha::ReLU]"
    text.remove_prefix(text.find("L = ") + 4);
    text = text.substr(0, text.find_first_of("<;]"));
    const std::size_t scope = text.rfind("::");
    return scope == std::string_view::npos ? text : text.substr(scope + 2);
  }
}

/// One layer of a network that has no layers inside.
struct LayerRow {
  std::string name;  ///< "layer1.0.conv1", empty for an unnamed one
  std::string_view kind;
  Shape output;
  std::size_t parameters;
  std::size_t multiply_adds;
};

/// Collects the layers of a network: walk<Net>(collector, shape).
class LayerRows {
 public:
  template <class L>
  void leaf(Shape in) {
    rows.push_back({path_, kind_of<L>(), L::out(in), parameter_count<L>, L::multiply_adds(in)});
  }
  void enter(std::string_view segment) {
    lengths_.push_back(path_.size());
    if (!path_.empty()) path_.push_back('.');
    path_.append(segment);
  }
  void leave() {
    path_.resize(lengths_.back());
    lengths_.pop_back();
  }
  std::vector<LayerRow> rows;

 private:
  std::string path_;
  std::vector<std::size_t> lengths_;
};

/// Adds up the values of all layers' outputs.
struct ActivationCounter {
  std::size_t values = 0;
  template <class L>
  constexpr void leaf(Shape in) {
    values += L::out(in).size();
  }
  constexpr void enter(std::string_view) {}
  constexpr void leave() {}
};

/// Values that all layers together give for one sample.
template <class Net, Shape S>
inline constexpr std::size_t activation_values = [] {
  ActivationCounter counter;
  walk<Net>(counter, S);
  return counter.values;
}();

/// "11 180 500"
inline std::string with_gaps(std::size_t number) {
  std::string digits = std::to_string(number);
  for (std::size_t left = digits.size(); left > 3; left -= 3) digits.insert(left - 3, " ");
  return digits;
}

/// The layers of Net for images of shape S as a table: name, kind, output shape, parameters, multiply-adds
/// and bytes of the activation in float for one sample; totals below.
template <class Net, Shape S>
std::string model_summary() {
  static_assert(check_shapes<Net, S>());
  LayerRows collected;
  walk<Net>(collected, S);
  std::string table;
  const auto line = [&table](std::string_view name, std::string_view kind, const std::string& shape,
                             const std::string& parameters, const std::string& cost,
                             const std::string& bytes) {
    char text[256];
    std::snprintf(text, sizeof text, "%-24.*s %-20.*s %14s %12s %14s %12s\n", static_cast<int>(name.size()),
                  name.data(), static_cast<int>(kind.size()), kind.data(), shape.c_str(), parameters.c_str(),
                  cost.c_str(), bytes.c_str());
    table += text;
  };
  line("name", "layer", "output", "parameters", "multiply-adds", "bytes");
  line("", "input", to_string(S), "", "", with_gaps(4 * S.size()));
  for (const LayerRow& row : collected.rows)
    line(row.name, row.kind, to_string(row.output), with_gaps(row.parameters), with_gaps(row.multiply_adds),
         with_gaps(4 * row.output.size()));
  line("total", "", to_string(Net::out(S)), with_gaps(parameter_count<Net>), with_gaps(multiply_adds<Net, S>),
       with_gaps(4 * activation_values<Net, S>));
  return table;
}

}  // namespace captcha
