// What a disk may hold after a power cut, worked out from the calls that a run made. Of a file the disk
// surely has what was written before its last fsync, of a folder the entries before its last one. Of later
// writes each may have arrived wholly, in part, as zeros or not at all; of later entries each may be there or
// not.
#pragma once

#include <captcha/core/random.hpp>

#include "recorded_call.hpp"
#include "trainer_process.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace reliability {

/// What of fsync a simulation believes in: without one of the two it must find states that are beyond help.
struct Syncs {
  bool files = true;
  bool folders = true;
};

class Disk {
 public:
  /// `root` is there from the beginning.
  explicit Disk(std::string root, Syncs syncs = {}) : root_(std::move(root)), syncs_(syncs) {}

  /// The next call of the run.
  void apply(const Call& call) {
    switch (call.operation) {
      case Operation::open:
        open(call);
        break;
      case Operation::write:
        write(call.file, call.one);
        break;
      case Operation::ftruncate:
        files_[file_of(call.file)].pending.push_back({0, {}, std::stoul(call.one), true});
        break;
      case Operation::fsync:
        sync(call.file);
        break;
      case Operation::rename:
        set_entry(call.two, entries_.at(call.one));
        set_entry(call.one, none);
        break;
      case Operation::unlink:
        set_entry(call.one, none);
        break;
      case Operation::mkdir:
        set_entry(call.one, folder);
        break;
      case Operation::close:
      case Operation::fchmod:
      case Operation::flock:
      case Operation::opendir:
      case Operation::readdir:
      case Operation::read:
      case Operation::mmap:
        break;
    }
  }

  /// One of the states that a power cut at this moment may leave: the text of each file below the root.
  /// Whether folder `run` is among them is told by its entry.
  std::map<std::string, std::string> after_power_cut(captcha::Random& random) const {
    // How much arrives differs from cut to cut: little, half or most of it.
    const std::uint32_t share = 1 + 4 * random.below(3);
    const auto arrives = [&] { return random.below(10) < share; };
    std::map<std::string, std::size_t> names = durable_entries_;
    for (const auto& [path, to] : pending_entries_)
      if (arrives()) names[path] = to;
    std::map<std::string, std::string> state;
    for (const auto& [path, to] : names) {
      if (to == none) continue;
      const auto above = names.find(fs::path(path).parent_path().string());
      if (fs::path(path).parent_path() != root_ && (above == names.end() || above->second != folder))
        continue;
      state[path] = to == folder ? "" : content_of(files_.at(to), random, arrives);
    }
    return state;
  }

  bool is_folder(const std::string& path) const {
    const auto found = entries_.find(path);
    return found != entries_.end() && found->second == folder;
  }

 private:
  static constexpr std::size_t none = 0, folder = 1;  // instead of the number of a file

  struct Change {
    std::size_t at = 0;
    std::string bytes{};
    std::size_t size = 0;  // of a file that is cut
    bool cuts = false;
  };
  struct File {
    std::string durable{};
    std::vector<Change> pending{};
  };
  struct Open {
    std::string path{};
    std::size_t file = none;
    std::size_t at = 0;
  };

  void open(const Call& call) {
    const auto found = entries_.find(call.one);
    std::size_t to = found == entries_.end() ? none : found->second;
    if (call.one == root_) to = folder;
    if (to == none) {
      to = next_++;
      files_[to] = {};
      set_entry(call.one, to);
    }
    open_[call.file] = {call.one, to, 0};
  }

  std::size_t file_of(int descriptor) const { return open_.at(descriptor).file; }

  void write(int descriptor, const std::string& bytes) {
    Open& open = open_.at(descriptor);
    files_.at(open.file).pending.push_back({open.at, bytes});
    open.at += bytes.size();
  }

  void sync(int descriptor) {
    const Open& open = open_.at(descriptor);
    if (open.file == folder) {
      if (!syncs_.folders) return;
      std::vector<std::pair<std::string, std::size_t>> others;
      for (auto& [path, to] : pending_entries_)
        if (fs::path(path).parent_path() == open.path)
          durable_entries_[path] = to;
        else
          others.emplace_back(path, to);
      pending_entries_ = std::move(others);
    } else if (syncs_.files) {
      File& file = files_.at(open.file);
      for (const Change& change : file.pending) put(file.durable, change, change.bytes);
      file.pending.clear();
    }
  }

  void set_entry(const std::string& path, std::size_t to) {
    entries_[path] = to;
    pending_entries_.emplace_back(path, to);
  }

  static void put(std::string& text, const Change& change, std::string_view bytes) {
    if (change.cuts) {
      text.resize(change.size);
      return;
    }
    if (text.size() < change.at + bytes.size()) text.resize(change.at + bytes.size());
    std::ranges::copy(bytes, text.begin() + static_cast<std::ptrdiff_t>(change.at));
  }

  /// Writes do not overlap but where a file was cut, so that leaving any of them out is leaving out any
  /// order.
  static std::string content_of(const File& file, captcha::Random& random, const auto& arrives) {
    std::string text = file.durable;
    for (const Change& change : file.pending) {
      std::string bytes = change.bytes;
      const bool whole = arrives();
      if (!whole && !change.cuts) {
        const std::uint32_t fate = random.below(3);
        if (fate == 0) continue;  // not at all, which leaves zeros where a later one arrives
        if (fate == 1) bytes.resize(random.below(static_cast<std::uint32_t>(bytes.size() + 1)));
        if (fate == 2) {  // its size and some of the disk's blocks
          constexpr std::size_t block = 512;
          for (std::size_t at = change.at / block * block; at < change.at + bytes.size(); at += block)
            if (random.below(2) == 0)
              for (std::size_t i = std::max(at, change.at);
                   i < std::min(at + block, change.at + bytes.size()); ++i)
                bytes[i - change.at] = '\0';
        }
      }
      if (whole || !change.cuts) put(text, change, bytes);
    }
    return text;
  }

  std::string root_;
  Syncs syncs_;
  std::size_t next_ = 2;
  std::map<std::size_t, File> files_{};
  std::map<int, Open> open_{};
  std::map<std::string, std::size_t> entries_{};  // as the run sees them
  std::map<std::string, std::size_t> durable_entries_{};
  std::vector<std::pair<std::string, std::size_t>> pending_entries_{};
};

}  // namespace reliability
