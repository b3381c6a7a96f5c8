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

namespace genrewise {

struct Tensor {
  std::string dtype;               ///< "F32", "F64", "I64", ... as in the file
  std::vector<std::size_t> shape;  ///< row-major; empty: one number
  std::string_view bytes;          ///< little-endian, not aligned; lives as long as its archive
};

/// The layout (https://huggingface.co/docs/safetensors): 8 bytes little-endian length N, N bytes of JSON that gives
/// each tensor's type, shape and place, then the tensors' bytes without holes. Every number of a foreign header is
/// checked before it is used; nothing of a file is ever executed.
class TensorArchive {
 public:
  /// An empty one to put tensors into. `name` stands in error messages.
  explicit TensorArchive(std::string name = "tensors") : name_(std::move(name)) {}
  TensorArchive(TensorArchive&&) = default;
  TensorArchive& operator=(TensorArchive&&) = default;

  /// Throws Error that says what is wrong with the bytes.
  static TensorArchive parse(std::string bytes, std::string name);
  static TensorArchive read(const std::filesystem::path& path);
  /// The file's bytes. Metadata must be valid UTF-8.
  std::string serialise() const;

  std::map<std::string, std::string, std::less<>> metadata;
  const std::map<std::string, Tensor, std::less<>>& tensors() const { return tensors_; }
  const std::string& name() const { return name_; }

  /// Replaces a tensor of the same name. An empty shape stands for one dimension.
  void put(const std::string& name, std::span<const float> values, std::vector<std::size_t> shape = {});
  void put(const std::string& name, std::span<const double> values, std::vector<std::size_t> shape = {});
  void put(const std::string& name, std::span<const std::int64_t> values, std::vector<std::size_t> shape = {});
  void put(const std::string& name, const Matrix& matrix);
  /// A copy of a tensor of another archive.
  void put(const std::string& name, const Tensor& tensor);

  bool contains(std::string_view name) const { return tensors_.contains(name); }
  /// Each throws Error when there is no such tensor, its type is another, or it does not have that many values.
  const Tensor& tensor(std::string_view name) const;
  std::vector<float> floats(std::string_view name, std::size_t count) const;
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
  std::deque<std::string> storage_;  // a deque: its elements stay in place when it grows or moves
};

}  // namespace genrewise
