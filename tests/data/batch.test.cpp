// Batches: memory order, alignment, short batches, failures.
#include <captcha/data/xtensor.hpp>

#include "catch.hpp"

#include <cstdint>
#include <numeric>
#include <stdexcept>
#include <string>
#include <vector>

using namespace captcha;

TEST_CASE("interleave puts the sample index innermost, behind row, channel and column") {
  for (const Shape shape : {chw(1, 1, 1), chw(3, 4, 5), chw(1, 52, 32), flat(7)})
    for (const std::size_t count : {1u, 3u, 16u}) {
      const std::size_t samples = count + 4, first = 2;
      std::vector<float> from(count * shape.size());
      std::iota(from.begin(), from.end(), 1.0f);
      std::vector<float> batch(samples * shape.size(), 0.0f);
      interleave<float>(from, shape, count, batch.data(), first, samples);
      const auto view = batch_view(batch.data(), shape, samples);
      std::size_t next = 0;
      bool same = true;
      for (std::size_t n = 0; n < count; ++n)
        for (int c = 0; c < shape.channels; ++c)
          for (int h = 0; h < shape.height; ++h)
            for (int w = 0; w < shape.width; ++w) same = same && view(first + n, c, h, w) == from[next++];
      CHECK(same);
      float outside = 0.0f;
      for (std::size_t i = 0; i < batch.size(); ++i)
        if (i % samples < first || i % samples >= first + count) outside += batch[i];
      CHECK(outside == 0.0f);
    }
}

TEST_CASE("a batch is filled in order and starts at a multiple of 64 bytes") {
  const Shape shape = chw(2, 3, 4);
  Batch<float, std::string> batch(shape, 40);
  CHECK(batch.size() == 0);
  std::vector<float> staging(batch.staged * shape.size());
  const auto write = [](std::size_t index, std::span<float> pixels) {
    for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<float>(100 * index + i);
    return "sample " + std::to_string(index);
  };
  for (const std::size_t samples : {40u, 17u, 16u, 1u}) {
    std::vector<std::size_t> indices(samples);
    std::iota(indices.rbegin(), indices.rend(), std::size_t{3});
    batch.fill(indices, staging, write);
    REQUIRE(batch.size() == samples);
    CHECK(reinterpret_cast<std::uintptr_t>(batch.inputs().data()) % 64 == 0);
    CHECK(batch.inputs().size() == samples * shape.size());
    CHECK(std::vector(batch.indices().begin(), batch.indices().end()) == indices);
    const auto view = batch_view(batch);
    for (std::size_t n = 0; n < samples; ++n) {
      CHECK(batch.targets()[n] == "sample " + std::to_string(indices[n]));
      CHECK(view(n, 0, 0, 0) == static_cast<float>(100 * indices[n]));
      CHECK(view(n, 1, 2, 3) == static_cast<float>(100 * indices[n] + 23));
    }
    CHECK(batch.inputs()[samples - 1] == static_cast<float>(100 * indices.back()));  // size() is the stride
  }
}

TEST_CASE("after an exception the batch is empty, and it can be filled again") {
  Batch<float, int> batch(flat(2), 4);
  std::vector<float> staging(batch.staged * 2);
  const std::vector<std::size_t> indices{0, 1, 2};
  const auto fail = [](std::size_t index, std::span<float>) {
    if (index == 1) throw std::runtime_error("no");
    return 0;
  };
  CHECK_THROWS_AS(batch.fill(indices, staging, fail), std::runtime_error);
  CHECK(batch.size() == 0);
  CHECK(batch.indices().empty());
  batch.fill(indices, staging, [](std::size_t, std::span<float>) { return 5; });
  CHECK(batch.size() == 3);
}

TEST_CASE("more samples than a batch was made for are refused") {
  Batch<float, int> batch(flat(2), 2);
  std::vector<float> staging(batch.staged * 2);
  const std::vector<std::size_t> indices{0, 1, 2};
  CHECK_THROWS_WITH(batch.fill(indices, staging, [](std::size_t, std::span<float>) { return 0; }),
                    Catch::Contains("3 samples, made for at most 2"));
  CHECK(batch.size() == 0);
}
