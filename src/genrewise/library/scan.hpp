// Brings the catalogue up to date with folders of music.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "genrewise/audio/isolation.hpp"
#include "genrewise/base/runtime.hpp"
#include "genrewise/library/catalogue.hpp"

namespace genrewise {

struct ScanConfig {
  std::vector<std::filesystem::path> roots;  ///< folders (or files); empty: the catalogue's
  std::filesystem::path model;               ///< a .gwm file; empty: the catalogue's current one, else zero-shot
  bool zero_shot = false;                    ///< the zero-shot network, whatever was used before
  std::string genres;                        ///< of the zero-shot network: "Rock,Jazz"; empty: all
  std::vector<std::string> features;         ///< further feature sets to store, of the middle clip, as `extract` does
  int windows = 3;                           ///< maximum number of 30 s windows per track
  bool retry = false;                        ///< tries tracks again that could not be used
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

/// Walks the folders, reads the tags of new and changed files (by size and modification time), recognises moved and
/// renamed files by their fingerprint, and analyses what is new, changed, or was analysed with another model. Every
/// track is committed when it is done, in transactions of at most a few seconds; the same scan continues after Ctrl-C
/// (Interrupted) and kill -9. A track that stays is never removed: tracks that are not found are marked missing. Throws
/// Error for a model that cannot be used and without weights.
ScanResult scan_library(Catalogue& catalogue, const ScanConfig& config, Runtime& runtime);

}  // namespace genrewise
