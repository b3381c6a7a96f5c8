// Reader of PyTorch weight files. Private to this module.
#pragma once

#include <string>
#include <string_view>

#include "genrewise/records/tensor_archive.hpp"

namespace genrewise {

/// Reads a dictionary of tensors written by torch.save() (PyTorch 1.6 and later: a zip with `data.pkl` and one file per
/// storage). The unpickler supports only dictionaries, numbers, text and tensors; a file with any other object is
/// rejected, and nothing is ever executed. Float tensors become F32, others are dropped. Nested dictionaries are named
/// "outer.inner". Throws Error for a damaged file (also where a zip checksum does not fit) or another format, and above
/// the limits: 16 MiB of pickle, a million values, 100,000 entries, tensors of twice the file's size. Takes at most 400
/// MB and twice the file's size.
TensorArchive parse_torch_file(std::string_view bytes, const std::string& name);

}  // namespace genrewise
