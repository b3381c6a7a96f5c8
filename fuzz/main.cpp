// The program: `fuzz TARGET [options of libFuzzer] CORPUS...`. Chooses the target, and changes inputs by their
// structure: files of a folder one at a time, JSON by its values, and checksums set right afterwards, so that the code
// behind their checks is reached too.
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>

#include "genrewise/base/hash.hpp"
#include "genrewise/base/json_file.hpp"
#include "genrewise/base/random.hpp"
#include "genrewise/base/runtime.hpp"
#include "genrewise/base/text.hpp"
#include "genrewise/records/framing.hpp"
#include "targets.hpp"

extern "C" std::size_t LLVMFuzzerMutate(unsigned char* data, std::size_t size, std::size_t max_size);

namespace genrewise::fuzz {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr std::string_view kMark = "@@@ ";
constexpr char kVariable[] = "GENREWISE_FUZZ_TARGET";
constexpr std::size_t kMostGrowth = 512;

std::vector<Target>& all_targets() {
  static std::vector<Target> all;
  return all;
}

bool is_name(std::string_view name) {
  return !name.empty() && name.size() < 100 && name.front() != '/' && name.find("..") == name.npos &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./") == name.npos;
}

// Changes by structure.

void mutate_bytes(std::string& bytes) {
  const std::size_t size = bytes.size(), most = size + std::min<std::size_t>(size / 2 + 16, kMostGrowth);
  bytes.resize(most);
  bytes.resize(LLVMFuzzerMutate(reinterpret_cast<unsigned char*>(bytes.data()), size, most));
}

bool mutate_json_text(std::string& text, Rng& rng);

void collect(json& value, std::vector<json*>& values) {
  values.push_back(&value);
  if (value.is_structured())
    for (json& inner : value) collect(inner, values);
}

void mutate_json(json& document, Rng& rng) {
  std::vector<json*> values;
  collect(document, values);
  const auto any = [&]() -> json& { return *values[rng.below(values.size())]; };
  json& value = any();
  static const json kTypical = json::parse(
      R"([null, true, 0, -1, 1, 2, 0.5, 1e308, 18446744073709551615, -9223372036854775808, 4294967296, "", "a", [], {}, [[]]])");
  switch (rng.below(7)) {
    case 0:
      value = kTypical[rng.below(kTypical.size())];
      break;
    case 1: {
      const json copy = any();  // before the assignment: it may be a part of `value`
      value = copy;
      break;
    }
    case 2:
      if (value.is_structured() && !value.empty())
        value.erase(std::next(value.begin(), static_cast<std::ptrdiff_t>(rng.below(value.size()))));
      break;
    case 3: {
      const json copy = any();
      if (value.is_array()) value.push_back(copy);
      break;
    }
    case 4:
      if (value.is_object()) value["x"] = kTypical[rng.below(kTypical.size())];
      break;
    default:
      if (value.is_string()) {
        auto& text = value.get_ref<std::string&>();
        if (!mutate_json_text(text, rng)) mutate_bytes(text);
      } else if (value.is_number_unsigned()) {
        value = value.get<std::uint64_t>() + rng.below(5) - 2;
      } else if (value.is_number_integer()) {
        value = value.get<std::int64_t>() / 2 + static_cast<std::int64_t>(rng.below(5)) - 2;
      } else if (value.is_number_float()) {
        value = value.get<double>() * (rng.below(2) == 0 ? -1 : 1e30);
      }
  }
}

bool mutate_json_text(std::string& text, Rng& rng) {
  if (!text.starts_with('{') && !text.starts_with('[')) return false;
  json document = json::parse(text, nullptr, false);
  if (document.is_discarded()) {  // perhaps a document a line
    std::vector<std::string> lines = split_text(text, '\n');
    if (lines.size() < 2 || !mutate_json_text(lines[rng.below(lines.size())], rng)) return false;
    text = fmt::format("{}", fmt::join(lines, "\n"));
    return true;
  }
  mutate_json(document, rng);
  text = document.dump(-1, ' ', false, json::error_handler_t::replace);
  return true;
}

/// Length of the JSON header of a safetensors file; 0 if it is none.
std::size_t header_of(std::string_view bytes) {
  std::uint64_t length = 0;
  if (bytes.size() <= 8) return 0;
  std::memcpy(&length, bytes.data(), 8);
  return length <= bytes.size() - 8 && bytes[8] == '{' ? static_cast<std::size_t>(length) : 0;
}

std::size_t bytes_of_type(const std::string& type) {
  return type == "F64" || type == "I64" || type == "U64" ? 8
         : type == "F32" || type == "I32"                ? 4
         : type == "U8"                                  ? 1
                                                         : 2;
}

void mutate_values(std::string& bytes, const std::string& type, Rng& rng) {
  const std::size_t size = bytes_of_type(type), count = bytes.size() / size;
  if (count == 0) return;
  char* const value = bytes.data() + size * rng.below(count);
  constexpr double kNumbers[] = {0, -1, 1, 0.5, -0.5, 1e-320, 1e300, -1e38, 3e-45, NAN, INFINITY, -INFINITY};
  constexpr std::int64_t kIntegers[] = {0, -1, 1, 2, 255, 1 << 20, INT32_MAX, INT32_MIN, INT64_MAX, INT64_MIN};
  const double number = kNumbers[rng.below(std::size(kNumbers))];
  const auto small = static_cast<float>(number);
  const std::int64_t integer = kIntegers[rng.below(std::size(kIntegers))];
  std::memcpy(value,
              type == "F64"   ? static_cast<const void*>(&number)
              : type == "F32" ? &small
                              : static_cast<const void*>(&integer),
              size);
}

/// Changes a tensor, or which there are, and keeps type, shape, offsets and data consistent. False if the file has
/// none.
bool mutate_tensors(std::string& header, std::string& data, Rng& rng) {
  json document = json::parse(header, nullptr, false);
  if (!document.is_object()) return false;
  struct One {
    std::string name, bytes;
    json entry;
  };
  std::vector<One> all;
  for (const auto& [name, entry] : document.items()) {
    if (name == "__metadata__" || !entry.is_object() || !entry.contains("data_offsets")) continue;
    const json& range = entry["data_offsets"];
    if (!range.is_array() || range.size() != 2 || !range[0].is_number_unsigned() || !range[1].is_number_unsigned() ||
        !entry.contains("shape") || !entry["shape"].is_array() || !entry.contains("dtype") ||
        !entry["dtype"].is_string())
      return false;
    const std::size_t begin = range[0], end = range[1];
    if (begin > end || end > data.size()) return false;
    all.push_back({name, data.substr(begin, end - begin), entry});
  }
  if (all.empty()) return false;
  One& one = all[rng.below(all.size())];
  const One& other = all[rng.below(all.size())];
  const std::string type = one.entry["dtype"];
  json& shape = one.entry["shape"];
  switch (rng.below(7)) {
    case 0:
      one.name = other.name;
      break;
    case 1:
      if (rng.below(4) == 0) {
        all.erase(all.begin() + (&one - all.data()));
        break;
      }
      [[fallthrough]];
    case 2: {  // another length of one dimension, or another number of dimensions
      if (shape.empty() || rng.below(8) == 0) shape.push_back(1 + rng.below(3));
      if (shape.size() > 1 && rng.below(8) == 0) shape.erase(shape.size() - 1);
      json& dimension = shape[rng.below(shape.size())];
      const std::size_t now = dimension.is_number_unsigned() ? dimension.get<std::size_t>() : 0;
      const std::size_t lengths[] = {0, 1, 2, now + 1, now - std::min<std::size_t>(now, 1), 2 * now};
      dimension = lengths[rng.below(std::size(lengths))];
      std::size_t size = bytes_of_type(type);
      for (const json& length : shape)
        size *= length.is_number_unsigned() ? std::min<std::size_t>(length.get<std::size_t>(), 4096) : 0;
      if (size > (1 << 16)) return false;
      const std::string pattern = one.bytes.empty() ? std::string(1, '\0') : one.bytes;
      while (one.bytes.size() < size) one.bytes += pattern;
      one.bytes.resize(size);
      break;
    }
    case 3:
      one = One{one.name, other.bytes, other.entry};
      break;
    default:
      mutate_values(one.bytes, type, rng);
  }
  json changed = json::object();
  if (document.contains("__metadata__")) changed["__metadata__"] = document["__metadata__"];
  data.clear();
  for (One& kept : all) {
    if (changed.contains(kept.name)) continue;
    kept.entry["data_offsets"] = {data.size(), data.size() + kept.bytes.size()};
    data += kept.bytes;
    changed[kept.name] = kept.entry;
  }
  header = changed.dump(-1, ' ', false, json::error_handler_t::replace);
  return true;
}

/// Of an HTTP message with JSON.
bool mutate_body(std::string& message, Rng& rng) {
  const std::size_t end = message.find("\r\n\r\n");
  if (end == std::string::npos || rng.below(2) == 0) return false;
  std::string body = message.substr(end + 4);
  if (!mutate_json_text(body, rng)) return false;
  message.replace(end + 4, std::string::npos, body);
  return true;
}

void mutate_content(std::string& content, Rng& rng) {
  const bool by_structure = rng.below(4) != 0;
  if (const std::size_t length = header_of(content); by_structure && length > 0) {
    std::string header = content.substr(8, length), data = content.substr(8 + length);
    const bool by_tensors = rng.below(2) == 0 && mutate_tensors(header, data, rng);
    if (!by_tensors && (rng.below(2) == 0 || !mutate_json_text(header, rng))) mutate_bytes(data);
    const std::uint64_t size = header.size();
    content.assign(reinterpret_cast<const char*>(&size), sizeof size);
    content += header + data;
    return;
  }
  if (!by_structure || (!mutate_json_text(content, rng) && !mutate_body(content, rng))) mutate_bytes(content);
}

// Checksums.

void fix_records(std::string& bytes) {
  for (std::size_t at = 0; bytes.size() - at >= kRecordFrameBytes;) {
    std::uint64_t length = 0;
    std::memcpy(&length, bytes.data() + at, sizeof length);
    if (length > bytes.size() - at - kRecordFrameBytes) return;
    std::string frame;
    make_frame(std::string_view(bytes).substr(at + kRecordHeaderBytes, length), frame);
    bytes.replace(at, frame.size(), frame);
    at += frame.size();
  }
}

void fix_seal(std::string& bytes) {
  const std::size_t length = header_of(bytes);
  const json document = json::parse(length > 0 ? bytes.substr(8, length) : bytes, nullptr, false);
  if (!document.is_object()) return;
  const json& holder = length > 0 ? document.value("__metadata__", json()) : document;
  const std::string digits = holder.is_object() && holder.contains("sha256") && holder["sha256"].is_string()
                                 ? holder["sha256"].get<std::string>()
                                 : "";
  if (digits.size() != open_seal().size()) return;
  for (std::size_t at = bytes.find(digits); at != bytes.npos; at = bytes.find(digits, at + 1)) {
    const std::string_view before = std::string_view(bytes).substr(0, at);
    if (!before.ends_with("\"sha256\":\"") && !before.ends_with("\"sha256\": \"")) continue;
    bytes.replace(at, digits.size(), open_seal());
    seal(bytes);
    return;
  }
}

/// Replaces the sums of other files in the JSON of the file `name`.
void fix_sums_of_others(const std::string& name, std::string& text,
                        const std::function<const std::string*(const std::string&)>& find) {
  json document = json::parse(text, nullptr, false);
  if (!document.is_object()) return;
  const std::string stem = name.substr(0, name.rfind(".json"));
  std::vector<json*> values;
  collect(document, values);
  const auto set = [&](json& object, const char* key, const std::string& other) {
    const std::string* content = find(other);
    if (content == nullptr || !object.contains(key)) return;
    const std::string old = object[key].is_string() ? object[key].get<std::string>() : "";
    const std::size_t at = old.empty() ? text.npos : text.find(old);
    if (at != text.npos) text.replace(at, old.size(), sha256_hex(*content));
  };
  for (json* value : values) {
    if (!value->is_object()) continue;
    if (value->contains("file") && (*value)["file"].is_string())
      set(*value, "sha256", (*value)["file"].get<std::string>());
    set(*value, "table_sha256", stem);
    set(*value, "model_sha256", stem + ".gwm");
  }
}

/// Of a document, or of each line that is one.
void fix_seals(std::string& text) {
  fix_seal(text);
  if (text.find("}\n{") == text.npos) return;
  std::vector<std::string> lines = split_text(text, '\n');
  for (std::string& line : lines) fix_seal(line);
  text = fmt::format("{}", fmt::join(lines, "\n"));
}

void fix_sums(std::vector<InputFile>& files) {
  const auto find = [&](const std::string& name) -> const std::string* {
    const auto found = std::ranges::find(files, name, &InputFile::name);
    return found == files.end() ? nullptr : &found->content;
  };
  for (InputFile& file : files) {
    fix_records(file.content);
    if (header_of(file.content) > 0) fix_seal(file.content);
  }
  for (InputFile& file : files) {
    if (!file.content.starts_with('{')) continue;
    fix_sums_of_others(file.name, file.content, find);
    fix_seals(file.content);
  }
}

}  // namespace

