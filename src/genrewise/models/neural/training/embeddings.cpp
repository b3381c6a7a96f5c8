#include "genrewise/models/neural/training/embeddings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <map>
#include <numeric>

#include "genrewise/base/error.hpp"
#include "genrewise/base/hash.hpp"
#include "genrewise/base/interrupt.hpp"
#include "genrewise/base/parallel.hpp"
#include "genrewise/models/neural/training/streams.hpp"
#include "genrewise/records/tensor_archive.hpp"
#include "genrewise/storage/files.hpp"

namespace genrewise::neural {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::minutes kStoreEvery{1};
constexpr std::size_t kDigest = 32;  // bytes of SHA-256

/// The examples of one part, in the order of their records.
struct EmbeddedPart {
  Matrix values;
  std::vector<int> labels;
  std::vector<std::uint32_t> records;
};

class Embedder {
 public:
  Embedder(const BodyEngine& engine, const std::filesystem::path& folder, Progress& progress)
      : engine_(engine), folder_(folder), progress_(progress) {
    if (!folder.empty() && std::filesystem::exists(path())) load();
  }

  std::shared_ptr<const EmbeddedPart> embed(const std::string& task, std::uint64_t total,
                                            std::unique_ptr<BatchStream> stream) {
    progress_.begin(task, "clips", total);
    std::vector<std::pair<std::uint32_t, std::size_t>> rows;  // record, index in values_
    std::map<std::uint32_t, int> labels;
    Batch batch;
    while (stream->next(batch)) {
      throw_if_interrupted();
      const std::vector<std::size_t> indices = indices_of(batch);
      for (std::size_t i = 0; i < batch.size; ++i) {
        rows.emplace_back(batch.records[i], indices[i]);
        labels[batch.records[i]] = batch.labels[i];
      }
      progress_.advance(batch.size);
      if (Clock::now() - stored_at_ > kStoreEvery) store();
    }
    progress_.finish();
    std::ranges::sort(rows);
    auto part = std::make_shared<EmbeddedPart>(EmbeddedPart{Matrix(rows.size(), engine_.size), {}, {}});
    for (std::size_t i = 0; i < rows.size(); ++i) {
      std::ranges::copy(stored_row(rows[i].second), part->values.row(i).begin());
      part->records.push_back(rows[i].first);
      part->labels.push_back(labels.at(rows[i].first));
    }
    return part;
  }

  void store() {
    stored_at_ = Clock::now();
    if (folder_.empty() || stored_ == index_.size()) return;
    const HoldInterrupts hold;
    std::vector<std::int64_t> digests(index_.size() * kDigest / sizeof(std::int64_t));
    for (const auto& [digest, at] : index_)
      std::memcpy(reinterpret_cast<char*>(digests.data()) + at * kDigest, digest.data(), kDigest);
    TensorArchive archive(path().string());
    archive.metadata["body"] = engine_.weights;
    archive.put("digests", digests);
    archive.put("embeddings", values_);
    make_folders(folder_);
    write_file(path(), archive.serialise_sealed());
    stored_ = index_.size();
  }

 private:
  std::filesystem::path path() const { return folder_ / "embeddings.safetensors"; }
  std::span<const float> stored_row(std::size_t at) const {
    return std::span(values_).subspan(at * engine_.size, engine_.size);
  }

  void load() {
    try {
      const TensorArchive archive = TensorArchive::read_sealed(path(), {});
      const auto found = archive.metadata.find("body");
      if (archive.seal() != Seal::sound || found == archive.metadata.end() || found->second != engine_.weights) return;
      const std::size_t count = archive.count("digests") * sizeof(std::int64_t) / kDigest;
      const auto digests = archive.integers("digests", count * kDigest / sizeof(std::int64_t));
      values_ = archive.floats("embeddings", count * engine_.size);
      const auto* bytes = reinterpret_cast<const char*>(digests.data());
      for (std::size_t i = 0; i < count; ++i) index_.emplace(std::string(bytes + i * kDigest, kDigest), i);
      stored_ = index_.size();
    } catch (const FileError&) {
      throw;
    } catch (const Error& problem) {
      values_.clear();
      progress_.note(fmt::format("{}: {}; embeddings are computed again", path().string(), problem.problem()));
    }
  }

  /// Where in values_ the embedding of each example of the batch is, after computing those that are missing.
  std::vector<std::size_t> indices_of(const Batch& batch) {
    std::vector<std::size_t> indices, missing;
    std::map<std::string, std::size_t> fresh;
    const std::size_t known = index_.size();
    for (std::size_t i = 0; i < batch.size; ++i) {
      Hasher hasher(HashKind::sha256);
      const auto row = batch.row(i);
      hasher.update({reinterpret_cast<const char*>(row.data()), row.size_bytes()});
      const std::string digest = hasher.digest();
      const auto found = index_.find(digest);
      if (found != index_.end()) {
        indices.push_back(found->second);
        continue;
      }
      const auto [added, is_new] = fresh.emplace(digest, known + missing.size());
      if (is_new) missing.push_back(i);
      indices.push_back(added->second);
    }
    Matrix embeddings(missing.size(), engine_.size);
    parallel_for(missing.size(),
                 [&](std::size_t i, int worker) { engine_.embed(batch.row(missing[i]), embeddings.row(i), worker); });
    values_.insert(values_.end(), embeddings.values().begin(), embeddings.values().end());
    index_.merge(fresh);
    return indices;
  }

  const BodyEngine& engine_;
  const std::filesystem::path& folder_;
  Progress& progress_;
  std::map<std::string, std::size_t> index_;  // SHA-256 of the example -> row of values_
  std::vector<float> values_;
  std::size_t stored_ = 0;
  Clock::time_point stored_at_ = Clock::now();
};

std::function<std::unique_ptr<BatchStream>(const BatchRequest&)> stream_of(std::shared_ptr<const EmbeddedPart> part,
                                                                           bool shuffle) {
  return [part = std::move(part), shuffle](const BatchRequest& request) -> std::unique_ptr<BatchStream> {
    std::vector<std::size_t> rows(part->labels.size());
    std::iota(rows.begin(), rows.end(), std::size_t{0});
    return std::make_unique<MatrixStream>(
        part->values, part->labels, std::move(rows),
        MatrixStreamConfig{request.batch_size, shuffle, request.seed, request.epochs, request.rank, request.ranks,
                           request.start, part->records});
  };
}

}  // namespace

BatchSource embedded(const BatchSource& source, const BodyEngine& engine, const std::filesystem::path& folder,
                     Progress& progress) {
  Embedder embedder(engine, folder, progress);
  BatchSource result = source;
  result.values = engine.size;
  try {
    result.training = stream_of(embedder.embed("embedding", source.training_examples(), source.training({})), true);
    if (source.validation)
      result.validation = stream_of(embedder.embed("embedding of validation", 0, source.validation({})), false);
  } catch (const Interrupted&) {
    embedder.store();
    progress.finish();
    throw;
  }
  embedder.store();
  return result;
}

}  // namespace genrewise::neural
