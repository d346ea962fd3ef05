// A network with its weights as a C++ header, so that a program that predicts is one file.
//
// The header is a few lines: the weights lie beside it, in <header>.bin, and the assembler puts them into the
// program as they are (`.incbin`), which takes a fraction of a second however many they are. They are packed
// (see io/packed_file.hpp) and used where the system maps the program: nothing is read, copied or folded. Or
// they are small.
#pragma once

#include <captcha/config/compiled.hpp>
#include <captcha/core/error.hpp>
#include <captcha/io/atomic_file.hpp>
#include <captcha/io/json.hpp>
#include <captcha/io/model_info.hpp>
#include <captcha/io/packed_file.hpp>
#include <captcha/io/weights_file.hpp>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace captcha {

struct EmbeddedOptions {
  std::string network;               ///< how C++ spells its type: "captcha::ResNet18<20, 1>"
  std::vector<std::string> headers;  ///< where that is defined: {"captcha/models/resnet.hpp"}
  /// Weights in half precision and not packed: a third of the size, for a slower start and rounded weights.
  bool small = false;
  /// load() gives weights for prediction that are kept in bfloat16: PackedWeights<Net, input, BFloat16>.
  bool narrow = false;
};

/// The text of the header. It defines a namespace called like the file, with the type `Net`, the constants
/// `input`, `classes` and `normalisation`, and `load()`, which gives packed weights.
CAPTCHA_INLINE std::string embedded_header(const std::filesystem::path& path, const ModelInfo& info,
                                           const EmbeddedOptions& options);

/// Writes a header and, beside it, <header>.bin. Both must be there when a program is compiled (ELF systems),
/// and neither when it runs. Error when the name of the file is no C++ name that a program may use.
template <Shape S, class Net>
void save_embedded(const std::filesystem::path& path, const Weights<Net>& weights, ModelInfo info,
                   const EmbeddedOptions& options) {
  info.input = S;
  const std::string text = embedded_header(path, info, options);
  const std::string values = path.string() + ".bin";
  if (options.small)
    save_weights(values, weights, to_metadata<Net>(info), {.half = true});
  else if (options.narrow)
    save_packed(values, pack<S, BFloat16>(weights), to_metadata<Net>(info));
  else
    save_packed(values, pack<S>(weights), to_metadata<Net>(info));
  const std::array<std::span<const std::byte>, 1> parts{std::as_bytes(std::span(text))};
  write_file_atomically(path, parts);
}

/// Whether a program may call something so in C++: no keyword, and no name kept for the compiler.
CAPTCHA_INLINE bool is_free_name(const std::string& name);

#if CAPTCHA_DEFINED_HERE
CAPTCHA_INLINE bool is_free_name(const std::string& name) {
  constexpr std::string_view keywords =
      " alignas alignof and and_eq asm auto bitand bitor bool break case catch char char8_t char16_t"
      " char32_t class compl concept const consteval constexpr constinit const_cast continue co_await"
      " co_return co_yield decltype default delete do double dynamic_cast else enum explicit export extern"
      " false float for friend goto if inline int long mutable namespace new noexcept not not_eq nullptr"
      " operator or or_eq private protected public register reinterpret_cast requires return short signed"
      " sizeof static static_assert static_cast struct switch template this thread_local throw true try"
      " typedef typeid typename union unsigned using virtual void volatile wchar_t while xor xor_eq ";
  const auto fits = [](unsigned char letter) { return letter == '_' || std::isalnum(letter) != 0; };
  return !name.empty() && std::all_of(name.begin(), name.end(), fits) && name[0] != '_' &&
         std::isdigit(static_cast<unsigned char>(name[0])) == 0 && name.find("__") == name.npos &&
         keywords.find(" " + name + " ") == keywords.npos;
}

CAPTCHA_INLINE std::string embedded_header(const std::filesystem::path& path, const ModelInfo& info,
                                           const EmbeddedOptions& options) {
  const std::string name = path.stem().string();
  if (!is_free_name(name) || name == "captcha" || name == "std")
    throw Error(
        path.string() + ": '" + name +
        "' cannot be the name of a namespace of its own; expected letters and digits, as in weights.hpp");
  const std::string shape = info.input.is_flat ? "flat(" + std::to_string(info.input.channels) + ")"
                                               : "chw(" + std::to_string(info.input.channels) + ", " +
                                                     std::to_string(info.input.height) + ", " +
                                                     std::to_string(info.input.width) + ")";
  std::string classes;
  for (const std::string& each : info.classes) classes += (classes.empty() ? "" : ", ") + json_string(each);
  std::string includes;
  for (const std::string& header : options.headers)
    includes.append("#include <").append(header).append(">\n");
  const std::string form = options.narrow ? ", captcha::BFloat16" : "";
  const std::string begin = "captcha_embedded_" + name + "_begin", end = "captcha_embedded_" + name + "_end";
  return "// " + info.architecture + " with its weights, which lie in " + path.filename().string() +
         ".bin beside this file when it is compiled.\n"
         "#pragma once\n\n"
         "#include <captcha/io/" +
         (options.small ? "weights" : "packed") +
         "_file.hpp>\n"
         "#include <captcha/model/packed_weights.hpp>\n" +
         includes +
         "\n#include <array>\n#include <cstddef>\n#include <string_view>\n\n"
         // A group, so that several files of a program may include the header and share one copy.
         "asm(\".pushsection .rodata." +
         begin + ",\\\"aG\\\",@progbits," + begin +
         ",comdat\\n\"\n"
         "    \".balign 64\\n\"\n"
         "    \".weak " +
         begin + "\\n.weak " + end + "\\n\"\n    \"" + begin +
         ":\\n\"\n"
         "    \".incbin \\\"\" __FILE__ \".bin\\\"\\n\"\n    \"" +
         end +
         ":\\n\"\n"
         "    \".byte 0\\n\"\n"
         "    \".popsection\\n\");\n"
         "extern \"C\" const std::byte " +
         begin + "[], " + end + "[];\n\nnamespace " + name + " {\n\nusing Net = " + options.network +
         ";\ninline constexpr captcha::Shape input = captcha::" + shape +
         ";\ninline constexpr std::array<std::string_view, " + std::to_string(info.classes.size()) +
         "> classes{" + classes +
         "};\ninline constexpr std::string_view normalisation = " + json_string(info.normalisation) +
         ";\n\n/// The weights, checked and ready for prediction.\n"
         "inline captcha::PackedWeights<Net, input" +
         form + "> load() {\n" +
         (options.small ? "  auto weights = captcha::Weights<Net>::zeros();\n"
                          "  captcha::load_weights(captcha::SafetensorsFile::view({" +
                              begin + ", " + end + "}, \"" + name + "\"), \"" + name +
                              "\", weights);\n"
                              "  return captcha::pack<input" +
                              form + ">(weights);\n"
                        : "  return captcha::view_packed<Net, input" + form + ">({" + begin + ", " + end +
                              "}, \"" + name + "\");\n") +
         "}\n\n}  // namespace " + name + "\n";
}
#endif

}  // namespace captcha