std::vector<InputFile> parse_files(std::string_view input) {
  constexpr std::size_t kMostFiles = 32;
  std::vector<InputFile> files;
  std::size_t at = input.starts_with(kMark) ? 0 : input.size();
  while (at < input.size() && files.size() < kMostFiles) {
    const std::size_t line = std::min(input.find('\n', at), input.size() - 1);
    const std::size_t next = input.find("\n@@@ ", line), end = std::min(next, input.size());
    const std::string name(input.substr(at + kMark.size(), line - at - std::min(line - at, kMark.size())));
    if (is_name(name)) files.push_back({name, std::string(input.substr(line + 1, end - std::min(end, line + 1)))});
    at = next == input.npos ? input.size() : next + 1;
  }
  return files;
}

std::string join_files(std::span<const InputFile> files) {
  std::string input;
  for (const InputFile& file : files)
    input.append(input.empty() ? "" : "\n").append(kMark).append(file.name).append("\n").append(file.content);
  return input;
}

AddTargets::AddTargets(std::initializer_list<Target> targets) {
  all_targets().insert(all_targets().end(), targets);
}

const Target& current_target() {
  const auto& targets = all_targets();
  static const Target& chosen = [&]() -> const Target& {
    const char* name = std::getenv(kVariable);
    const auto found = std::ranges::find(targets, std::string_view(name != nullptr ? name : ""), &Target::name);
    if (found != targets.end()) return *found;
    std::fputs("usage: fuzz TARGET [-runs=N] CORPUS...\ntargets:", stderr);
    for (const Target& target : targets) std::fprintf(stderr, " %s", target.name);
    std::fputs("\n", stderr);
    std::exit(2);
  }();
  return chosen;
}

