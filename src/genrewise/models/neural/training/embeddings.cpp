#include "genrewise/models/neural/training/embeddings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <map>
#include <numeric>
#include <tuple>
#include <utility>

#include "genrewise/base/error.hpp"
#include "genrewise/base/filesystem.hpp"
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
  Embedder(BodyEngine engine, const std::filesystem::path& folder, Progress& progress)
      : engine_(std::move(engine)), folder_(folder), progress_(progress) {
    if (!folder.empty() && path_exists(path())) load();
  }

  std::shared_ptr<const EmbeddedPart> embed(const std::string& task, std::uint64_t total,
                                            std::unique_ptr<BatchStream> stream) {
    progress_.begin(task, "clips", total);
    std::vector<std::tuple<std::uint32_t, int, std::size_t>> rows;  // record, label, row of values_
    Batch batch;
    while (stream->next(batch)) {
      throw_if_interrupted();
      const std::vector<std::size_t> stored = rows_of(batch.features, batch.size, batch.values);
      for (std::size_t i = 0; i < batch.size; ++i) rows.emplace_back(batch.records[i], batch.labels[i], stored[i]);
      progress_.advance(batch.size);
      if (Clock::now() - stored_at_ > kStoreEvery) store();
    }
    progress_.finish();
    std::ranges::sort(rows);
    auto part = std::make_shared<EmbeddedPart>(EmbeddedPart{Matrix(rows.size(), engine_.size), {}, {}});
    for (const auto& [record, label, row] : rows) {
      copy_row(row, part->values.row(part->labels.size()));
      part->records.push_back(record);
      part->labels.push_back(label);
    }
    return part;
  }

  /// The embeddings of `count` examples, after computing those that are not kept yet.
  void embed(std::span<const float> examples, std::size_t count, std::size_t values, std::span<float> out) {
    const std::vector<std::size_t> rows = rows_of(examples, count, values);
    for (std::size_t i = 0; i < count; ++i) copy_row(rows[i], out.subspan(i * engine_.size, engine_.size));
  }

  void store() {
    stored_at_ = Clock::now();
    if (folder_.empty() || stored_ == rows_by_digest_.size()) return;
    const HoldInterrupts hold;
    std::vector<std::int64_t> digests(rows_by_digest_.size() * kDigest / sizeof(std::int64_t));
    for (const auto& [digest, at] : rows_by_digest_)
      std::memcpy(reinterpret_cast<char*>(digests.data()) + at * kDigest, digest.data(), kDigest);
    TensorArchive archive(path().string());
    archive.metadata["body"] = engine_.weights;
    archive.put("digests", digests);
    archive.put("embeddings", values_);
    make_folders(folder_);
    write_file(path(), archive.serialise_sealed());
    stored_ = rows_by_digest_.size();
  }

 private:
  std::filesystem::path path() const { return folder_ / "embeddings.safetensors"; }
  void load() {
    try {
      const TensorArchive archive = TensorArchive::read_sealed(path(), {});
      const auto found = archive.metadata.find("body");
      if (archive.seal() != Seal::sound || found == archive.metadata.end() || found->second != engine_.weights) return;
      const std::size_t count = archive.count("digests") * sizeof(std::int64_t) / kDigest;
      const auto digests = archive.integers("digests", count * kDigest / sizeof(std::int64_t));
      values_ = archive.floats("embeddings", count * engine_.size);
      const auto* bytes = reinterpret_cast<const char*>(digests.data());
      for (std::size_t i = 0; i < count; ++i) rows_by_digest_.emplace(std::string(bytes + i * kDigest, kDigest), i);
      stored_ = rows_by_digest_.size();
    } catch (const FileError&) {
      throw;
    } catch (const Error& problem) {
      values_.clear();
      progress_.note(fmt::format("{}: {}; embeddings are computed again", path().string(), problem.problem()));
    }
  }

  void copy_row(std::size_t row, std::span<float> to) const {
    std::copy_n(values_.begin() + static_cast<std::ptrdiff_t>(row * engine_.size), engine_.size, to.begin());
  }

  /// The row of values_ for each example of `values` numbers, after computing those that are missing.
  std::vector<std::size_t> rows_of(std::span<const float> examples, std::size_t count, std::size_t values) {
    const auto example = [&](std::size_t i) { return examples.subspan(i * values, values); };
    std::vector<std::size_t> rows, missing;
    std::map<std::string, std::size_t> added;
    for (std::size_t i = 0; i < count; ++i) {
      Hasher hasher(HashKind::sha256);
      hasher.update({reinterpret_cast<const char*>(example(i).data()), example(i).size_bytes()});
      const std::string digest = hasher.digest();
      const auto found = rows_by_digest_.find(digest);
      if (found == rows_by_digest_.end() && added.emplace(digest, rows_by_digest_.size() + missing.size()).second)
        missing.push_back(i);
      rows.push_back(found == rows_by_digest_.end() ? added.at(digest) : found->second);
    }
    Matrix embeddings(missing.size(), engine_.size);
    parallel_for(missing.size(),
                 [&](std::size_t i, int worker) { engine_.embed(example(missing[i]), embeddings.row(i), worker); });
    values_.insert(values_.end(), embeddings.values().begin(), embeddings.values().end());
    rows_by_digest_.merge(added);
    return rows;
  }

  BodyEngine engine_;
  std::filesystem::path folder_;
  Progress& progress_;
  std::map<std::string, std::size_t> rows_by_digest_;  // SHA-256 of the example -> row of values_
  std::vector<float> values_;
  std::size_t stored_ = 0;
  Clock::time_point stored_at_ = Clock::now();
};

