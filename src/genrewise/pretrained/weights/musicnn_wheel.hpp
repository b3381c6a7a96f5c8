// Weights inside the Python package musicnn. Private to this module.
#pragma once

#include <string>
#include <string_view>

#include "genrewise/pretrained/weights/zip_file.hpp"
#include "genrewise/records/tensor_archive.hpp"

namespace genrewise {

/// Whether the archive is a wheel of the Python package musicnn (0.1.0), which holds the TensorFlow checkpoints
/// `musicnn/MSD_musicnn/` and `musicnn/MTT_musicnn/`.
bool is_musicnn_wheel(const ZipFile& wheel);

/// The checkpoint of musicnn_msd or musicnn_mtt with the names of expected_tensors(); what the checkpoint lacks is
/// missing. Throws Error for another network and for any damage.
TensorArchive read_musicnn_wheel(std::string_view network, const ZipFile& wheel, const std::string& name);

}  // namespace genrewise
