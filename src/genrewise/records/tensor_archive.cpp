#include "genrewise/records/tensor_archive.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "genrewise/base/error.hpp"
#include "genrewise/base/json_file.hpp"
#include "genrewise/storage/files.hpp"

namespace genrewise {
namespace {

using nlohmann::json;

static_assert(std::endian::native == std::endian::little, "tensors are copied without conversion");

constexpr std::size_t kLengthBytes = 8;
constexpr std::size_t kLargestHeader = 100'000'000;  // the limit of the safetensors library
constexpr std::size_t kMostDimensions = 16;

std::optional<std::size_t> size_of(std::string_view dtype) {
  static const std::map<std::string_view, std::size_t> sizes = {
      {"BOOL", 1}, {"U8", 1},  {"I8", 1},  {"I16", 2}, {"U16", 2}, {"F16", 2}, {"BF16", 2},
      {"I32", 4},  {"U32", 4}, {"F32", 4}, {"F64", 8}, {"I64", 8}, {"U64", 8}};
  const auto found = sizes.find(dtype);
  return found == sizes.end() ? std::nullopt : std::optional(found->second);
}

std::optional<std::size_t> product(std::size_t a, std::size_t b) {
  std::size_t result = 0;
  return __builtin_mul_overflow(a, b, &result) ? std::nullopt : std::optional(result);
}

std::optional<std::size_t> count_of(const std::vector<std::size_t>& shape) {
  std::optional<std::size_t> count = 1;
  for (std::size_t side : shape) {
    count = product(*count, side);
    if (!count) break;
  }
  return count;
}

[[noreturn]] void damaged(const std::string& name, const std::string& problem) {
  throw Error("is not a valid safetensors file: " + problem, name,
              "give a model or weights; if it is one, download or create it again");
}

[[noreturn]] void unfit(const std::string& name, const std::string& problem) {
  throw Error(problem, name, "use a file made for this purpose and version");
}

std::optional<std::size_t> as_size(const json& value) {
  if (!value.is_number_unsigned()) return std::nullopt;
  return value.get<std::size_t>();
}

/// A tensor's entry in the header, and its [begin, end) in the data.
struct Entry {
  Tensor tensor;
  std::size_t begin = 0, end = 0;
};

Entry read_entry(const std::string& key, const json& value, std::string_view data, const std::string& name) {
  const std::string what = "tensor '" + key + "' ";
  if (!value.is_object() || !value.contains("dtype") || !value.contains("shape") || !value.contains("data_offsets"))
    damaged(name, what + "lacks dtype, shape or data_offsets");
  const json &dtype = value["dtype"], &shape = value["shape"], &offsets = value["data_offsets"];
  Entry entry;
  const auto size = dtype.is_string() ? size_of(dtype.get_ref<const std::string&>()) : std::nullopt;
  if (!size) damaged(name, what + "has an unknown dtype");
  entry.tensor.dtype = dtype.get<std::string>();
  if (!shape.is_array() || shape.size() > kMostDimensions)
    damaged(name, what + "has a shape that is not a list of at most 16 sizes");
  for (const json& side : shape) {
    const auto length = as_size(side);
    if (!length) damaged(name, what + "has a shape that is not a list of whole numbers");
    entry.tensor.shape.push_back(*length);
  }
  const bool two = offsets.is_array() && offsets.size() == 2;
  const auto begin = two ? as_size(offsets[0]) : std::nullopt;
  const auto end = two ? as_size(offsets[1]) : std::nullopt;
  if (!begin || !end || *begin > *end || *end > data.size())
    damaged(name, what + "is outside the file's " + std::to_string(data.size()) + " bytes of data (truncated?)");
  const auto count = count_of(entry.tensor.shape);
  const auto bytes = count ? product(*count, *size) : std::nullopt;
  if (!bytes || *bytes != *end - *begin) damaged(name, what + "has a shape that does not match its number of bytes");
  entry.begin = *begin;
  entry.end = *end;
  entry.tensor.bytes = data.substr(*begin, *end - *begin);
  return entry;
}

void check_contiguous(std::vector<std::pair<std::size_t, std::size_t>> ranges, std::size_t size,
                      const std::string& name) {
  std::ranges::sort(ranges);
  std::size_t at = 0;
  for (const auto& [begin, end] : ranges) {
    if (begin != at) damaged(name, "tensors overlap or leave gaps");
    at = end;
  }
  if (at != size) damaged(name, std::to_string(size - at) + " bytes after the last tensor");
}

}  // namespace

TensorArchive TensorArchive::parse(std::string bytes, std::string name) {
  TensorArchive archive(std::move(name));
  const std::string& text = archive.storage_.emplace_back(std::move(bytes));
  std::uint64_t header_size = 0;
  if (text.size() < kLengthBytes) damaged(archive.name_, "it has only " + std::to_string(text.size()) + " bytes");
  std::memcpy(&header_size, text.data(), kLengthBytes);
  if (header_size > kLargestHeader) damaged(archive.name_, "its first 8 bytes are not a header length");
  if (header_size > text.size() - kLengthBytes) damaged(archive.name_, "it is truncated in its header");
  const std::string_view header_text = std::string_view(text).substr(kLengthBytes, header_size);
  const std::string_view data = std::string_view(text).substr(kLengthBytes + header_size);
  const json header = [&] {
    try {
      return parse_json(header_text, archive.name_);
    } catch (const Error& error) {
      damaged(archive.name_, "its header is not a JSON object (" + error.problem() + ")");
    }
  }();
  if (!header.is_object()) damaged(archive.name_, "its header is not a JSON object");

  std::vector<std::pair<std::size_t, std::size_t>> ranges;
  for (const auto& [key, value] : header.items()) {
    if (key == "__metadata__") {
      if (!value.is_object()) damaged(archive.name_, "__metadata__ is not a JSON object");
      for (const auto& [field, content] : value.items()) {
        if (!content.is_string()) damaged(archive.name_, "__metadata__ '" + field + "' is not text");
        archive.metadata.emplace(field, content.get<std::string>());
      }
      continue;
    }
    Entry entry = read_entry(key, value, data, archive.name_);
    ranges.emplace_back(entry.begin, entry.end);
    archive.tensors_.emplace(key, std::move(entry.tensor));
  }
  check_contiguous(std::move(ranges), data.size(), archive.name_);
  return archive;
}

TensorArchive TensorArchive::read(const std::filesystem::path& path) {
  return parse(read_file(path), path.string());
}

TensorArchive TensorArchive::read_sealed(const std::filesystem::path& path, const std::string& remedy) {
  TensorArchive archive = read(path);
  if (archive.seal() == Seal::broken)
    throw Error("was changed or damaged (its checksum does not fit)", archive.name(), remedy);
  return archive;
}

Seal TensorArchive::seal() const {
  const auto sum = metadata.find("sha256");
  if (sum == metadata.end()) return Seal::absent;
  return sum->second.empty() || storage_.empty() ? Seal::broken : seal_of(storage_.front(), sum->second);
}

std::string TensorArchive::serialise_sealed() const {
  TensorArchive copy(name_);
  copy.metadata = metadata;
  copy.metadata["sha256"] = open_seal();
  copy.tensors_ = tensors_;  // views of this archive's storage
  std::string bytes = copy.serialise();
  genrewise::seal(bytes);
  return bytes;
}

std::string TensorArchive::serialise() const {
  json header = json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  // Wide types first, so every tensor is aligned to its element size.
  std::vector<std::pair<std::string_view, const Tensor*>> order;
  for (const auto& [key, tensor] : tensors_) order.emplace_back(key, &tensor);
  std::ranges::stable_sort(order, std::greater<>(), [](const auto& item) { return *size_of(item.second->dtype); });
  std::size_t at = 0;
  for (const auto& [key, tensor] : order) {
    header[std::string(key)] = {
        {"dtype", tensor->dtype}, {"shape", tensor->shape}, {"data_offsets", {at, at + tensor->bytes.size()}}};
    at += tensor->bytes.size();
  }
  std::string text;
  try {
    text = header.dump();
  } catch (const json::type_error&) {
    throw Error("metadata and tensor names must be valid UTF-8", name_, "use only valid UTF-8 in names and labels");
  }
  text.resize((text.size() + 7) / 8 * 8, ' ');
  const std::uint64_t header_size = text.size();
  std::string bytes(kLengthBytes, '\0');
  bytes.reserve(kLengthBytes + text.size() + at);
  std::memcpy(bytes.data(), &header_size, kLengthBytes);
  bytes += text;
  for (const auto& [key, tensor] : order) bytes += tensor->bytes;
  return bytes;
}

template <class T>
void TensorArchive::put_values(const std::string& name, std::string dtype, std::span<const T> values,
                               std::vector<std::size_t> shape) {
  if (shape.empty()) shape = {values.size()};
  if (count_of(shape) != values.size())
    throw Error("the shape of tensor '" + name + "' does not match its number of values", name_,
                "give a shape whose product is that number");
  const std::string& bytes =
      storage_.emplace_back(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
  tensors_.insert_or_assign(name, Tensor{std::move(dtype), std::move(shape), bytes});
}

void TensorArchive::put(const std::string& name, std::span<const float> values, std::vector<std::size_t> shape) {
  put_values(name, "F32", values, std::move(shape));
}
void TensorArchive::put(const std::string& name, std::span<const double> values, std::vector<std::size_t> shape) {
  put_values(name, "F64", values, std::move(shape));
}
void TensorArchive::put(const std::string& name, std::span<const std::int64_t> values, std::vector<std::size_t> shape) {
  put_values(name, "I64", values, std::move(shape));
}
void TensorArchive::put(const std::string& name, const Matrix& matrix) {
  put_values(name, "F32", matrix.values(), {matrix.rows(), matrix.cols()});
}
void TensorArchive::put(const std::string& name, const Tensor& tensor) {
  const std::string& bytes = storage_.emplace_back(tensor.bytes);
  tensors_.insert_or_assign(name, Tensor{tensor.dtype, tensor.shape, bytes});
}

const Tensor& TensorArchive::tensor(std::string_view name) const {
  const auto found = tensors_.find(name);
  if (found == tensors_.end()) unfit(name_, "has no tensor '" + std::string(name) + "'");
  return found->second;
}

std::size_t TensorArchive::count(std::string_view name) const {
  return *count_of(tensor(name).shape);
}

template <class T>
std::vector<T> TensorArchive::values(std::string_view name, std::string_view dtype, std::size_t expected) const {
  const Tensor& found = tensor(name);
  const std::string what = "tensor '" + std::string(name) + "' ";
  if (found.dtype != dtype) unfit(name_, what + "is " + found.dtype + ", not " + std::string(dtype));
  if (count(name) != expected)
    unfit(name_, what + "has " + std::to_string(count(name)) + " values, not " + std::to_string(expected));
  std::vector<T> result(expected);
  if (expected > 0) std::memcpy(result.data(), found.bytes.data(), found.bytes.size());
  return result;
}

std::vector<float> TensorArchive::floats(std::string_view name, std::size_t expected) const {
  return values<float>(name, "F32", expected);
}
std::vector<double> TensorArchive::doubles(std::string_view name, std::size_t expected) const {
  return values<double>(name, "F64", expected);
}
std::vector<std::int64_t> TensorArchive::integers(std::string_view name, std::size_t expected) const {
  return values<std::int64_t>(name, "I64", expected);
}

Matrix TensorArchive::matrix(std::string_view name, std::size_t cols) const {
  const Tensor& found = tensor(name);
  // Without columns a file may state any number of rows.
  if (found.shape.size() != 2 || found.shape[1] != cols || found.shape[0] > count(name))
    unfit(name_, "tensor '" + std::string(name) + "' is not a matrix of " + std::to_string(cols) + " columns");
  return Matrix(found.shape[0], cols, floats(name, found.shape[0] * cols));
}

}  // namespace genrewise
