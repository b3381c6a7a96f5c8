// Examples from TFRecord files of other programs, whose keys the user names: tf.train.Example and SequenceExample.
#pragma once

#include <filesystem>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "genrewise/base/progress.hpp"
#include "genrewise/data_source/examples.hpp"
#include "genrewise/storage/files.hpp"

namespace genrewise {

/// Content of a byte string that holds features.
enum class RecordBytes { uint8, float16, float32, audio };
/// "uint8", "float16", "float32", "audio".
std::string_view to_string(RecordBytes bytes);
/// How the steps of a sequence become one row: their mean; mean and standard deviation; one after another.
enum class RecordPool { mean, mean_std, none };
/// "mean", "mean+std", "none".
std::string_view to_string(RecordPool pool);

/// Keys and encoding of records. Members are named after the options (`--record-features` ...).
struct RecordKeys {
  std::string features, label;         ///< keys of features and labels; both are required
  std::string id = {};                 ///< key of the example's id; empty: file name and number of the record
  std::filesystem::path classes = {};  ///< class map (read_class_map()); empty: labels are their own names
  std::string one_class = {};          ///< this class against all others, "not NAME"; empty: all classes
  RecordBytes bytes = RecordBytes::uint8;
  RecordPool pool = RecordPool::mean;

  friend bool operator==(const RecordKeys&, const RecordKeys&) = default;
};

/// A class map is a CSV with a header; the name is in the column display_name, name, genre or label (the first of these
/// that exists), and each other column identifies the class ("index" 137, "mid" /m/04rlf). Several rows may have one
/// name. Throws Error, with the line, for an invalid file or a cell that identifies two names.
std::map<std::string, std::string, std::less<>> read_class_map(const std::filesystem::path& path);

/// list_record_files() of the location and, in local folders, of its sub-folders.
std::vector<FileInfo> find_record_files(const std::filesystem::path& location);

/// Reads all examples into memory, 4 bytes per number (docs/pipeline.md, "Records of other programs"); of audio files,
/// the feature set `features` is extracted. Equal ids are clips of one track. Damaged files and records are skipped.
/// Faults in `skipped`: those of RecordReader and decode_bytes(), "not an Example", "no such key" (the existing ones
/// are listed), "no features", "wrong size", "not a finite number", "an encoded file", "no audio file", "labels are
/// floats", "no label", "no label of the class map", "several labels". Throws Error if no example is usable, with the
/// first fault; Interrupted.
Examples read_record_examples(const std::filesystem::path& location, const RecordKeys& keys,
                              const std::string& features, std::vector<Fault>& skipped, Progress& progress);

/// Contents of record files, for a user who wants to name their keys.
struct RecordSummary {
  struct Key {
    std::string kind;                 ///< "bytes", "floats", "integers"; "sequence of ..." for a feature list
    std::size_t records = 0;          ///< that have the key
    std::size_t least = 0, most = 0;  ///< values in a record; steps of a sequence
    std::string sample;               ///< first value, for display
  };
  std::size_t files = 0, records = 0;
  std::map<std::string, Key> keys;
  std::map<std::string, std::size_t> labels;  ///< examples per label, if keys.label is given; names of the class map
  std::vector<Fault> skipped;
};
/// `keys`: only label and classes are used, and may be empty.
RecordSummary summarise_records(const std::filesystem::path& location, const RecordKeys& keys, Progress& progress);
nlohmann::json to_json(const RecordSummary& summary);

}  // namespace genrewise
