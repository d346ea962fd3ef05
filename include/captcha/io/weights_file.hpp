// Weights in and out of safetensors files: our own exactly, others' as far as they fit.
#pragma once

#include <captcha/config/compiled.hpp>
#include <captcha/core/error.hpp>
#include <captcha/io/model_info.hpp>
#include <captcha/io/safetensors.hpp>
#include <captcha/model/weights.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace captcha {

struct SaveOptions {
  bool hashed = true;
  bool half = false;  ///< weights in half precision; biases, norms and statistics stay as they are
};

/// Arrays on their way into a file, in PyTorch's axis order.
class TensorBundle {
 public:
  /// Adds all of a network's weights, each name behind `prefix`, in `half` precision or not. Error when a
  /// weight is too large for that.
  template <class T>
  void add(const WeightValues<T>& weights, const std::string& prefix = "", bool half = false);
  void write(const std::filesystem::path& path, const std::map<std::string, std::string>& metadata,
             bool hashed = true) const;

 private:
  std::vector<std::vector<std::byte>> storage_;
  std::vector<SafeTensor> tensors_;
};

/// Error when two arrays of a network have one name: no file could tell them apart.
CAPTCHA_INLINE void require_own_names(const std::vector<PlacedSlot>& slots);

/// Writes a network's weights under their state-dict names. Error, before anything is written, when two of
/// them are the same.
template <class T>
void save_weights(const std::filesystem::path& path, const WeightValues<T>& weights,
                  const std::map<std::string, std::string>& metadata = {}, SaveOptions options = {});

/// What became of the tensors of a file and the slots of a network.
struct LoadReport {
  std::size_t loaded = 0;                 ///< slots filled as they are in the file
  std::vector<std::string> adapted{};     ///< first convolution, made to fit another number of channels
  std::vector<std::string> replaced{};    ///< classifier of another class count: left as it was
  std::vector<std::string> missing{};     ///< slots that the file does not have: left as they were
  std::vector<std::string> misshaped{};   ///< "name: file 3 x 4, network 3 x 5"
  std::vector<std::string> unexpected{};  ///< tensors that the network does not have

  /// "loaded 100 tensors; missing: layer4.0.conv1.weight, … and 9 more": three names of each kind.
  std::string text() const;
};

struct LoadOptions {
  bool strict = true;       ///< anything missing, unexpected or mis-shaped is an error
  bool adapt = false;       ///< fit the first convolution and replace the classifier where only they differ
  std::string prefix = "";  ///< of the names in the file; tensors without it are passed over
};

/// Fills weights from a file in PyTorch's names and axis order (torchvision's and timm's ResNets among them;
/// num_batches_tracked is passed over). Everything is checked first: on Error, which lists all that is
/// missing, unexpected or mis-shaped at once, the weights are as they were.
template <class T>
LoadReport load_weights(const SafetensorsFile& file, const std::string& name, WeightValues<T>& weights,
                        const LoadOptions& options = {});

/// The same from a file on disk.
template <class T>
LoadReport load_weights(const std::filesystem::path& path, WeightValues<T>& weights,
                        const LoadOptions& options = {}) {
  return load_weights(SafetensorsFile::read(path), path.string(), weights, options);
}

/// The weight of a first convolution for `channels` input channels, made from one for as many as `shape`
/// says: one channel is the sum over all (grey images look the same to it as grey in colour); for any other
/// number the channels are repeated and scaled, so that a constant image gives what it gave (timm does the
/// same).
template <class T>
std::vector<T> adapt_channels(const std::vector<T>& weight, const std::vector<std::size_t>& shape,
                              std::size_t channels) {
  const std::size_t area = shape[2] * shape[3], old = shape[1];
  std::vector<T> adapted(shape[0] * channels * area);
  for (std::size_t out = 0; out < shape[0]; ++out)
    for (std::size_t i = 0; i < area; ++i)
      if (channels == 1) {
        for (std::size_t c = 0; c < old; ++c) adapted[out * area + i] += weight[(out * old + c) * area + i];
      } else {
        for (std::size_t c = 0; c < channels; ++c)
          adapted[(out * channels + c) * area + i] =
              weight[(out * old + c % old) * area + i] * static_cast<T>(old) / static_cast<T>(channels);
      }
  return adapted;
}

