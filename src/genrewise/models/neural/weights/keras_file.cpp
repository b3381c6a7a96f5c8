#include "genrewise/models/neural/weights/keras_file.hpp"

#include <hdf5.h>

#include <algorithm>
#include <string>

#include "genrewise/base/error.hpp"
#include "genrewise/base/hash.hpp"
#include "genrewise/storage/files.hpp"

namespace genrewise {
namespace {

constexpr std::size_t kMostNameBytes = std::size_t{1} << 24;  // of one list

/// Owns an HDF5 identifier and closes it.
class Handle {
 public:
  using Close = herr_t (*)(hid_t);
  Handle(hid_t id, Close close) : id_(id), close_(close) {}
  ~Handle() {
    if (id_ >= 0) close_(id_);
  }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  explicit operator bool() const { return id_ >= 0; }
  hid_t id() const { return id_; }

 private:
  hid_t id_;
  Close close_;
};

[[noreturn]] void damaged(const std::string& name, const std::string& problem) {
  throw Error("is not a valid file of Keras weights: " + problem, name, "get the file again");
}

std::size_t count_of(const Handle& space) {
  const hssize_t count = space ? H5Sget_simple_extent_npoints(space.id()) : -1;
  constexpr hssize_t kMost = hssize_t{1} << 32;
  return count < 0 || count > kMost ? 0 : static_cast<std::size_t>(count);
}

/// An attribute that is a list of strings, of fixed or variable length.
std::vector<std::string> texts(hid_t object, const char* attribute_name, const std::string& file) {
  const Handle attribute(H5Aopen(object, attribute_name, H5P_DEFAULT), H5Aclose);
  if (!attribute) damaged(file, std::string("the attribute ") + attribute_name + " is missing");
  const Handle type(H5Aget_type(attribute.id()), H5Tclose), space(H5Aget_space(attribute.id()), H5Sclose);
  const std::size_t count = count_of(space);
  std::vector<std::string> result;
  if (!type || H5Tget_class(type.id()) != H5T_STRING) {
    if (count == 0) return result;  // Keras writes an empty list as a list of numbers
    damaged(file, std::string("the attribute ") + attribute_name + " is not a list of names");
  }
  if (H5Tis_variable_str(type.id()) > 0) {
    std::vector<char*> pointers(count);
    if (H5Aread(attribute.id(), type.id(), pointers.data()) < 0) damaged(file, "its names cannot be read");
    for (const char* text : pointers) result.emplace_back(text ? text : "");
    H5Dvlen_reclaim(type.id(), space.id(), H5P_DEFAULT, pointers.data());
    return result;
  }
  const std::size_t length = H5Tget_size(type.id());
  if (length > 0 && count > kMostNameBytes / length) damaged(file, "its names are too long");
  std::string all(count * length, '\0');
  if (H5Aread(attribute.id(), type.id(), all.data()) < 0) damaged(file, "its names cannot be read");
  for (std::size_t i = 0; i < count; ++i) {
    std::string text = all.substr(i * length, length);
    result.push_back(text.substr(0, std::min(text.find('\0'), text.size())));
  }
  return result;
}

KerasVariable read_variable(hid_t group, const std::string& path, const std::string& file) {
  const Handle data(H5Dopen2(group, path.c_str(), H5P_DEFAULT), H5Dclose);
  if (!data) damaged(file, "the variable " + path + " is missing");
  const Handle space(H5Dget_space(data.id()), H5Sclose);
  const int dimensions = space ? H5Sget_simple_extent_ndims(space.id()) : -1;
  if (dimensions < 0) damaged(file, "the variable " + path + " has no shape");
  std::vector<hsize_t> sides(static_cast<std::size_t>(dimensions));
  H5Sget_simple_extent_dims(space.id(), sides.data(), nullptr);
  KerasVariable variable;
  variable.name = path.substr(path.rfind('/') + 1);
  variable.name = variable.name.substr(0, variable.name.rfind(':'));
  variable.shape.assign(sides.begin(), sides.end());
  variable.values.resize(count_of(space));
  if (H5Dread(data.id(), H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, variable.values.data()) < 0)
    damaged(file, "the variable " + path + " cannot be read (truncated?)");
  return variable;
}

}  // namespace

std::vector<KerasLayer> read_keras_file(const std::filesystem::path& path) {
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);  // HDF5 prints no errors in this process from now on: they are thrown
  const std::string name = path.string();
  const Handle file(H5Fopen(name.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), H5Fclose);
  if (!file) damaged(name, "it cannot be opened as HDF5 (truncated?)");
  const bool whole_model = H5Lexists(file.id(), "model_weights", H5P_DEFAULT) > 0;
  const Handle root(H5Gopen2(file.id(), whole_model ? "model_weights" : "/", H5P_DEFAULT), H5Gclose);
  if (!root) damaged(name, "it has no weights");
  std::vector<KerasLayer> layers;
  for (const std::string& layer_name : texts(root.id(), "layer_names", name)) {
    const Handle group(H5Gopen2(root.id(), layer_name.c_str(), H5P_DEFAULT), H5Gclose);
    if (!group) damaged(name, "the layer " + layer_name + " is missing");
    KerasLayer layer{layer_name, {}};
    for (const std::string& variable : texts(group.id(), "weight_names", name))
      layer.variables.push_back(read_variable(group.id(), variable, name));
    if (!layer.variables.empty()) layers.push_back(std::move(layer));
  }
  return layers;
}

void convert_keras_file(const std::filesystem::path& path, const std::filesystem::path& target) {
  const std::string sha256 = sha256_hex(read_file(path));
  write_file(target, pack_keras_layers(read_keras_file(path), sha256).serialise_sealed());
}

}  // namespace genrewise
