// The page in a browser: headless Chromium, driven by chromedriver over HTTP (W3C WebDriver 2). A picture is
// chosen, dropped and pasted; what cannot be read is said; the keyboard is enough; nothing is wider than 360
// pixels. Exit code 77 where there is no browser.
//   serve_page CAPTCHA [FOLDER [MODEL PICTURE]]
// leaves screenshots in FOLDER, by default of a network of random weights that sees noise.
#include <captcha/data/png.hpp>

#include "captchas.hpp"
#include "characters.hpp"
#include "client.hpp"
#include <nlohmann/json.hpp>

#include <cstdio>
#include <functional>

using namespace captcha;
using namespace captcha::app;
using namespace serve_test;
using nlohmann::json;

namespace {

std::filesystem::path found(const char* name) {
  const char* const path = std::getenv("PATH");
  std::string rest = path ? path : "";
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find(':'), rest.size());
    const std::filesystem::path file = std::filesystem::path(rest.substr(0, end)) / name;
    if (::access(file.c_str(), X_OK) == 0) return file;
    rest.erase(0, end + 1);
  }
  return {};
}

int failures = 0;
void expect(bool holds, const std::string& what) {
  std::printf("%s %s\n", holds ? "  ok    " : "  FAILED", what.c_str());
  failures += !holds;
}