/// Replaces the examples of each batch by their embeddings, which `kept` (null: nothing) keeps for later epochs.
class EmbeddedStream final : public BatchStream {
 public:
  EmbeddedStream(std::unique_ptr<BatchStream> before, BodyEngine engine, std::shared_ptr<Embedder> kept)
      : before_(std::move(before)), engine_(std::move(engine)), kept_(std::move(kept)) {}

  bool next(Batch& batch) override {
    batch.features.swap(examples_);
    if (!before_->next(batch)) return false;
    batch.features.swap(examples_);
    const std::size_t values = std::exchange(batch.values, engine_.size);
    batch.features.resize(batch.size * engine_.size);
    const HoldInterrupts hold;  // a batch takes a tenth of a second; the trainer stops between two
    if (kept_) {
      kept_->embed(examples_, batch.size, values, batch.features);
      return true;
    }
    parallel_for(batch.size, [&](std::size_t i, int worker) {
      engine_.embed(std::span(examples_).subspan(i * values, values),
                    std::span(batch.features).subspan(i * engine_.size, engine_.size), worker);
    });
    return true;
  }
  BatchPosition position() const override { return before_->position(); }

 private:
  std::unique_ptr<BatchStream> before_;
  BodyEngine engine_;
  std::shared_ptr<Embedder> kept_;
  std::vector<float> examples_;
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

BatchSource embedded(const BatchSource& source, const BodyEngine& engine, const Stage& stage,
                     const std::filesystem::path& folder, Progress& progress) {
  const auto embedder = std::make_shared<Embedder>(engine, folder, progress);
  BatchSource result = source;
  result.values = engine.size;
  try {
    if (stage.on) {
      const auto kept = stage.repeats ? embedder : nullptr;
      result.training = [from = source.training, engine, on = stage.on, kept](const BatchRequest& request) {
        return std::make_unique<EmbeddedStream>(on(from(request)), engine, kept);
      };
    } else {
      result.training = stream_of(embedder->embed("embedding", source.training_examples(), source.training({})), true);
    }
    if (source.validation)
      result.validation = stream_of(embedder->embed("embedding of validation", 0, source.validation({})), false);
  } catch (const Interrupted&) {
    embedder->store();
    progress.finish();
    throw;
  }
  embedder->store();
  return result;
}

}  // namespace genrewise::neural
