// The record of a run as JSON lines and as CSV.
#pragma once

#include <captcha/config/compiled.hpp>
#include <captcha/io/atomic_file.hpp>
#include <captcha/io/json.hpp>
#include <captcha/train/state.hpp>

#include <cmath>
#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace captcha {

/// An epoch as a JSON object; a value that is not a number becomes null.
CAPTCHA_INLINE std::string to_json(const EpochRecord& record);

/// Reads one back.
CAPTCHA_INLINE EpochRecord read_record(JsonReader& reader);

/// Replaces a file by the text, in one atomic step.
CAPTCHA_INLINE void write_text(const std::filesystem::path& path, const std::string& text);

/// Writes metrics.jsonl and metrics.csv into a folder, one line an epoch. They are rewritten whole, which a
/// few hundred lines allow, so a resumed run can neither repeat nor lose one.
CAPTCHA_INLINE void write_metrics(const std::filesystem::path& folder,
                                  const std::vector<EpochRecord>& history);

#if CAPTCHA_DEFINED_HERE
CAPTCHA_INLINE std::string to_json(const EpochRecord& record) {
  std::string line =
      "{\"epoch\":" + std::to_string(record.epoch) + ",\"step\":" + std::to_string(record.step);
  for (const auto& [name, value] : record.values) line += "," + json_string(name) + ":" + json_number(value);
  return line + "}";
}

CAPTCHA_INLINE EpochRecord read_record(JsonReader& reader) {
  EpochRecord record;
  reader.members([&](const std::string& name) {
    if (name == "epoch")
      record.epoch = reader.number();
    else if (name == "step")
      record.step = reader.number();
    else
      record.values.emplace_back(name, reader.real());
  });
  return record;
}

CAPTCHA_INLINE void write_text(const std::filesystem::path& path, const std::string& text) {
  const std::span<const std::byte> bytes = std::as_bytes(std::span(text));
  write_file_atomically(path, std::span(&bytes, 1));
}

CAPTCHA_INLINE void write_metrics(const std::filesystem::path& folder,
                                  const std::vector<EpochRecord>& history) {
  std::string lines, table;
  for (const EpochRecord& record : history) {
    lines += to_json(record) + "\n";
    if (table.empty()) {
      table = "epoch,step";
      for (const auto& [name, value] : record.values) table += "," + name;
      table += "\n";
    }
    table += std::to_string(record.epoch) + "," + std::to_string(record.step);
    for (const auto& [name, value] : record.values)
      table += "," + (std::isfinite(value) ? json_number(value) : "");
    table += "\n";
  }
  write_text(folder / "metrics.jsonl", lines);
  write_text(folder / "metrics.csv", table);
}
#endif

}  // namespace captcha
