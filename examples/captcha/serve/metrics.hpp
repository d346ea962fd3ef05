// Counters and histograms in the text format that Prometheus reads (version 0.0.4).
#pragma once

#include <captcha/io/json.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace captcha::app {

/// `{route="/",status="200"}`: the labels of one series. Their values are ours, never a client's.
using Labels = std::vector<std::pair<std::string, std::string>>;

inline std::string to_text(const Labels& series) {
  std::string text;
  for (const auto& [name, value] : series) text += (text.empty() ? "{" : ",") + name + "=\"" + value + "\"";
  return text.empty() ? "" : text + "}";
}

/// All metrics of a program. Every call is safe from any thread.
class Metrics {
 public:
  /// Says what a name means, before it is used. `bounds`, rising: the buckets of a histogram.
  void describe(const std::string& name, const std::string& type, const std::string& help,
                std::vector<double> bounds = {}) {
    const std::lock_guard lock(guard_);
    families_[name] = {type, help, std::move(bounds), {}, {}};
  }
  void count(const std::string& name, const Labels& series = {}, double by = 1) {
    const std::lock_guard lock(guard_);
    families_.at(name).values[to_text(series)] += by;
  }
  void set(const std::string& name, double value, const Labels& series = {}) {
    const std::lock_guard lock(guard_);
    families_.at(name).values[to_text(series)] = value;
  }
  /// Takes all series of a name away.
  void clear(const std::string& name) {
    const std::lock_guard lock(guard_);
    families_.at(name).values.clear();
  }
  /// One more observation of a histogram.
  void observe(const std::string& name, double value, const Labels& series = {}) {
    const std::lock_guard lock(guard_);
    Family& family = families_.at(name);
    Histogram& histogram = family.histograms.try_emplace(to_text(series), series).first->second;
    histogram.counts.resize(family.bounds.size() + 1);
    const auto bucket = std::lower_bound(family.bounds.begin(), family.bounds.end(), value);
    ++histogram.counts[static_cast<std::size_t>(bucket - family.bounds.begin())];
    histogram.sum += value;
  }

  /// All of them, as `/metrics` shows them.
  std::string text() const {
    const std::lock_guard lock(guard_);
    std::string out;
    const auto line = [&out](const std::string& name, const std::string& series, const std::string& value) {
      out.append(name).append(series).append(" ").append(value).append("\n");
    };
    for (const auto& [name, family] : families_) {
      out += "# HELP " + name + " " + family.help + "\n# TYPE " + name + " " + family.type + "\n";
      for (const auto& [series, value] : family.values) line(name, series, json_number(value));
      for (const auto& [series, histogram] : family.histograms) {
        std::uint64_t below = 0;
        for (std::size_t i = 0; i < histogram.counts.size(); ++i) {
          below += histogram.counts[i];
          Labels bucket = histogram.series;
          bucket.emplace_back("le", i < family.bounds.size() ? json_number(family.bounds[i]) : "+Inf");
          line(name + "_bucket", to_text(bucket), std::to_string(below));
        }
        line(name + "_sum", series, json_number(histogram.sum));
        line(name + "_count", series, std::to_string(below));
      }
    }
    return out;
  }

 private:
  struct Histogram {
    explicit Histogram(Labels given) : series(std::move(given)) {}
    Labels series;
    std::vector<std::uint64_t> counts{};  // by bucket, the last without a bound
    double sum = 0;
  };
  struct Family {
    std::string type, help;
    std::vector<double> bounds;
    std::map<std::string, double> values;
    std::map<std::string, Histogram> histograms;
  };

  mutable std::mutex guard_;
  std::map<std::string, Family> families_;
};

}  // namespace captcha::app
