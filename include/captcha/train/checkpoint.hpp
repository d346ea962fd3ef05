// Checkpoints: everything a training run needs to go on, in one safetensors file.
#pragma once

#include <captcha/config/compiled.hpp>
#include <captcha/core/error.hpp>
#include <captcha/io/json.hpp>
#include <captcha/io/model_info.hpp>
#include <captcha/io/weights_file.hpp>
#include <captcha/model/weights.hpp>
#include <captcha/train/log.hpp>
#include <captcha/train/state.hpp>
#include <captcha/train/tally.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <iterator>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace captcha {

/// The version of what checkpoints say of a run. Older ones are read too.
inline constexpr int checkpoint_format = 3;

/// What a checkpoint holds, where it lies in a run: read by save, overwritten by load.
struct CheckpointParts {
  WeightValues<float>& weights;
  WeightValues<float>* average;  ///< or null
  std::span<WeightValues<float>> moments;
  std::int64_t updates;  ///< of the optimizer
  TrainingState& state;
  EpochCounts counts;
  std::vector<std::size_t>& kept;  ///< the steps of the checkpoints that the run has written and kept
};

/// Writes weights, averaged weights (when there are any), moments and the state of a run. `metadata` is that
/// of the model; `options` is text that describes what must not change when the run is resumed.
CAPTCHA_INLINE void save_checkpoint(const std::filesystem::path& path, const CheckpointParts& parts,
                                    std::map<std::string, std::string> metadata, const std::string& options);

/// Whether a run described as `now` may go on from a checkpoint of that format whose run was described as
/// `before`. Those before format 3 said less of the options and other things of the schedule: what they said
/// must still hold.
CAPTCHA_INLINE bool same_run(const std::string& before, const std::string& now, int format);

/// What differs between two descriptions "name value, name value, …". The schedule is left out where
/// something else differs that its values follow from.
CAPTCHA_INLINE std::string differences(const std::string& before, const std::string& now);

/// Reads a checkpoint back into a run that was set up with the same options; `name` is that of the file.
/// Error when it is no checkpoint, or belongs to another network or other options; everything is then as it
/// was.
CAPTCHA_INLINE void load_checkpoint(const SafetensorsFile& file, const std::string& name,
                                    CheckpointParts& parts, const std::string& options);

#if CAPTCHA_DEFINED_HERE
CAPTCHA_INLINE void save_checkpoint(const std::filesystem::path& path, const CheckpointParts& parts,
                                    std::map<std::string, std::string> metadata, const std::string& options) {
  TensorBundle bundle;
  bundle.add(parts.weights, "weights/");
  if (parts.average) bundle.add(*parts.average, "average/");
  for (std::size_t i = 0; i < parts.moments.size(); ++i)
    bundle.add(parts.moments[i], "moment" + std::to_string(i + 1) + "/");
  const TrainingState& state = parts.state;
  const auto list = [](const auto& items, auto&& text_of) {
    std::string text = "[";
    for (const auto& item : items) text.append(text.size() == 1 ? "" : ",").append(text_of(item));
    return text + "]";
  };
  const auto whole = [](std::size_t number) { return std::to_string(number); };
  const auto numbers = [&](const std::vector<double>& all) { return list(all, json_real); };
  metadata["captcha.checkpoint_format"] = std::to_string(checkpoint_format);
  metadata["captcha.checkpoint"] =
      "{\"epoch\":" + whole(state.epoch) + ",\"step\":" + whole(state.step) +
      ",\"updates\":" + std::to_string(parts.updates) + ",\"best\":" + json_real(state.best) +
      ",\"best_epoch\":" + whole(state.best_epoch) + ",\"options\":" + json_string(options) +
      ",\"learning_rate\":" + json_number(state.learning_rate) +
      ",\"epoch_loss\":" + json_number(parts.counts.loss) +
      ",\"epoch_samples\":" + whole(parts.counts.samples) +
      ",\"epoch_metrics\":" + list(parts.counts.metrics, numbers) + ",\"kept\":" + list(parts.kept, whole) +
      ",\"history\":" + list(state.history, to_json) + "}";
  bundle.write(path, metadata);
}

/// The parts of a description.
CAPTCHA_INLINE std::vector<std::string> items_of(const std::string& description) {
  std::vector<std::string> all;
  for (std::size_t begin = 0; begin < description.size();) {
    const std::size_t end = std::min(description.find(", ", begin), description.size());
    all.push_back(description.substr(begin, end - begin));
    begin = end + 2;
  }
  return all;
}

CAPTCHA_INLINE bool same_run(const std::string& before, const std::string& now, int format) {
  if (format >= 3) return before == now;
  const std::vector<std::string> then = items_of(before), today = items_of(now);
  return std::all_of(then.begin(), then.end(), [&today](const std::string& item) {
    return item.starts_with("schedule ") || std::find(today.begin(), today.end(), item) != today.end();
  });
}

