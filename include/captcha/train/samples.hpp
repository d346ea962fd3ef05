// Samples in words: for messages, and to know the data of a run again.
#pragma once

#include <captcha/config/compiled.hpp>
#include <captcha/core/error.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace captcha {

/// What a sample is called; empty where samples have no names.
using SampleName = std::function<std::string(std::size_t)>;

/// A few of the samples, and how many more there are.
CAPTCHA_INLINE std::string some_names(const std::vector<std::size_t>& samples, const SampleName& name);

/// What was found in a step, with where in the run that was, and the samples by their names.
CAPTCHA_INLINE NotANumber in_words(const NotANumber& found, std::size_t epoch, std::size_t step,
                                   const SampleName& name);

/// What of the data must be the same in a run that goes on: the number of samples and, where they have names,
/// a hash of those.
CAPTCHA_INLINE std::string describe_samples(std::size_t samples, const SampleName& name);

#if CAPTCHA_DEFINED_HERE
CAPTCHA_INLINE std::string some_names(const std::vector<std::size_t>& samples, const SampleName& name) {
  const std::size_t shown = std::min<std::size_t>(samples.size(), 8);
  std::string text;
  for (std::size_t i = 0; i < shown; ++i)
    text.append(i == 0 ? "" : ", ").append(name ? name(samples[i]) : "sample " + std::to_string(samples[i]));
  if (samples.size() > shown) text.append(" and " + std::to_string(samples.size() - shown) + " more");
  return text;
}

CAPTCHA_INLINE NotANumber in_words(const NotANumber& found, std::size_t epoch, std::size_t step,
                                   const SampleName& name) {
  return NotANumber("epoch " + std::to_string(epoch) + ", step " + std::to_string(step) + ": " +
                        found.what() + "; " + (found.samples.size() == 1 ? "of " : "the batch: ") +
                        some_names(found.samples, name) +
                        "; lower the learning rate, limit the gradient, or look at these samples",
                    found.samples);
}

CAPTCHA_INLINE std::string describe_samples(std::size_t samples, const SampleName& name) {
  std::string text = "samples " + std::to_string(samples);
  if (!name) return text;
  std::uint64_t names = 0xcbf29ce484222325;  // FNV-1a
  for (std::size_t i = 0; i < samples; ++i)
    for (const char letter : name(i) + "\n")
      names = (names ^ static_cast<unsigned char>(letter)) * 0x100000001b3;
  return text.append(", hash of their names ").append(std::to_string(names));
}
#endif

}  // namespace captcha
