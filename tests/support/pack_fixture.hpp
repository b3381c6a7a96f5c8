// Small packs whose values identify their example.
#pragma once

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <string>

#include "genrewise/base/json_file.hpp"
#include "genrewise/packs/pack.hpp"
#include "genrewise/storage/files.hpp"
#include "support/test_support.hpp"

namespace genrewise::testing {

/// Packing flushes each shard to disk, which would dominate these tests; a file system in memory avoids that.
inline const bool kInMemory = ::access("/dev/shm", W_OK) == 0 && ::setenv("TMPDIR", "/dev/shm", 0) == 0;

inline constexpr std::size_t kValues = 7;

/// The values of example `i`.
inline std::vector<float> values_of(std::size_t i) {
  std::vector<float> values(kValues);
  for (std::size_t k = 0; k < kValues; ++k) values[k] = static_cast<float>(i) + 0.125F * static_cast<float>(k);
  return values;
}

/// `count` examples "t0", "t1", ... of three labels; parts repeat training, training, validation, test.
inline PackJob numbered_job(std::size_t count) {
  PackJob job;
  job.recipe = {"numbers", 1, std::string(64, 'a')};
  job.values = kValues;
  job.labels = {"Blues", "Jazz, \"free\"", "Ünï"};
  job.split_scheme = "grouped";
  constexpr Part kParts[] = {Part::training, Part::training, Part::validation, Part::test};
  for (std::size_t i = 0; i < count; ++i) {
    job.track_ids.push_back("t" + std::to_string(i));
    job.classes.push_back(static_cast<int>(i % 3));
    job.parts.emplace_back(kParts[i % 4]);
  }
  job.extract = [](std::size_t i, int, std::span<float> out) -> Expected<void> {
    std::ranges::copy(values_of(i), out.begin());
    return {};
  };
  return job;
}

inline PackManifest packed(const std::filesystem::path& folder, std::size_t count, PackConfig config = {.shards = 4}) {
  Progress quiet;
  pack_examples(numbered_job(count), folder, config, quiet);
  return open_pack(folder);
}

/// All files of a folder with their contents.
inline std::map<std::string, std::string> contents_of(const std::filesystem::path& folder) {
  std::map<std::string, std::string> contents;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    contents[entry.path().filename().string()] = entry.is_regular_file() ? read_file(entry.path()) : "folder";
  }
  return contents;
}

/// The text of a changed manifest with a new checksum (the first member "sha256": those of the shards follow).
inline std::string sealed_again(std::string manifest) {
  const std::string name = "\"sha256\":\"", zeros = open_seal();
  manifest.replace(manifest.find(name) + name.size(), zeros.size(), zeros);
  seal(manifest);
  return manifest;
}

/// The number of the example with this track ID.
inline std::size_t number_of(const std::string& track_id) {
  return std::stoul(track_id.substr(1));
}

/// Writes without flushing to disk, unlike write_file() of storage.
inline void put_file(const std::filesystem::path& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

}  // namespace genrewise::testing
