// Statistics and defects of a dataset; decodes every clip once.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "genrewise/base/progress.hpp"
#include "genrewise/dataset/split.hpp"

namespace genrewise {

/// Minimum, median and maximum; zeros if there are no numbers.
struct Spread {
  double least = 0, median = 0, most = 0;
};

struct Inspection {
  struct Genre {
    std::string name;
    std::size_t clips = 0, files = 0;
    std::size_t artists = 0, albums = 0;  ///< known ones
    std::array<std::size_t, 3> parts{};   ///< clips in the official training, validation and test part
  };
  /// One finding about one clip: "missing file", "no genre", a decoder's reason ("truncated", "not audio", ...),
  /// "short", "silent", "clipped" or "duplicate".
  struct Finding {
    std::string kind, track_id, path, detail;
    bool unusable = false;  ///< the clip cannot be decoded, fails check_clip() or has no genre; clips with other
                            ///< findings can be used
  };
  /// Clips with identical samples.
  struct Duplicate {
    std::vector<std::string> track_ids;
    bool several_genres = false, several_parts = false;
  };

  std::string name, kind;
  std::size_t clips = 0, files = 0, artists = 0, albums = 0;
  std::size_t ignored = 0;  ///< files without an audio file name
  std::vector<Genre> genres;
  double total_s = 0;  ///< sum of the clips' lengths
  Spread clip_s;       ///< lengths of the decoded clips
  Spread file_s;       ///< lengths of the files, from their headers
  Spread bit_rate_kbps;
  std::map<std::string, std::size_t> codecs;  ///< files of each
  std::map<int, std::size_t> sample_rates_hz, channels;
  std::vector<Finding> findings;  ///< in the order of the dataset, unusable ones first
  std::vector<Duplicate> duplicates;
  bool has_official_split = false;
  Leakage leakage;  ///< of the official split, over the clips that have a part

  std::map<std::string, std::size_t> counts_by_kind() const;
  std::size_t unusable() const;
};

/// A clip counts as short when it lasts less than half of the dataset's median clip, as silent when its RMS is below
/// -60 dB of full scale, and as clipped when its mono mix stays at 99.9 % of full scale or above for three samples or
/// more; duplicates have equal SHA-256 sums of their decoded samples. Parallel over files. Throws Interrupted.
Inspection inspect(const Dataset& dataset, Progress& progress);

/// What inspect() reads from the files of a part of a dataset, for the parts of a job: its tracks, and the lengths,
/// levels and checksums of their samples. Throws Interrupted.
nlohmann::json measure(const Dataset& part, Progress& progress);
/// The report of the whole dataset: the same as inspect() makes. `parts`: of one dataset, in order. Throws
/// Error if a value is missing or impossible.
Inspection inspection_of(const std::vector<nlohmann::json>& parts);

/// Key names are stable and documented in docs/datasets.md.
nlohmann::json to_json(const Inspection& inspection);

}  // namespace genrewise
