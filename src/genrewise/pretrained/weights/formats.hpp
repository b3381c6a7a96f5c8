// Reader of the format in which PyTorch weights are published. Private to this module.
#pragma once

#include <string>
#include <string_view>

#include "genrewise/records/tensor_archive.hpp"

namespace genrewise {

/// What torch.save() wrote of a dictionary of tensors (PyTorch 1.6 and later: a zip with `data.pkl` and one file per
/// storage). The pickle is interpreted by a reader that knows dictionaries, numbers, text and tensors; a file that asks
/// for any other object is refused, and nothing of it is ever executed. Float tensors come as F32, others are left out.
/// Dictionaries inside the dictionary are taken as "outer.inner". Throws Error for what is damaged or something else.
TensorArchive parse_torch_file(std::string_view bytes, const std::string& name);

}  // namespace genrewise
