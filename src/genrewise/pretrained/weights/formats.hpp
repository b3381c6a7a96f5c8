// Readers of PyTorch weight files and of the Python package musicnn. Private to this module.
#pragma once

#include <string>
#include <string_view>

#include "genrewise/records/tensor_archive.hpp"
#include "genrewise/storage/archive.hpp"

namespace genrewise {

/// Reads a dictionary of tensors from the files of an archive that torch.save() wrote (PyTorch 1.6 and later:
/// `data.pkl` and one file per storage). The unpickler supports only dictionaries, numbers, text and tensors; a file
/// with any other object is rejected, and nothing is ever executed. Float tensors become F32, others are dropped.
/// Nested dictionaries are named "outer.inner". Throws Error, with `name`, for a damaged pickle or another format, and
/// above the limits: 16 MiB of pickle, a million values, 100,000 entries, tensors of twice the files' size. Takes at
/// most 400 MB and twice the files' size.
TensorArchive parse_torch_file(const ArchiveFiles& files, const std::string& name);

/// Whether these are the files of a wheel of the Python package musicnn, which has TensorFlow checkpoints.
bool is_musicnn_wheel(const ArchiveFiles& wheel);

/// The tensors of musicnn_msd or musicnn_mtt in the wheel of version 0.1.0. Throws Error for another network, and where
/// the checksum of its checkpoint differs.
TensorArchive read_musicnn_wheel(std::string_view network, const ArchiveFiles& wheel, const std::string& name);

}  // namespace genrewise
