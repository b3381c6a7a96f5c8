// Brings the catalogue up to date with folders of music.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "genrewise/audio/isolation.hpp"
#include "genrewise/base/runtime.hpp"
#include "genrewise/library/catalogue.hpp"
#include "genrewise/predict/predict.hpp"

namespace genrewise {

struct ScanConfig {
  std::vector<std::filesystem::path> roots = {};  ///< folders (or files); empty: the catalogue's
  std::filesystem::path model = {};               ///< a .gwm file; empty: the catalogue's current one, else zero-shot
  bool zero_shot = false;                         ///< the zero-shot network, whatever was used before
  std::string genres = {};                        ///< of the zero-shot network: "Rock,Jazz"; empty: all
  std::vector<std::string> features = {};  ///< further feature sets to store, of the middle clip, as `extract` does
  int windows = 2;  ///< maximum number of 30 s windows per track
  std::optional<double> max_error = {};    ///< see PredictOptions; empty: as before, else kMaxError
  bool retry = false;                      ///< tries tracks again that could not be used
  std::optional<DecodeIsolation> isolation = DecodeIsolation{};  ///< nothing: decodes in this process
};

struct ScanResult {
  std::size_t added = 0, changed = 0, moved = 0, unchanged = 0, missing = 0, returned = 0;
  std::size_t analysed = 0;   ///< decoded now
  std::size_t predicted = 0;  ///< predicted anew from stored features, because the model is another one
  double seconds = 0;
  std::vector<Fault> skipped;            ///< tracks that could not be used now
  std::size_t skipped_before = 0;        ///< known from earlier scans and unchanged
  std::vector<std::string> unavailable;  ///< roots that do not exist or are empty where tracks were (a disk that is not
                                         ///< mounted); their tracks stay as they are
};

/// Walks the folders, and reads the tags and the fingerprint of new and changed files (of another size or modification
/// time). A file with the fingerprint of a track whose file is gone or changed is that track, moved; one with that of
/// another track is a copy and gets its analysis and correction. Then analyses what has no prediction of the model yet:
/// from stored features where the model takes these, else by decoding. What is done is committed every two seconds; the
/// same scan continues after Ctrl-C (Interrupted) and kill -9. Tracks that are not found are marked missing, never
/// removed. A file that cannot be used is tried again when it changes, or with `retry`; one that cannot be opened or
/// read, or that changed meanwhile, in every scan. Throws Error for a model that cannot be used and without weights.
ScanResult scan_library(Catalogue& catalogue, const ScanConfig& config, Runtime& runtime);

}  // namespace genrewise
