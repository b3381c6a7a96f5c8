// Reader of PyTorch weight files. Private to this module.
#pragma once

#include <string>
#include <string_view>

#include "genrewise/records/tensor_archive.hpp"

namespace genrewise {

/// Reads a dictionary of tensors written by torch.save() (PyTorch 1.6 and later: a zip with `data.pkl` and one file per
/// storage). The unpickler supports only dictionaries, numbers, text and tensors; a file with any other object is
/// rejected, and nothing is ever executed. Float tensors become F32, others are dropped. Nested dictionaries are named
/// "outer.inner". Throws Error for a damaged file or another format.
TensorArchive parse_torch_file(std::string_view bytes, const std::string& name);

}  // namespace genrewise
