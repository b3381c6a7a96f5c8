// Named tensors and text metadata in one file, in the layout of safetensors.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "genrewise/base/matrix.hpp"
#include "genrewise/base/json_file.hpp"

namespace genrewise {

struct Tensor {
  std::string dtype;               ///< as in the file: "F32", "F64", "I64", ...
  std::vector<std::size_t> shape;  ///< row-major; empty: a scalar
  std::string_view bytes;          ///< little-endian, unaligned; valid while the archive exists
};

/// The layout (https://huggingface.co/docs/safetensors): 8 bytes little-endian length N, N bytes of JSON with each
/// tensor's type, shape and byte range, then the tensors' bytes without gaps. Every number of a header is checked
/// before use; nothing of a file is ever executed. Parsing takes at most some 30 times the memory of the header, which
/// has at most 100 MB, and no copy of the tensors.
class TensorArchive {
 public:
  /// An empty archive. `name` is the location in error messages.
  explicit TensorArchive(std::string name = "tensors") : name_(std::move(name)) {}
  TensorArchive(TensorArchive&&) = default;
  TensorArchive& operator=(TensorArchive&&) = default;

  /// Parses the bytes of a file. Throws Error with a description of any damage.
  static TensorArchive parse(std::string bytes, std::string name);
  static TensorArchive read(const std::filesystem::path& path);
  /// The same, but throws Error for a file whose checksum does not fit.
  static TensorArchive read_sealed(const std::filesystem::path& path, const std::string& remedy);
  /// The bytes of the file. Throws Error unless metadata and tensor names are valid UTF-8.
  std::string serialise() const;
  /// The same with metadata "sha256", the checksum of the whole file (see seal()).
  std::string serialise_sealed() const;
  /// State of that checksum in the file that was parsed.
  Seal seal() const;

  std::map<std::string, std::string, std::less<>> metadata;
  const std::map<std::string, Tensor, std::less<>>& tensors() const { return tensors_; }
  const std::string& name() const { return name_; }

  /// Adds a tensor or replaces one of the same name. An empty shape means one dimension. Throws Error if the shape does
  /// not match the number of values.
  void put(const std::string& name, std::span<const float> values, std::vector<std::size_t> shape = {});
  void put(const std::string& name, std::span<const double> values, std::vector<std::size_t> shape = {});
  void put(const std::string& name, std::span<const std::int64_t> values, std::vector<std::size_t> shape = {});
  void put(const std::string& name, const Matrix& matrix);
  /// Copies a tensor of another archive.
  void put(const std::string& name, const Tensor& tensor);

  bool contains(std::string_view name) const { return tensors_.contains(name); }
  /// The functions below throw Error if there is no such tensor, or its type or number of values differs.
  const Tensor& tensor(std::string_view name) const;
  std::vector<float> floats(std::string_view name, std::size_t count) const;
  std::vector<float> floats(std::string_view name) const { return floats(name, count(name)); }
  std::vector<double> doubles(std::string_view name, std::size_t count) const;
  std::vector<std::int64_t> integers(std::string_view name, std::size_t count) const;
  std::int64_t integer(std::string_view name) const { return integers(name, 1)[0]; }
  double number(std::string_view name) const { return doubles(name, 1)[0]; }
  /// A two-dimensional F32 tensor with `cols` columns.
  Matrix matrix(std::string_view name, std::size_t cols) const;
  /// Number of values of a tensor (product of its shape).
  std::size_t count(std::string_view name) const;

 private:
  template <class T>
  void put_values(const std::string& name, std::string dtype, std::span<const T> values,
                  std::vector<std::size_t> shape);
  template <class T>
  std::vector<T> values(std::string_view name, std::string_view dtype, std::size_t count) const;

  std::string name_;
  std::map<std::string, Tensor, std::less<>> tensors_;
  std::deque<std::string>
      storage_;  // the parsed file first; a deque keeps its elements in place when it grows or moves
};

}  // namespace genrewise