CAPTCHA_INLINE std::string differences(const std::string& before, const std::string& now) {
  const auto without = [](const std::vector<std::string>& some, const std::vector<std::string>& others) {
    std::vector<std::string> left;
    std::copy_if(some.begin(), some.end(), std::back_inserter(left), [&others](const std::string& item) {
      return std::find(others.begin(), others.end(), item) == others.end();
    });
    return left;
  };
  std::vector<std::string> then = without(items_of(before), items_of(now)),
                           today = without(items_of(now), items_of(before));
  const auto is_schedule = [](const std::string& item) { return item.starts_with("schedule "); };
  if (!std::all_of(then.begin(), then.end(), is_schedule) ||
      !std::all_of(today.begin(), today.end(), is_schedule)) {
    std::erase_if(then, is_schedule);
    std::erase_if(today, is_schedule);
  }
  const auto joined = [](const std::vector<std::string>& items) {
    std::string text;
    for (const std::string& item : items)
      text.append(text.empty() ? "" : ", ")
          .append(item.starts_with("hash of their names ")
                      ? "samples of other names, which begin with the folder as it was given"
                      : item);
    return text.empty() ? std::string("nothing else") : text;
  };
  return "then " + joined(then) + "; now " + joined(today);
}

CAPTCHA_INLINE void load_checkpoint(const SafetensorsFile& file, const std::string& name,
                                    CheckpointParts& parts, const std::string& options) {
  model_info(file, name);
  const auto value = [&file](const char* key) -> const std::string* {
    const auto found = file.metadata().find(key);
    return found == file.metadata().end() ? nullptr : &found->second;
  };
  const std::string* const text = value("captcha.checkpoint");
  if (!text) throw Error(name + ": a model, not a checkpoint, from which no run can go on");
  int format = 1;  // which did not say so
  if (const std::string* const said = value("captcha.checkpoint_format")) {
    for (format = 2; format <= checkpoint_format && *said != std::to_string(format);) ++format;
    if (format > checkpoint_format)
      throw Error(name + ": checkpoint format " + *said + ", this program knows 1 to " +
                  std::to_string(checkpoint_format) + "; use a newer one");
  }
  if (const std::string* const print = value("captcha.fingerprint");
      !print || *print != fingerprint(parts.weights.slots()))
    throw Error(name + ": a checkpoint of another network (" + *value("captcha.architecture") + ")");

  // Copies first: whatever fails below leaves the run untouched.
  const auto holds = [&file](const std::string& prefix) {
    return std::any_of(file.tensors().begin(), file.tensors().end(),
                       [&](const SafeTensor& tensor) { return tensor.name.starts_with(prefix); });
  };
  if (holds("average/") != (parts.average != nullptr))
    throw Error(name +
                (parts.average ? ": holds no averaged weights, which this run wants"
                               : ": holds averaged weights, which this run does not want") +
                std::string("; resume with the same options"));
  const auto read = [&](const WeightValues<float>& like, const std::string& prefix) {
    WeightValues<float> values = like;
    load_weights(file, name, values, {.prefix = prefix});
    return values;
  };
  WeightValues<float> new_weights = read(parts.weights, "weights/");
  std::vector<WeightValues<float>> new_average, new_moments;
  if (parts.average) new_average.push_back(read(*parts.average, "average/"));
  for (std::size_t i = 0; i < parts.moments.size(); ++i)
    new_moments.push_back(read(parts.moments[i], "moment" + std::to_string(i + 1) + "/"));
  TrainingState new_state = parts.state;
  std::int64_t updates = 0;
  std::string saved_options;
  EpochCounts counts;
  std::vector<std::size_t> kept;
  JsonReader reader(*text, 16 * text->size() + 1024, name + ": its state");
  reader.members([&](const std::string& key) {
    if (key == "epoch")
      new_state.epoch = reader.number();
    else if (key == "step")
      new_state.step = reader.number();
    else if (key == "updates")
      updates = static_cast<std::int64_t>(reader.number());
    else if (key == "best")
      new_state.best = reader.real();
    else if (key == "best_epoch")
      new_state.best_epoch = reader.number();
    else if (key == "options")
      saved_options = reader.string();
    else if (key == "learning_rate")
      new_state.learning_rate = reader.real();
    else if (key == "epoch_loss")
      counts.loss = reader.real();
    else if (key == "epoch_samples")
      counts.samples = reader.number();
    else if (key == "epoch_metrics")
      reader.items([&] {
        std::vector<double>& numbers = counts.metrics.emplace_back();
        reader.items([&] { numbers.push_back(reader.real()); });
      });
    else if (key == "kept")
      reader.items([&] { kept.push_back(reader.number()); });
    else if (key == "history")
      reader.items([&] { new_state.history.push_back(read_record(reader)); });
    else
      reader.fail("unknown member " + shown(key));
  });
  reader.finish();
  if (!same_run(saved_options, options, format))
    throw Error(name + ": was made with other options (" + differences(saved_options, options) +
                "); resume with the same ones or start in a new folder");
  parts.weights = std::move(new_weights);
  if (parts.average) *parts.average = std::move(new_average.front());
  std::move(new_moments.begin(), new_moments.end(), parts.moments.begin());
  parts.updates = updates;
  parts.state = std::move(new_state);
  parts.counts = std::move(counts);
  parts.kept = std::move(kept);
}
#endif

}  // namespace captcha
