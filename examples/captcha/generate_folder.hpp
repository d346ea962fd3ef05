// A folder of images, or other files, that appears when all of them are written, or not at all.
#pragma once

#include <captcha/core/error.hpp>
#include <captcha/data/image.hpp>
#include <captcha/data/png.hpp>
#include <captcha/train/log.hpp>

#include "paths.hpp"

#include <filesystem>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace captcha::app {

/// Collects images in `<folder>.part` and moves them to their place by commit(). Without commit() nothing
/// stays.
class NewFolder {
 public:
  /// Throws Error if the folder holds files already, unless `add` lets the images join them and replace those
  /// of the same name (where a command has an option for that, `otherwise` ends the message with it); and if
  /// it cannot be made.
  explicit NewFolder(std::filesystem::path folder, bool add = false, const std::string& otherwise = "")
      : folder_(folder.has_filename() ? std::move(folder) : folder.parent_path()),
        unfinished_(folder_.string() + ".part") {
    std::error_code failed;
    if (folder_.empty()) throw Error("no folder to write to, expected a name, such as data/generated");
    if (std::filesystem::is_symlink(folder_, failed)) {  // it stays, and what it leads to is written
      if (!is_there(folder_)) throw Error(folder_.string() + ": a link that leads nowhere");
      folder_ = std::filesystem::canonical(folder_);
      unfinished_ = folder_.string() + ".part";
    }
    if (std::filesystem::exists(folder_, failed)) {
      if (!std::filesystem::is_directory(folder_, failed))
        throw Error(folder_.string() + ": a file stands there, expected a folder or a name that is free");
      if (!add && !std::filesystem::is_empty(folder_, failed))
        throw Error(folder_.string() +
                    ": holds files already, expected an empty folder; empty it, give another name" +
                    otherwise);
    }
    const bool made = std::filesystem::create_directories(unfinished_, failed);
    if (failed) throw Error(unfinished_.string() + ": cannot be made: " + failed.message());
    if (!made)
      throw Error(unfinished_.string() +
                  ": exists already, as a killed run or one under way leaves it; remove it and try again");
  }
  NewFolder(const NewFolder&) = delete;
  NewFolder& operator=(const NewFolder&) = delete;
  ~NewFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(unfinished_, ignored);
  }

  void write(const std::string& name, const Image& image) {
    write_png(unfinished_ / name, image);
    names_.push_back(name);
  }
  void write(const std::string& name, const std::string& text) {
    write_text(unfinished_ / name, text);
    names_.push_back(name);
  }

  /// Puts the images in place. Throws Error if the folder cannot be written.
  void commit() {
    std::error_code failed;
    std::filesystem::remove(folder_,
                            failed);  // succeeds on an empty folder and fails on no folder; both are well
    if (!is_there(folder_)) {
      std::filesystem::rename(unfinished_, folder_, failed);
    } else {
      failed.clear();
      for (const std::string& name : names_)
        if (!failed) std::filesystem::rename(unfinished_ / name, folder_ / name, failed);
    }
    if (failed) throw Error(folder_.string() + ": cannot be written: " + failed.message());
  }

 private:
  std::filesystem::path folder_;
  std::filesystem::path unfinished_;
  std::vector<std::string> names_;
};

}  // namespace captcha::app
