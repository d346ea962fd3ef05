// Bodies of several parts: the first byte says how long the content type is, then it and the body follow.
// Parts lie in the body, one behind the other, and hold no mark.
#include "../../examples/captcha/serve/multipart.hpp"

#include "fuzz.hpp"

#include <string>
#include <string_view>

using namespace captcha::app;
using fuzz::require;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1 || size - 1 < data[0]) return -1;
  const std::string_view input = fuzz::text_of(data + 1, size - 1);
  const std::string_view type = input.substr(0, data[0]), body = input.substr(data[0]);
  require(media_type(type).size() <= type.size(), "a media type is part of the content type");
  const std::string boundary = boundary_of(type);
  require(boundary.size() <= 70, "a boundary has a largest length");
  const auto parts = split_multipart(body, boundary, 8);
  if (!parts) return 0;
  require(!boundary.empty() && parts->size() <= 8, "a boundary, and no more parts than allowed");
  const char* end = body.data();
  for (const std::string_view part : *parts) {
    require(part.data() > end && part.data() + part.size() < body.data() + body.size(),
            "parts lie in the body");
    require(part.find("\r\n--" + boundary) == part.npos, "a part ends before the next mark");
    end = part.data() + part.size();
  }
  return 0;
}
