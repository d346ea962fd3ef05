// A data set of PNG files in a folder.
#pragma once

#include <captcha/config/compiled.hpp>
#include <captcha/core/error.hpp>
#include <captcha/data/dataset.hpp>
#include <captcha/data/image_error.hpp>
#include <captcha/data/list_images.hpp>
#include <captcha/data/png.hpp>
#include <captcha/data/quarantine.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace captcha {

/// Where the label of an image stands.
enum class Labels {
  file_name,   ///< before the first underscore: `a_2b827-3.png` shows an `a`
  sub_folder,  ///< the folder it lies in: `a/2b827-3.png`
};

/// What becomes of a file that cannot be used: damaged, of the wrong size, of no known class.
enum class BadFiles {
  fail,        ///< the first one is an error
  skip,        ///< left out and listed by ImageFolder::report()
  quarantine,  ///< the same, and moved into a folder beside theirs, such as `images.quarantine`; see
               ///< quarantine()
};

struct FolderOptions {
  Labels labels = Labels::file_name;
  std::vector<std::string> classes{};  ///< in the order of the class numbers; found and sorted where empty
  bool resize = false;                 ///< accept images of another size
  bool cache = true;                   ///< decode everything at once into memory; otherwise on every get
  BadFiles bad = BadFiles::fail;
  Image (*read)(const std::filesystem::path&) = read_png;  ///< how a file is decoded
};

/// A file that was left out, and why.
struct BadFile {
  std::string name;
  std::string reason;
};

/// The label of an image, by its path below the data set's folder; empty where it has none.
CAPTCHA_INLINE std::string_view file_label(std::string_view name, Labels labels);

/// The number of its class. Throws ImageError if it has no label, or one that is none of the classes.
CAPTCHA_INLINE int file_class(const std::filesystem::path& folder, const std::string& name, Labels labels,
                              const std::vector<std::string>& classes);

/// Throws ImageError unless an image, read from that file, has the height and width of the shape.
CAPTCHA_INLINE void require_size(const Image& image, const std::filesystem::path& file, Shape shape);

/// Three channels, red, green and blue; alpha is laid over white.
CAPTCHA_INLINE Image to_rgb(const Image& image);

/// The files of a folder, their classes and, where they are cached, their pixels: what ImageFolder does
/// without knowing its shape at compile time.
class ImageFiles {
 public:
  std::size_t size() const { return names_.size(); }
  int target(std::size_t index) const { return targets_[index]; }
  const std::vector<std::string>& classes() const { return options_.classes; }
  std::string name(std::size_t index) const;
  std::string group(std::size_t index) const;

  /// The files that were left out.
  const std::vector<BadFile>& report() const { return bad_; }
  /// Memory that the decoded images take: one byte a value.
  std::size_t memory_bytes() const { return cache_.capacity(); }

 protected:
  ImageFiles(std::filesystem::path folder, FolderOptions options, Shape shape);

  /// Calls f(pixels) with those of an image, row by row, the samples of a pixel together.
  template <class F>
  void with_pixels(std::size_t index, F&& f) const {
    if (options_.cache)
      f(std::span(cache_).subspan(index * shape_.size(), shape_.size()));
    else
      f(std::span<const std::uint8_t>(load(names_[index]).pixels));
  }

 private:
  /// The image of a file with the size and channels of the shape.
  Image load(const std::string& name) const;

  std::filesystem::path folder_;
  FolderOptions options_;
  Shape shape_;
  std::vector<std::string> names_;
  std::vector<int> targets_;
  std::vector<std::uint8_t> cache_;
  std::vector<BadFile> bad_;
};

/// The PNG files of a folder as inputs of shape S, values from 0 to 1, with class numbers as targets. With
/// one channel colours become grey, with three grey becomes RGB; transparent parts are white.
///
/// The group of a sample is the source it was made from: the part of its name behind the label and before
/// a '-' (`2b827` of `a_2b827-3.png`); a file without one, or in the folder of its class, is a group of its
/// own.
template <Shape S>
class ImageFolder : public ImageFiles {
  static_assert(!S.is_flat && (S.channels == 1 || S.channels == 3),
                "ImageFolder reads 1 (grey) or 3 (RGB) channels");

 public:
  static constexpr Shape shape = S;

  /// Throws Error if the folder cannot be listed or has no usable image, for a class listed twice and, unless
  /// bad files are left out, for the first bad file (an ImageError). Files are moved to quarantine when all
  /// of them were looked at, and only if one of them can be used. Images are decoded here where they are
  /// cached or bad files are skipped; otherwise a damaged one is an error of get.
  explicit ImageFolder(std::filesystem::path folder, FolderOptions options = {})
      : ImageFiles(std::move(folder), std::move(options), S) {}

  /// Row by row, the samples of a pixel together, becomes (C, H, W) from 0 to 1.
  int get(std::size_t index, std::span<float> pixels) const {
    with_pixels(index, [&](std::span<const std::uint8_t> image) {
      constexpr std::size_t channels = static_cast<std::size_t>(S.channels), plane = S.size() / channels;
      for (std::size_t channel = 0; channel < channels; ++channel)
        for (std::size_t i = 0; i < plane; ++i)
          pixels[channel * plane + i] = to_value(image[i * channels + channel]);
    });
    return target(index);
  }
};

