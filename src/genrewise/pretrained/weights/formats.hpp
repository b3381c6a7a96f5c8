// Readers of PyTorch weight files and of the Python package musicnn. Private to this module.
#pragma once

#include <string>
#include <string_view>

#include "genrewise/pretrained/weights/zip_file.hpp"
#include "genrewise/records/tensor_archive.hpp"

namespace genrewise {

/// Reads a dictionary of tensors written by torch.save() (PyTorch 1.6 and later: a zip with `data.pkl` and one file per
/// storage). The unpickler supports only dictionaries, numbers, text and tensors; a file with any other object is
/// rejected, and nothing is ever executed. Float tensors become F32, others are dropped. Nested dictionaries are named
/// "outer.inner". Throws Error for a damaged file (also where a zip checksum does not fit) or another format, and above
/// the limits: 16 MiB of pickle, a million values, 100,000 entries, tensors of twice the file's size. Takes at most 400
/// MB and twice the file's size.
TensorArchive parse_torch_file(std::string_view bytes, const std::string& name);

/// Whether the archive is a wheel of the Python package musicnn (0.1.0), which holds the TensorFlow checkpoints
/// `musicnn/MSD_musicnn/` and `musicnn/MTT_musicnn/`.
bool is_musicnn_wheel(const ZipFile& wheel);

/// The checkpoint of musicnn_msd or musicnn_mtt with the names of expected_tensors(); what the checkpoint lacks is
/// missing. Throws Error for another network and for any damage.
TensorArchive read_musicnn_wheel(std::string_view network, const ZipFile& wheel, const std::string& name);

}  // namespace genrewise
