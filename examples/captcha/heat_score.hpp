// Whether a heat map is to the point: what becomes of a reading when the places that it marks most are
// painted over.
#pragma once

#include <captcha/core/random.hpp>
#include <captcha/model/grad_cam.hpp>
#include <captcha/model/predictor.hpp>

#include "character_image.hpp"
#include "characters.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <numeric>
#include <span>
#include <string>
#include <vector>

namespace captcha::app {

/// The image with the fifth of its pixels that the map marks most in its own light grey, the upper quartile.
inline Image painted_over(const Image& image, std::span<const float> map) {
  std::vector<std::uint8_t> levels = image.pixels;
  const auto quartile = levels.begin() + static_cast<std::ptrdiff_t>(levels.size() * 3 / 4);
  std::nth_element(levels.begin(), quartile, levels.end());
  std::vector<std::size_t> order(map.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return map[a] > map[b]; });
  Image painted = image;
  for (std::size_t i = 0; i < order.size() / 5; ++i) painted.pixels[order[i]] = *quartile;
  return painted;
}

struct HeatScore {
  double fall = 0;   ///< of the probability of the class that was read, on average over marked images
  double empty = 0;  ///< share of images in which nothing is marked
};

/// Of a layer's maps of some images; without a layer, of blots anywhere, as a measure for the others. Calls
/// `next` before each image.
inline HeatScore heat_score(const Weights<Network>& weights, const std::vector<Image>& images,
                            const std::string& layer, const std::function<void()>& next) {
  Predictor<Network, character> predictor(weights);
  GradCam<Network, character> cam;
  double fall = 0;
  std::size_t marked = 0;
  for (std::size_t i = 0; i < images.size(); ++i) {
    next();
    const std::vector<float> pixels = prepared(images[i]), before = predictor.probabilities(pixels);
    const auto best =
        static_cast<std::size_t>(std::max_element(before.begin(), before.end()) - before.begin());
    std::vector<float> map;
    if (layer.empty()) {
      Random random(1, Purpose::test, 0, i);
      for (int cell = 0; cell < 7 * 4; ++cell) map.push_back(random.uniform());
      map = enlarged<float>(map, chw(1, 7, 4), character);
    } else {
      map = cam(weights, std::span<const float>(pixels), best, layer);
    }
    if (*std::max_element(map.begin(), map.end()) <= 0) continue;
    const std::vector<float> after = predictor.probabilities(prepared(painted_over(images[i], map)));
    fall += static_cast<double>(before[best] - after[best]);
    ++marked;
  }
  const auto share = [](double part, std::size_t of) { return of == 0 ? 0 : part / static_cast<double>(of); };
  return {share(fall, marked), share(static_cast<double>(images.size() - marked), images.size())};
}

}  // namespace captcha::app
