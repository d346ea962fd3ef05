// Forms: what is split, and what is refused.
#include "multipart.hpp"

#include "catch.hpp"

using namespace captcha::app;
using Parts = std::vector<std::string_view>;

TEST_CASE("a media type is what stands before the parameters, in small letters") {
  CHECK(media_type("image/png") == "image/png");
  CHECK(media_type("Image/PNG ; charset=x") == "image/png");
  CHECK(media_type("") == "");
}

TEST_CASE("a boundary is read with and without quotes, and refused when the standard does") {
  CHECK(boundary_of("multipart/form-data; boundary=abc") == "abc");
  CHECK(boundary_of("multipart/form-data; boundary=abc; charset=x") == "abc");
  CHECK(boundary_of("multipart/form-data; Boundary=abc") == "abc");
  CHECK(boundary_of("multipart/form-data; boundary=\"a b\"; x=y") == "a b");
  CHECK(boundary_of("multipart/form-data") == "");
  CHECK(boundary_of("multipart/form-data; boundary=\"abc") == "");
  CHECK(boundary_of("multipart/form-data; boundary=a\r\nb") == "");
  CHECK(boundary_of("multipart/form-data; boundary=" + std::string(70, 'x')) == std::string(70, 'x'));
  CHECK(boundary_of("multipart/form-data; boundary=" + std::string(71, 'x')) == "");
}

TEST_CASE("parts are split, whatever bytes they hold") {
  CHECK(*split_multipart("--b\r\nA: x\r\n\r\none\r\n--b\r\nA: y\r\n\r\ntwo\r\n--b--\r\n", "b", 9) ==
        Parts{"one", "two"});
  CHECK(*split_multipart("text before\r\n--b\r\nA: x\r\n\r\none\r\n--b--and behind", "b", 9) == Parts{"one"});
  CHECK(*split_multipart("--b  \r\n\r\nno headers\r\n--b--", "b", 9) == Parts{"no headers"});
  CHECK(*split_multipart("--b\r\nA: x\r\n\r\n\r\n--b--", "b", 9) == Parts{""});
  CHECK(split_multipart("--b--", "b", 9)->empty());
}

TEST_CASE("what is put together in another way is refused") {
  for (const char* body :
       {"", "x", "--b", "--b\r\n", "--b\r\nA: x\r\n", "--b\r\nA: x\r\n\r\n", "--b\r\nA: x\r\n\r\none",
        "--b\r\nA: x\r\n\r\none--b--", "--c\r\nA: x\r\n\r\none\r\n--c--", "--b\r\nA: x\r\n\r\none\r\n--b",
        "--bx\r\nA: x\r\n\r\none\r\n--b--", "--b\r\nA: x\r\none\r\n--b--"}) {
    INFO(body);
    CHECK_FALSE(split_multipart(body, "b", 9));
  }
  // A line that begins with the mark is one, whatever follows.
  CHECK_FALSE(split_multipart("--b\r\nA: x\r\n\r\n1\r\n--bb\r\n\r\n2\r\n--b--", "b", 9));
  const std::string two = "--b\r\n\r\n1\r\n--b\r\n\r\n2\r\n--b--";
  CHECK(split_multipart(two, "b", 2));
  CHECK_FALSE(split_multipart(two, "b", 1));
  CHECK_FALSE(split_multipart(two, "", 9));
}
