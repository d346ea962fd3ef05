// JsonReader: the input's first bytes say what is asked for, the rest is the text. What the calls return
// takes no more memory than allowed, and strings and numbers are read again as they were written.
#include <captcha/io/json.hpp>

#include "fuzz.hpp"

#include <cmath>

using namespace captcha;
using fuzz::require;

namespace {

constexpr std::size_t wishes = 8;  // bytes of the input that are no text

class Walk {
 public:
  Walk(std::string_view wanted, std::string_view text)
      : wanted_(wanted), reader_(text, text.size() + 64, "x") {}

  void run() {
    piece();
    reader_.finish();
  }
  std::size_t returned() const { return returned_; }

 private:
  void piece() {
    if (next_ == 64) reader_.fail("enough");  // of nested lists
    switch (wanted_[next_++ % wanted_.size()] & 7) {
      case 0:
        text(reader_.string());
        break;
      case 1:
        static_cast<void>(reader_.number());
        break;
      case 2:
        number(reader_.real());
        break;
      case 3:
        reader_.members([&](const std::string& key) {
          text(key);
          piece();
        });
        break;
      case 4:
        reader_.items([&] { piece(); });
        break;
      case 5:
        returned_ += reader_.numbers(4).capacity() * sizeof(std::size_t);
        break;
      case 6:
        if (!reader_.accept('"')) piece();
        break;
      default:
        reader_.charge(1);
        reader_.expect('{');
    }
  }

  void text(const std::string& value) {
    if (value.capacity() > std::string().capacity()) returned_ += value.capacity() + 1;
    require(is_utf8(value), "a string is UTF-8");
    require(shown(value).size() <= 6 * 100 + 2, "a name is shown on one line");
    const std::string again = json_string(value);
    require(JsonReader(again, again.size() + 1, "x").string() == value, "a string is read again as written");
  }

  void number(double value) {
    const double again = JsonReader(json_real(value), 0, "x").real();
    require(again == value || (std::isnan(again) && std::isnan(value)), "a number is read again as written");
  }

  std::string_view wanted_;
  JsonReader reader_;
  std::size_t next_ = 0, returned_ = 0;
};

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < wishes) return -1;
  const std::string_view input = fuzz::text_of(data, size), text = input.substr(wishes);
  Walk walk(input.substr(0, wishes), text);
  try {
    walk.run();
  } catch (const Error& error) {
    require(std::string_view(error.what()).starts_with("x, byte "), "a message names the byte");
  }
  require(walk.returned() <= text.size() + 64, "no more memory than allowed");
  if (is_utf8(text)) {
    const std::string written = json_string(text);
    require(JsonReader(written, written.size() + 1, "x").string() == text, "any text survives");
  }
  return 0;
}