#if CAPTCHA_DEFINED_HERE
CAPTCHA_INLINE ImageFiles::ImageFiles(std::filesystem::path folder, FolderOptions options, Shape shape)
    : folder_(std::move(folder)), options_(std::move(options)), shape_(shape) {
  const std::vector<std::string> names = list_images(folder_, options_.labels == Labels::sub_folder);
  if (options_.classes.empty()) {
    std::set<std::string> found;
    for (const std::string& name : names)
      if (const std::string_view label = file_label(name, options_.labels); !label.empty())
        found.emplace(label);
    options_.classes.assign(found.begin(), found.end());
  } else if (std::set(options_.classes.begin(), options_.classes.end()).size() != options_.classes.size()) {
    throw Error(folder_.string() + ": a class is listed twice");
  }
  std::vector<std::string> left_out;
  if (options_.cache) cache_.reserve(names.size() * shape_.size());
  for (const std::string& name : names) {
    try {
      const int target = file_class(folder_, name, options_.labels, options_.classes);
      if (options_.cache || options_.bad != BadFiles::fail) {
        const Image image = load(name);
        if (options_.cache) cache_.insert(cache_.end(), image.pixels.begin(), image.pixels.end());
      }
      names_.push_back(name);
      targets_.push_back(target);
    } catch (const Error& error) {
      if (options_.bad == BadFiles::fail) throw;
      const std::string path = (folder_ / name).string(), what = error.what();
      std::string reason = what.starts_with(path + ": ") ? what.substr(path.size() + 2) : what;
      bad_.push_back({path, std::move(reason)});
      left_out.push_back(name);
    }
  }
  if (names_.empty())
    throw Error(folder_.string() + ": no usable image among " + std::to_string(names.size()) +
                " files, expected " +
                (options_.labels == Labels::file_name ? "<label>_<anything>.png" : "<label>/<anything>.png") +
                (bad_.empty() ? "" : "; the first: " + bad_.front().name + ": " + bad_.front().reason));
  if (options_.bad != BadFiles::quarantine) return;
  const std::vector<std::filesystem::path> moved = quarantine(folder_, left_out);
  for (std::size_t i = 0; i < moved.size(); ++i) bad_[i].reason += "; moved to " + moved[i].string();
}

CAPTCHA_INLINE std::string ImageFiles::name(std::size_t index) const {
  return (folder_ / names_[index]).string();
}

CAPTCHA_INLINE std::string ImageFiles::group(std::size_t index) const {
  if (options_.labels == Labels::sub_folder) return names_[index];
  const std::string stem = std::filesystem::path(names_[index]).stem().string();
  const std::size_t underscore = stem.find('_');
  const std::size_t start = underscore == std::string::npos ? 0 : underscore + 1;
  const std::size_t dash = stem.find('-', start);
  return dash == std::string::npos ? names_[index] : stem.substr(start, dash - start);
}

CAPTCHA_INLINE std::string_view file_label(std::string_view name, Labels labels) {
  const std::size_t end = name.find(labels == Labels::file_name ? '_' : '/');
  return end == std::string_view::npos ? std::string_view{} : name.substr(0, end);
}

CAPTCHA_INLINE int file_class(const std::filesystem::path& folder, const std::string& name, Labels labels,
                              const std::vector<std::string>& classes) {
  const std::string_view label = file_label(name, labels);
  const auto found = std::find(classes.begin(), classes.end(), label);
  if (!label.empty() && found != classes.end()) return static_cast<int>(found - classes.begin());
  const std::string path = (folder / name).string();
  if (label.empty())
    throw ImageError(
        ImageFault::label,
        path + ": no label, expected " +
            (labels == Labels::file_name ? "one before an underscore in the name" : "a folder per class"));
  throw ImageError(ImageFault::label, path + ": label '" + std::string(label) + "' is none of the " +
                                          std::to_string(classes.size()) + " classes");
}

CAPTCHA_INLINE void require_size(const Image& image, const std::filesystem::path& file, Shape shape) {
  if (image.height == shape.height && image.width == shape.width) return;
  throw ImageError(ImageFault::size,
                   file.string() + ": " + std::to_string(image.width) + " x " + std::to_string(image.height) +
                       " pixels (width x height), expected " + std::to_string(shape.width) + " x " +
                       std::to_string(shape.height) + "; allow resizing to accept it");
}

CAPTCHA_INLINE Image ImageFiles::load(const std::string& name) const {
  const std::filesystem::path path = folder_ / name;
  Image image = options_.read(path);
  if (!options_.resize) require_size(image, path, shape_);
  if (image.height != shape_.height || image.width != shape_.width)
    image = resize(image, shape_.height, shape_.width);
  if (shape_.channels == 1) return image.channels == 1 ? image : to_grey(image);
  return image.channels == 3 ? image : to_rgb(image);
}

CAPTCHA_INLINE Image to_rgb(const Image& image) {
  Image rgb{image.height, image.width, 3, {}};
  rgb.pixels.reserve(image.pixels.size() / static_cast<std::size_t>(image.channels) * 3);
  for (auto pixel = image.pixels.begin(); pixel != image.pixels.end(); pixel += image.channels) {
    const int alpha = image.channels % 2 == 0 ? pixel[image.channels - 1] : 255;
    for (int channel = 0; channel < 3; ++channel) {
      const int value = pixel[image.channels < 3 ? 0 : channel];
      rgb.pixels.push_back(static_cast<std::uint8_t>((value * alpha + 255 * (255 - alpha) + 127) / 255));
    }
  }
  return rgb;
}
#endif

}  // namespace captcha