const fs::path& scratch_folder() {
  static const fs::path& folder = *new fs::path([] {  // still there when the process ends
    const fs::path memory = "/dev/shm";
    const fs::path parent = ::access(memory.c_str(), W_OK) == 0 ? memory : fs::temp_directory_path();
    return parent / ("genrewise-fuzz-" + std::to_string(::getpid()));
  }());
  [[maybe_unused]] static const int registered = std::atexit([] {
    std::error_code ignored;
    fs::remove_all(folder, ignored);
  });
  fs::remove_all(folder);
  fs::create_directory(folder);
  return folder;
}

fs::path put_file(const fs::path& folder, const std::string& name, std::string_view content) {
  const fs::path path = folder / name;
  std::error_code ignored;  // a file may be where a folder is due
  fs::create_directories(path.parent_path(), ignored);
  std::ofstream(path, std::ios::binary) << content;
  return path;
}

const fs::path& put_files(std::string_view input) {
  const fs::path& folder = scratch_folder();
  for (const InputFile& file : parse_files(input)) put_file(folder, file.name, file.content);
  return folder;
}

}  // namespace genrewise::fuzz

using namespace genrewise;

extern "C" int LLVMFuzzerInitialize(int* count, char*** arguments) {
  if (*count > 1 && (*arguments)[1][0] != '-') {
    ::setenv(fuzz::kVariable, (*arguments)[1], 1);  // also for the processes that libFuzzer starts
    for (int i = 1; i + 1 < *count; ++i) (*arguments)[i] = (*arguments)[i + 1];
    (*arguments)[--*count] = nullptr;
  }
  fuzz::current_target();
  Runtime::current().set_threads(1);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  fuzz::succeeds([&] { fuzz::current_target().run(input); });
  return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(unsigned char* data, std::size_t size, std::size_t max_size,
                                               unsigned seed) {
  Rng rng(seed);
  const bool is_folder = fuzz::current_target().is_folder;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  auto files = is_folder ? fuzz::parse_files(input) : std::vector{fuzz::InputFile{"file", std::string(input)}};
  if (files.empty() || rng.below(16) == 0) return LLVMFuzzerMutate(data, size, max_size);
  fuzz::InputFile& changed = files[rng.below(files.size())];
  fuzz::mutate_content(changed.content, rng);
  if (files.size() > 1 && rng.below(20) == 0) files.erase(files.begin() + (&changed - files.data()));
  if (rng.below(16) != 0) fuzz::fix_sums(files);
  const std::string result = is_folder ? fuzz::join_files(files) : files.front().content;
  if (result.size() > max_size) return LLVMFuzzerMutate(data, size, max_size);
  std::memcpy(data, result.data(), result.size());
  return result.size();
}
