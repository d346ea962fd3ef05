// A named array of bytes as safetensors files hold it: its type, its shape, and its values as numbers.
#pragma once

#include <captcha/config/compiled.hpp>
#include <captcha/core/error.hpp>
#include <captcha/io/json.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace captcha {

static_assert(std::endian::native == std::endian::little, "safetensors files are little-endian");

/// The type of a tensor's values.
enum class Dtype : std::uint8_t { f64, f32, f16, bf16, i64, i32, i16, i8, u64, u32, u16, u8, boolean };

/// A type's name in the file and its bytes per value, indexed by Dtype.
struct DtypeInfo {
  std::string_view name;
  std::size_t size;
};
inline constexpr std::array<DtypeInfo, 13> dtype_infos{{{"F64", 8},
                                                        {"F32", 4},
                                                        {"F16", 2},
                                                        {"BF16", 2},
                                                        {"I64", 8},
                                                        {"I32", 4},
                                                        {"I16", 2},
                                                        {"I8", 1},
                                                        {"U64", 8},
                                                        {"U32", 4},
                                                        {"U16", 2},
                                                        {"U8", 1},
                                                        {"BOOL", 1}}};
constexpr const DtypeInfo& info(Dtype dtype) {
  return dtype_infos[static_cast<std::size_t>(dtype)];
}

inline constexpr std::size_t max_tensor_axes = 32;

/// Bytes of a tensor of this shape, or nothing representable: the largest size_t.
constexpr std::size_t tensor_bytes(const std::vector<std::size_t>& shape, Dtype dtype) {
  constexpr std::size_t most = std::numeric_limits<std::size_t>::max();
  std::size_t bytes = info(dtype).size;
  bool overflows = false;
  for (const std::size_t extent : shape) {
    overflows = overflows || (extent != 0 && bytes > (most - 1) / extent);
    bytes *= extent;
  }
  return overflows ? most : bytes;
}

/// "2 x 3", for messages.
CAPTCHA_INLINE std::string shape_text(const std::vector<std::size_t>& shape);

/// A named array: what a file holds, and what is given to be written. The bytes belong to someone else.
struct SafeTensor {
  std::string name;
  Dtype dtype = Dtype::f32;
  std::vector<std::size_t> shape;
  std::span<const std::byte> bytes;  ///< row-major, little-endian
};

/// The value of an IEEE 754 half-precision number.
CAPTCHA_INLINE float half_to_float(std::uint16_t bits);
/// The nearest half-precision number, the even one of two; infinite from 65520 on.
CAPTCHA_INLINE std::uint16_t float_to_half(float value);

/// Whether a tensor's values are T as they are.
template <class T>
constexpr bool holds(const SafeTensor& tensor) {
  return (std::same_as<T, float> && tensor.dtype == Dtype::f32) ||
         (std::same_as<T, double> && tensor.dtype == Dtype::f64);
}

/// A copy of a tensor's values as T. Any type converts to a floating-point T (rounded to the nearest); only
/// whole numbers convert to an integer T, and all must fit. Throws Error that names the tensor.
template <class T>
requires(std::floating_point<T> || std::integral<T>) std::vector<T> to_vector(const SafeTensor& tensor) {
  std::vector<T> values;
  if (holds<T>(tensor)) {
    values.resize(tensor.bytes.size() / sizeof(T));
    if (!values.empty()) std::memcpy(values.data(), tensor.bytes.data(), tensor.bytes.size());
    return values;
  }
  values.reserve(tensor.bytes.size() / info(tensor.dtype).size);
  const auto refuse = [&] {
    throw Error("tensor " + shown(tensor.name) + ": its " + std::string(info(tensor.dtype).name) +
                " values do not fit the integer type asked for");
  };
  const auto copy = [&]<class Stored, class Convert>(Stored, Convert convert) {
    for (std::size_t at = 0; at < tensor.bytes.size(); at += sizeof(Stored)) {
      Stored stored;
      std::memcpy(&stored, tensor.bytes.data() + at, sizeof(Stored));
      const auto value = convert(stored);
      if constexpr (std::integral<T>) {
        if constexpr (!std::integral<decltype(value)>)
          refuse();
        else if (!std::in_range<T>(value))
          refuse();
      }
      values.push_back(static_cast<T>(value));
    }
  };
  const auto same = [](auto value) { return value; };
  switch (tensor.dtype) {
    case Dtype::f64:
      copy(double{}, same);
      break;
    case Dtype::f32:
      copy(float{}, same);
      break;
    case Dtype::f16:
      copy(std::uint16_t{}, half_to_float);
      break;
    case Dtype::bf16:
      copy(std::uint16_t{},
           [](std::uint16_t bits) { return std::bit_cast<float>(std::uint32_t{bits} << 16); });
      break;
    case Dtype::i64:
      copy(std::int64_t{}, same);
      break;
    case Dtype::i32:
      copy(std::int32_t{}, same);
      break;
    case Dtype::i16:
      copy(std::int16_t{}, same);
      break;
    case Dtype::i8:
      copy(std::int8_t{}, same);
      break;
    case Dtype::u64:
      copy(std::uint64_t{}, same);
      break;
    case Dtype::u32:
      copy(std::uint32_t{}, same);
      break;
    case Dtype::u16:
      copy(std::uint16_t{}, same);
      break;
    case Dtype::u8:
    case Dtype::boolean:
      copy(std::uint8_t{}, same);
      break;
  }
  return values;
}

/// A tensor's values as T: where they lie, if they lie there as T, or else in `made`, converted by to_vector.
template <class T>
std::span<const T> values_of(const SafeTensor& tensor, std::vector<T>& made) {
  if (holds<T>(tensor) && reinterpret_cast<std::uintptr_t>(tensor.bytes.data()) % alignof(T) == 0)
    return {reinterpret_cast<const T*>(tensor.bytes.data()), tensor.bytes.size() / sizeof(T)};
  return made = to_vector<T>(tensor);
}

#if CAPTCHA_DEFINED_HERE
CAPTCHA_INLINE std::string shape_text(const std::vector<std::size_t>& shape) {
  std::string text;
  for (const std::size_t extent : shape) text += (text.empty() ? "" : " x ") + std::to_string(extent);
  return text.empty() ? "scalar" : text;
}

CAPTCHA_INLINE float half_to_float(std::uint16_t bits) {
  const int exponent = bits >> 10 & 31, fraction = bits & 1023;
  const float size = exponent == 31  ? (fraction != 0 ? std::numeric_limits<float>::quiet_NaN()
                                                      : std::numeric_limits<float>::infinity())
                     : exponent == 0 ? std::ldexp(static_cast<float>(fraction), -24)
                                     : std::ldexp(static_cast<float>(fraction + 1024), exponent - 25);
  return (bits & 0x8000) != 0 ? -size : size;
}

CAPTCHA_INLINE std::uint16_t float_to_half(float value) {
  const unsigned sign = std::signbit(value) ? 0x8000u : 0u;
  const float size = std::fabs(value);
  if (std::isnan(size)) return static_cast<std::uint16_t>(sign | 0x7E00u);
  if (size >= 65520.0f) return static_cast<std::uint16_t>(sign | 0x7C00u);
  const int exponent = size == 0 ? -14 : std::max(std::ilogb(size), -14);
  const float steps = std::nearbyint(std::ldexp(size, 10 - exponent));  // at most 2048, which carries over
  return static_cast<std::uint16_t>(sign + (static_cast<unsigned>(exponent + 14) << 10) +
                                    static_cast<unsigned>(steps));
}
#endif

}  // namespace captcha
