// Checkpoints: everything a training run needs to go on, in one safetensors file.
#pragma once

#include <captcha/core/error.hpp>
#include <captcha/io/json.hpp>
#include <captcha/io/model_info.hpp>
#include <captcha/io/weights_file.hpp>
#include <captcha/optim/descent.hpp>
#include <captcha/train/log.hpp>
#include <captcha/train/state.hpp>

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace captcha {

/// Writes weights, averaged weights (when there are any), moments and the state of a run. `options` is text
/// that describes what must not change when the run is resumed.
template <class Net, Optimizer O>
void save_checkpoint(const std::filesystem::path& path, const Weights<Net>& weights,
                     const Weights<Net>* average, const Descent<Net, O>& descent, const TrainingState& state,
                     const ModelInfo& info, const std::string& options) {
  TensorBundle bundle;
  bundle.add(weights, "weights/");
  if (average) bundle.add(*average, "average/");
  for (std::size_t i = 0; i < descent.moments().size(); ++i)
    bundle.add(descent.moments()[i], "moment" + std::to_string(i + 1) + "/");
  std::string history;
  for (const EpochRecord& record : state.history) history += (history.empty() ? "" : ",") + to_json(record);
  auto metadata = to_metadata<Net>(info);
  metadata["captcha.checkpoint"] =
      "{\"epoch\":" + std::to_string(state.epoch) + ",\"step\":" + std::to_string(state.step) +
      ",\"updates\":" + std::to_string(descent.steps()) + ",\"best\":" + json_number(state.best) +
      ",\"best_epoch\":" + std::to_string(state.best_epoch) + ",\"options\":" + json_string(options) +
      ",\"history\":[" + history + "]}";
  bundle.write(path, metadata);
}

/// What differs between two descriptions "name value, name value, …".
inline std::string differences(const std::string& before, const std::string& now) {
  const auto items = [](const std::string& text) {
    std::vector<std::string> all;
    for (std::size_t begin = 0; begin < text.size();) {
      const std::size_t end = std::min(text.find(", ", begin), text.size());
      all.push_back(text.substr(begin, end - begin));
      begin = end + 2;
    }
    return all;
  };
  const auto without = [](const std::vector<std::string>& some, const std::vector<std::string>& others) {
    std::string text;
    for (const std::string& item : some)
      if (std::find(others.begin(), others.end(), item) == others.end())
        text.append(text.empty() ? "" : ", ").append(item);
    return text.empty() ? std::string("nothing else") : text;
  };
  return "then " + without(items(before), items(now)) + "; now " + without(items(now), items(before));
}

/// Reads a checkpoint back into a run that was set up with the same options. Error when the file is damaged,
/// is no checkpoint, or belongs to another network or other options; everything is then as it was.
template <class Net, Optimizer O>
void load_checkpoint(const std::filesystem::path& path, Weights<Net>& weights, Weights<Net>* average,
                     Descent<Net, O>& descent, TrainingState& state, const std::string& options) {
  const SafetensorsFile file = SafetensorsFile::read(path);
  model_info(file, path.string());
  const auto found = file.metadata().find("captcha.checkpoint");
  if (found == file.metadata().end())
    throw Error(path.string() + ": a model, not a checkpoint; only last.safetensors can be resumed");
  if (file.metadata().at("captcha.fingerprint") != fingerprint<Net>())
    throw Error(path.string() + ": a checkpoint of another network (" +
                file.metadata().at("captcha.architecture") + ")");

  // Copies first: whatever fails below leaves the run untouched.
  const auto holds = [&file](const std::string& prefix) {
    return std::any_of(file.tensors().begin(), file.tensors().end(),
                       [&](const SafeTensor& tensor) { return tensor.name.starts_with(prefix); });
  };
  if (holds("average/") != (average != nullptr))
    throw Error(path.string() +
                (average ? ": holds no averaged weights, which this run wants"
                         : ": holds averaged weights, which this run does not want") +
                std::string("; resume with the same options"));
  Weights<Net> new_weights = weights;
  load_weights(file, path.string(), new_weights, {.prefix = "weights/"});
  Weights<Net> new_average = weights;
  if (average) load_weights(file, path.string(), new_average, {.prefix = "average/"});
  std::vector<Weights<Net>> moments;
  for (std::size_t i = 0; i < descent.moments().size(); ++i) {
    moments.push_back(Weights<Net>::zeros());
    load_weights(file, path.string(), moments.back(), {.prefix = "moment" + std::to_string(i + 1) + "/"});
  }
  TrainingState new_state = state;
  std::int64_t updates = 0;
  std::string saved_options;
  JsonReader reader(found->second, 16 * found->second.size() + 1024, path.string() + ": its state");
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
    else if (key == "history")
      reader.items([&] { new_state.history.push_back(read_record(reader)); });
    else
      reader.fail("unknown member " + shown(key));
  });
  reader.finish();
  if (saved_options != options)
    throw Error(path.string() + ": was made with other options (" + differences(saved_options, options) +
                "); resume with the same ones or start in a new folder");
  weights = std::move(new_weights);
  if (average) *average = std::move(new_average);
  std::move(moments.begin(), moments.end(), descent.moments().begin());
  descent.set_steps(updates);
  state = std::move(new_state);
}

}  // namespace captcha