/// chromedriver and one window.
class Browser {
 public:
  Browser(const std::filesystem::path& driver, const std::filesystem::path& folder) {
    const std::filesystem::path log = folder / "driver.log";
    process_ = ::fork();
    if (process_ == 0) {
      const int file = ::open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
      ::dup2(file, 1);
      ::dup2(file, 2);
      ::execl(driver.c_str(), "chromedriver", "--port=0", static_cast<char*>(nullptr));
      ::_exit(127);
    }
    const std::string start = "started successfully on port ";
    for (const auto begin = Clock::now(); port_ == 0 && Clock::now() - begin < 30s;
         std::this_thread::sleep_for(20ms)) {
      std::ifstream file(log);
      const std::string text{std::istreambuf_iterator<char>(file), {}};
      if (const std::size_t at = text.find(start); at != text.npos)
        port_ = static_cast<std::uint16_t>(std::atoi(text.c_str() + at + start.size()));
    }
    const json answer =
        call("POST", "/session",
             {{"capabilities",
               {{"alwaysMatch",
                 {{"goog:chromeOptions",
                   {{"args",
                     {"--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                      "--user-data-dir=" + (folder / "profile").string()}}}},
                  {"goog:loggingPrefs", {{"browser", "ALL"}}}}}}}});
    session_ = "/session/" + answer["sessionId"].get<std::string>();
  }
  Browser(const Browser&) = delete;
  Browser& operator=(const Browser&) = delete;
  ~Browser() {
    try {
      call("DELETE", session_);
    } catch (const std::exception&) {
    }
    ::kill(process_, SIGTERM);
    ::waitpid(process_, nullptr, 0);
  }

  json ask(const std::string& method, const std::string& path, const json& body = json::object()) {
    return call(method, session_ + path, body);
  }
  json run(const std::string& script, const json& arguments = json::array()) {
    return ask("POST", "/execute/sync", {{"script", script}, {"args", arguments}});
  }
  void open(const std::string& url) { ask("POST", "/url", {{"url", url}}); }
  json element(const std::string& css) {
    return ask("POST", "/element", {{"using", "css selector"}, {"value", css}});
  }
  void type(const json& element, const std::string& text) {
    ask("POST", "/element/" + element.begin()->get<std::string>() + "/value", {{"text", text}});
  }
  /// Presses keys one after the other, wherever the focus is.
  void press(const std::vector<std::string>& keys) {
    json actions = json::array();
    for (const std::string& key : keys) {
      actions.push_back({{"type", "keyDown"}, {"value", key}});
      actions.push_back({{"type", "keyUp"}, {"value", key}});
    }
    ask("POST", "/actions", {{"actions", {{{"type", "key"}, {"id", "keyboard"}, {"actions", actions}}}}});
  }
  void resize(int width, int height) {
    // The window has a least width, the device that it pretends to be has none.
    ask("POST", "/goog/cdp/execute",
        {{"cmd", "Emulation.setDeviceMetricsOverride"},
         {"params", {{"width", width}, {"height", height}, {"deviceScaleFactor", 1}, {"mobile", false}}}});
  }
  void prefer(const std::string& scheme) {
    ask("POST", "/goog/cdp/execute",
        {{"cmd", "Emulation.setEmulatedMedia"},
         {"params", {{"features", {{{"name", "prefers-color-scheme"}, {"value", scheme}}}}}}});
  }
  void screenshot(const std::filesystem::path& file) {
    const std::string text = ask("GET", "/screenshot");
    const std::string digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::ofstream out(file, std::ios::binary);
    std::uint32_t bits = 0;
    int count = 0;
    for (const char c : text) {
      if (c == '=') break;
      bits = bits << 6 | static_cast<std::uint32_t>(digits.find(c));
      if ((count += 6) >= 8) out.put(static_cast<char>(bits >> (count -= 8)));
    }
  }
  /// Whether `script` returns true before long.
  bool soon(const std::string& script) {
    for (const auto begin = Clock::now(); Clock::now() - begin < 15s; std::this_thread::sleep_for(30ms))
      if (run(script) == true) return true;
    return false;
  }

 private:
  json call(const std::string& method, const std::string& path, const json& body = json::object()) {
    const std::string text = method == "POST" ? body.dump() : "";
    const Reply reply =
        Client(port_, 60s)
            .ask(method + " " + path +
                 " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nConnection: close\r\n"
                 "Content-Length: " +
                 std::to_string(text.size()) + "\r\n\r\n" + text);
    const json answer = json::parse(reply.body)["value"];
    if (reply.status != 200) throw std::runtime_error(path + ": " + answer.dump().substr(0, 600));
    return answer;
  }

  pid_t process_ = -1;
  std::uint16_t port_ = 0;
  std::string session_{};
};

const std::string read =
    "return !document.getElementById('answer').hidden && "
    "document.getElementById('status').textContent.startsWith('Read: ')";
const std::string refused =
    "return !document.getElementById('error').hidden && document.getElementById('answer').hidden";

void look(Browser& browser, const std::string& page, const std::filesystem::path& folder,
          const std::filesystem::path& pictures) {
  const std::string character_file = pictures / "character.png", captcha_file = pictures / "captcha.png",
                    text_file = pictures / "text.png";
  const auto text = [&](const std::string& id) {
    return browser.run("return document.getElementById('" + id + "').textContent").get<std::string>();
  };
  browser.resize(900, 900);
  browser.open(page);
  expect(browser.run("return document.title") == "captcha: read a picture", "the page loads");
  expect(browser.run(
             "return document.getElementById('answer').hidden && document.getElementById('error').hidden") ==
             true,
         "and says nothing yet");

  browser.type(browser.element("#file"), character_file);
  expect(browser.soon(read), "a chosen picture is read");
  expect(text("reading").size() == 1 && text("sure").ends_with(" %"), "as one character with a probability");
  expect(browser.run("return document.querySelectorAll('#top tbody tr').length") == 3,
         "three classes are listed");
  expect(
      browser.soon("const c = document.getElementById('cam'); return c.complete && c.naturalWidth === 32 && "
                   "c.naturalHeight === 52 && c.alt.length > 0"),
      "the overlay is shown, and described");
  browser.screenshot(folder / "page.png");

  browser.type(browser.element("#file"), text_file);
  expect(browser.soon(refused) && text("error") == "The image is not a PNG.",
         "an unreadable file is said to be one");
  browser.screenshot(folder / "unreadable.png");

  const auto with_files = [&](const std::string& event, const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(file), {}};
    json numbers = json::array();
    for (const char c : bytes) numbers.push_back(static_cast<unsigned char>(c));
    browser.run(
        "const data = new DataTransfer();"
        "data.items.add(new File([new Uint8Array(arguments[0])], 'x.png', {type: 'image/png'}));" +
            event,
        json::array({numbers}));
  };
  with_files(
      "document.getElementById('form').dispatchEvent(new DragEvent('drop', "
      "{dataTransfer: data, bubbles: true, cancelable: true}))",
      character_file);
  expect(browser.soon(read), "a dropped picture is read");
  browser.type(browser.element("#file"), captcha_file);
  expect(browser.soon(refused) && text("error").starts_with("A character has 32 x 52 pixels"),
         "a wrong size is said to be one");
  with_files("document.dispatchEvent(new ClipboardEvent('paste', {clipboardData: data, bubbles: true}))",
             character_file);
  expect(browser.soon(read), "a pasted picture is read");

  // The keyboard alone: tab to the kinds, choose with an arrow, tab on.
  browser.open(page);
  const std::string tab = "\uE004", right = "\uE014", space = "\uE00D";
  expect(browser.soon("return !document.getElementById('solve').disabled"), "a solver is there");
  const auto focused = [&] {
    return browser
        .run(
            "return document.activeElement.id || document.activeElement.value || "
            "document.activeElement.textContent")
        .get<std::string>();
  };
  browser.press({tab});
  expect(focused() == "The API", "the first stop is the link");
  browser.press({tab});
  expect(focused() == "predict", "then the kinds");
  browser.press({right});
  expect(focused() == "solve", "an arrow chooses the other");
  browser.press({tab});
  expect(focused() == "file", "then the file");
  expect(
      browser.run("const s = getComputedStyle(document.activeElement); return s.outlineStyle !== 'none' && "
                  "parseFloat(s.outlineWidth) >= 2") == true,
      "one sees where the focus is");
  browser.type(browser.element("#file"), captcha_file);
  expect(browser.soon(read) && text("reading").size() == 5, "a whole CAPTCHA is read");
  browser.screenshot(folder / "solved.png");
  browser.press({tab});
  expect(focused() == "resize", "then the option");
  browser.press({space});
  expect(browser.run("return document.getElementById('resize').checked") == true, "which the space bar sets");

  for (const std::string scheme : {"light", "dark"}) {
    browser.prefer(scheme);
    browser.resize(360, 900);
    for (const std::string path : {"", "docs"}) {
      browser.open(page + path);
      if (path.empty()) {
        browser.type(browser.element("#file"), character_file);
        expect(browser.soon(read), "360 pixels wide, " + scheme + ": a picture is read");
      } else {
        expect(browser.soon("return document.querySelectorAll('#routes section').length === 6"),
               "the API is listed");
      }
      expect(browser.run("return document.documentElement.scrollWidth <= 360") == true,
             "and nothing is wider");
      browser.screenshot(folder / ("narrow-" + scheme + (path.empty() ? "" : "-docs") + ".png"));
    }
    expect(browser.run("return getComputedStyle(document.body).backgroundColor") ==
               (scheme == "dark" ? "rgb(23, 21, 28)" : "rgb(251, 250, 248)"),
           "in the colours of " + scheme);
  }
  // Every control has a name, every picture an alternative.
  browser.open(page);
  expect(
      browser.run("return [...document.querySelectorAll('input')].every((i) => i.labels.length > 0) && "
                  "[...document.querySelectorAll('img')].every((i) => i.hasAttribute('alt')) && "
                  "document.documentElement.lang === 'en' && document.querySelectorAll('h1').length === 1") ==
          true,
      "controls have labels, pictures alternatives");
  std::string complaints;
  for (const json& entry : browser.ask("POST", "/se/log", {{"type", "browser"}})) {
    const std::string message = entry["message"];
    // A refused picture is an error to the console, too.
    if (message.find("status of 4") == message.npos) complaints += message + "\n";
  }
  expect(complaints.empty(), "the browser has no complaints " + complaints);
  browser.run(
      "const s = document.createElement('script'); s.textContent = 'window.inline = 1'; "
      "document.body.append(s)");
  expect(browser.run("return window.inline === undefined") == true, "no inline script runs");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return std::fprintf(stderr, "usage: serve_page CAPTCHA [FOLDER [MODEL PICTURE]]\n"), 2;
  const auto driver = found("chromedriver");
  if (driver.empty() || found("chromium").empty()) {
    std::printf("skipped: chromium and chromium-driver are not installed\n");
    return 77;
  }
  std::string own = (std::filesystem::temp_directory_path() / "serve-page-XXXXXX").string();
  if (!::mkdtemp(own.data())) return std::perror(own.c_str()), 1;
  const std::filesystem::path folder = argc > 2 ? argv[2] : own;
  std::filesystem::create_directories(folder);
  save_weights(own + "/model", Weights<Network>(1), to_metadata<Network>(character_info()));
  save_weights(own + "/solver", Weights<SolverNetwork>(1), to_metadata<SolverNetwork>(solver_info()));
  const char* const model = argc > 3 ? argv[3] : nullptr;
  Image image{character.height, character.width, 1, {}};
  Random random(1);
  for (std::size_t i = 0; i < character.size(); ++i)
    image.pixels.push_back(static_cast<std::uint8_t>(random.below(256)));
  write_png(own + "/character.png", image);
  if (argc > 4)
    std::filesystem::copy_file(argv[4], own + "/character.png",
                               std::filesystem::copy_options::overwrite_existing);
  write_png(own + "/captcha.png", resize(image, captcha_height, captcha_width));
  std::ofstream(own + "/text.png") << "no picture";
  try {
    const Program program(
        argv[1], {"--model", model ? model : own + "/model", "--solver", own + "/solver", "--threads", "1"},
        own);
    Browser browser(driver, own);
    look(browser, "http://127.0.0.1:" + std::to_string(program.port()) + "/", folder, own);
  } catch (const std::exception& error) {
    expect(false, error.what());
  }
  std::error_code ignored;
  std::filesystem::remove_all(own, ignored);
  return failures > 0;
}
