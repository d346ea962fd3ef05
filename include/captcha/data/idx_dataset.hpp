// A data set of idx files: MNIST and its relatives.
#pragma once

#include <captcha/core/error.hpp>
#include <captcha/data/arrays.hpp>
#include <captcha/data/idx.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace captcha {

/// Grey images of shape S from an idx file of (N, H, W) bytes, values from 0 to 1, with class numbers from
/// one of (N) bytes; plain or gzip-compressed. The classes are called "0", "1", … up to the largest number.
/// Throws Error where a file cannot be read, the sizes are not those of S or the numbers of samples differ.
template <Shape S = chw(1, 28, 28)>
class IdxDataset : public ArrayDataset<S, int, std::uint8_t> {
  static_assert(S.channels == 1 && !S.is_flat, "IdxDataset reads images of one channel");

 public:
  IdxDataset(const std::filesystem::path& images, const std::filesystem::path& labels)
      : IdxDataset(images, read_idx(images), labels, read_idx(labels)) {}

 private:
  IdxDataset(const std::filesystem::path& images_path, IdxArray<std::uint8_t> images,
             const std::filesystem::path& labels_path, const IdxArray<std::uint8_t>& labels)
      : ArrayDataset<S, int, std::uint8_t>(checked(images_path, images, labels_path, labels),
                                           {labels.values.begin(), labels.values.end()},
                                           numbers_to(labels.values)) {}

  static std::vector<std::uint8_t> checked(const std::filesystem::path& images_path,
                                           IdxArray<std::uint8_t>& images,
                                           const std::filesystem::path& labels_path,
                                           const IdxArray<std::uint8_t>& labels) {
    const std::vector<std::size_t> expected{images.shape.front(), static_cast<std::size_t>(S.height),
                                            static_cast<std::size_t>(S.width)};
    if (images.shape != expected)
      throw Error(images_path.string() + ": " + extents(images.shape) + " values, expected N x " +
                  std::to_string(S.height) + " x " + std::to_string(S.width));
    if (labels.shape != std::vector{images.shape.front()})
      throw Error(labels_path.string() + ": " + extents(labels.shape) + " labels for " +
                  std::to_string(images.shape.front()) + " images of " + images_path.string());
    return std::move(images.values);
  }

  static std::string extents(const std::vector<std::size_t>& shape) {
    std::string text;
    for (const std::size_t extent : shape) text += (text.empty() ? "" : " x ") + std::to_string(extent);
    return text;
  }

  static std::vector<std::string> numbers_to(const std::vector<std::uint8_t>& labels) {
    std::vector<std::string> names;
    if (labels.empty()) return names;
    for (int label = 0; label <= *std::max_element(labels.begin(), labels.end()); ++label)
      names.push_back(std::to_string(label));
    return names;
  }
};

}  // namespace captcha
