// The model that a server holds, and what it answers for images.
#pragma once

#include <captcha/data/batch.hpp>
#include <captcha/io/safetensors.hpp>
#include <captcha/model/grad_cam.hpp>
#include <captcha/model/inference.hpp>
#include <captcha/model/predictor.hpp>

#include "../captchas.hpp"
#include "../character_image.hpp"
#include "../characters.hpp"
#include "../heat.hpp"
#include "../ranking.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace captcha::app {

/// One set of weights, in both forms that are needed, and a name for them.
struct ServedModel {
  explicit ServedModel(Weights<Network> loaded)
      : weights(std::move(loaded)),
        packed(weights),
        fingerprint(hash_text(std::as_bytes(packed.values()), "served model")) {}

  Weights<Network> weights;
  PackedWeights<Network, character> packed;
  std::string fingerprint;  ///< 16 hexadecimal digits that change with any weight
};

inline std::span<const std::uint8_t> as_image(std::string_view bytes) {
  return {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()};
}

/// The character that a PNG shows. Of a wrong size no pixel is decoded unless `resizes`. Throws ImageError.
inline Image character_of(std::string_view png, bool resizes) {
  const PngParts parts = parse_png(as_image(png), "image");
  if (!resizes && (parts.height != character.height || parts.width != character.width))
    throw ImageError(ImageFault::size, "image: wrong size");
  return as_character(decode_png(as_image(png), "image"), "image", resizes);
}

/// The CAPTCHA that a PNG shows. Throws ImageError.
inline Image captcha_of(std::string_view png, bool resizes) {
  return as_captcha(decode_png(as_image(png), "image"), "image", resizes);
}

/// Reads batches of characters with one thread's memory; see Inference.
class BatchReader {
 public:
  explicit BatchReader(std::size_t capacity)
      : inference_(static_cast<int>(capacity)),
        pixels_(capacity * character.size()),
        input_(pixels_.size()) {}

  /// `images`: at most `capacity`, prepared as in training.
  std::vector<Ranking> operator()(const ServedModel& model, std::span<const std::vector<float>> images,
                                  Workers& workers) {
    const std::size_t count = images.size();
    for (std::size_t n = 0; n < count; ++n)
      std::copy(images[n].begin(), images[n].end(), pixels_.data() + n * character.size());
    interleave<float>(pixels_, character, count, input_.data(), 0, count);
    const auto logits = inference_(model.packed, input_.data(), static_cast<int>(count), workers);
    std::vector<Ranking> rankings;
    std::vector<float> one(labels.size());
    for (std::size_t n = 0; n < count; ++n) {
      for (std::size_t c = 0; c < labels.size(); ++c) one[c] = logits[c * count + n];
      rankings.emplace_back(softmax(one));
    }
    return rankings;
  }

 private:
  Inference<Network, character> inference_;
  AlignedVector<float> pixels_, input_;
};

}  // namespace captcha::app