template <class T>
LoadReport load_weights(const SafetensorsFile& file, const std::string& name, WeightValues<T>& weights,
                        const LoadOptions& options) {
  require_known_format(file, name);
  if (options.prefix.empty() && file.metadata().contains("captcha.checkpoint"))
    throw Error(name +
                ": a checkpoint of a run, not a model; give its best.safetensors or final.safetensors");
  if (file.metadata().contains("captcha.packed"))
    throw Error(name + ": weights packed for prediction; give the file that they were packed from");
  const auto& slots = weights.slots();
  LoadReport report;
  struct Found {
    const PlacedSlot* slot;
    const SafeTensor* tensor;
    bool adapt;
  };
  std::vector<Found> found;
  const auto is_parameter = [](const PlacedSlot& placed) { return !placed.is_buffer; };
  const auto first = std::find_if(slots.begin(), slots.end(), is_parameter);
  const auto last = std::find_if(slots.rbegin(), slots.rend(), is_parameter);
  const auto layer_of = [](const std::string& path) { return path.substr(0, path.rfind('.')); };
  for (const PlacedSlot& placed : slots) {
    const SafeTensor* tensor = file.find(options.prefix + placed.name);
    std::vector<std::size_t> wanted;
    for (std::size_t axis = 0; axis < static_cast<std::size_t>(placed.slot.rank); ++axis)
      wanted.push_back(placed.slot.extent(axis));
    if (!tensor) {
      report.missing.push_back(placed.name);
    } else if (tensor->shape == wanted) {
      found.push_back({&placed, tensor, false});
      ++report.loaded;
    } else if (options.adapt && &placed == &*first && wanted.size() == 4 && tensor->shape.size() == 4 &&
               tensor->shape[0] == wanted[0] && tensor->shape[1] > 0 && tensor->shape[2] == wanted[2] &&
               tensor->shape[3] == wanted[3]) {
      found.push_back({&placed, tensor, true});
      report.adapted.push_back(placed.name);
    } else if (options.adapt && layer_of(placed.name) == layer_of(last->name)) {
      report.replaced.push_back(placed.name);
    } else {
      report.misshaped.push_back(placed.name + " (file " + shape_text(tensor->shape) + ", network " +
                                 shape_text(wanted) + ")");
    }
  }
  for (const SafeTensor& tensor : file.tensors()) {
    if (!tensor.name.starts_with(options.prefix) || tensor.name.ends_with("num_batches_tracked")) continue;
    const std::string_view bare = std::string_view(tensor.name).substr(options.prefix.size());
    if (std::none_of(slots.begin(), slots.end(),
                     [&](const PlacedSlot& placed) { return placed.name == bare; }))
      report.unexpected.emplace_back(bare);
  }
  if (options.strict && !(report.missing.empty() && report.misshaped.empty() && report.unexpected.empty()))
    throw Error(name + ": does not fit the network: " + report.text());
  if (found.empty()) throw Error(name + ": no tensor fits the network: " + report.text());

  // All that takes memory comes first: the loop behind it cannot fail.
  std::vector<std::vector<T>> made(found.size());
  std::vector<std::span<const T>> values;
  values.reserve(found.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    const SafeTensor& tensor = *found[i].tensor;
    if (found[i].adapt)
      made[i] = adapt_channels(to_vector<T>(tensor), tensor.shape, found[i].slot->slot.extent(1));
    values.push_back(found[i].adapt ? std::span<const T>(made[i]) : values_of(tensor, made[i]));
  }
  for (std::size_t i = 0; i < found.size(); ++i) weights.set(*found[i].slot, values[i]);
  return report;
}

template <class T>
void TensorBundle::add(const WeightValues<T>& weights, const std::string& prefix, bool half) {
  for (const PlacedSlot& placed : weights.slots()) {
    SafeTensor tensor{prefix + placed.name, std::is_same_v<T, float> ? Dtype::f32 : Dtype::f64, {}, {}};
    if (half && placed.slot.role == Role::weight) tensor.dtype = Dtype::f16;
    std::vector<std::byte>& bytes = storage_.emplace_back(placed.slot.size() * info(tensor.dtype).size);
    tensor.bytes = bytes;
    const auto from = weights.values(placed);
    if (tensor.dtype != Dtype::f16) {
      T* const to = reinterpret_cast<T*>(bytes.data());
      for_each_value(placed.slot, [&](std::size_t torch, std::size_t ours) { to[torch] = from[ours]; });
    } else {
      std::uint16_t* const to = reinterpret_cast<std::uint16_t*>(bytes.data());
      for_each_value(placed.slot, [&](std::size_t torch, std::size_t ours) {
        to[torch] = float_to_half(static_cast<float>(from[ours]));
        if (!std::isfinite(half_to_float(to[torch])))
          throw Error("weights: '" + placed.name + "' holds " + std::to_string(from[ours]) +
                      ", which half precision does not; its largest number is 65504");
      });
    }
    for (std::size_t axis = 0; axis < static_cast<std::size_t>(placed.slot.rank); ++axis)
      tensor.shape.push_back(placed.slot.extent(axis));
    tensors_.push_back(std::move(tensor));
  }
}

template <class T>
void save_weights(const std::filesystem::path& path, const WeightValues<T>& weights,
                  const std::map<std::string, std::string>& metadata, SaveOptions options) {
  require_own_names(weights.slots());
  TensorBundle bundle;
  bundle.add(weights, "", options.half);
  bundle.write(path, metadata, options.hashed);
}

#if defined(CAPTCHA_COMPILED)
CAPTCHA_INSTANTIATE void TensorBundle::add(const WeightValues<float>&, const std::string&, bool);
CAPTCHA_INSTANTIATE void save_weights(const std::filesystem::path&, const WeightValues<float>&,
                                      const std::map<std::string, std::string>&, SaveOptions);
CAPTCHA_INSTANTIATE LoadReport load_weights(const SafetensorsFile&, const std::string&, WeightValues<float>&,
                                            const LoadOptions&);
#endif

#if CAPTCHA_DEFINED_HERE
CAPTCHA_INLINE void TensorBundle::write(const std::filesystem::path& path,
                                        const std::map<std::string, std::string>& metadata,
                                        bool hashed) const {
  write_safetensors(path, tensors_, metadata, hashed);
}

CAPTCHA_INLINE void require_own_names(const std::vector<PlacedSlot>& slots) {
  std::set<std::string_view> names;
  for (const PlacedSlot& placed : slots)
    if (!names.insert(placed.name).second)
      throw Error("weights: two layers have a '" + placed.name +
                  "', which no file could tell apart; call one of them Named<\"…\", …>, or put them into a "
                  "Sequential, which numbers them");
}

CAPTCHA_INLINE std::string LoadReport::text() const {
  constexpr std::size_t most = 3;
  std::string line = "loaded " + std::to_string(loaded) + " tensors";
  const auto list = [&line, most](const char* what, const std::vector<std::string>& names) {
    for (std::size_t i = 0; i < std::min(most, names.size()); ++i)
      line.append(i == 0 ? "; " : ", ")
          .append(i == 0 ? what : "")
          .append(i == 0 ? ": " : "")
          .append(names[i]);
    if (names.size() > most) line.append(" and ").append(std::to_string(names.size() - most)).append(" more");
  };
  list("adapted", adapted);
  list("new", replaced);
  list("missing", missing);
  list("mis-shaped", misshaped);
  list("unexpected", unexpected);
  return line;
}
#endif

}  // namespace captcha
