#include <fmt/format.h>

#include <mutex>
#include <optional>

#include "genrewise/base/error.hpp"
#include "genrewise/base/parallel.hpp"
#include "genrewise/base/runtime.hpp"
#include "genrewise/models/batch_source.hpp"
#include "genrewise/models/classical/classical_classifier.hpp"
#include "genrewise/models/networks/network_descriptor.hpp"
#include "genrewise/models/networks/neural_process.hpp"
#include "genrewise/records/tensor_archive.hpp"
#include "genrewise/storage/files.hpp"

namespace genrewise {

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(FitContext, replace_run, epoch_notes, labels, ranks_address, rank, ranks)

namespace {

using nlohmann::json;

class NetworkClient final : public Classifier {
 public:
  NetworkClient(const ClassifierDescriptor& descriptor, const ParameterValues& parameters, std::uint64_t seed)
      : descriptor_(descriptor), parameters_(parameters.all()), seed_(seed) {}

  const ClassifierDescriptor& descriptor() const override { return descriptor_; }
  const Parameters& parameters() const override { return parameters_; }

  void fit(const TrainingData& data, const FitContext& context) override {
    if (!data.label_weights.empty()) throw Error("cannot weight labels", descriptor_.kind);
    const json request = {{"type", "fit"},
                          {"rows", data.examples.rows()},
                          {"cols", data.examples.cols()},
                          {"labels", std::vector<int>(data.labels.begin(), data.labels.end())},
                          {"label_count", data.label_count},
                          {"groups", std::vector<std::string>(data.groups.begin(), data.groups.end())},
                          {"context", to_json(context)}};
    fit_by(request, data.examples.values(), context);
  }

  void fit_batches(const BatchSource& source, const FitContext& context) override {
    if (!source.pack)
      throw Error("is fitted on batches of a pack only", descriptor_.kind, "describe the batches with pack_batches()");
    const std::string manifest = to_json(*source.pack);
    const json request = {{"type", "fit pack"},
                          {"folder", source.pack->folder.string()},
                          {"bytes", manifest.size()},
                          {"cache_bytes", source.cache_bytes},
                          {"context", to_json(context)}};
    fit_by(request, as_numbers(manifest), context);
  }

  Predictions predict_with_probabilities(const Matrix& examples) const override {
    const std::lock_guard lock(mutex_);
    const json request = {{"type", "predict"}, {"rows", examples.rows()}, {"cols", examples.cols()}};
    NeuralMessage reply = fitted_process().call(with_threads(request), examples.values(), nullptr);
    Predictions predictions;
    predictions.probabilities = Matrix(examples.rows(), reply.header.at("cols"), std::move(reply.numbers));
    predictions.labels = row_argmax(predictions.probabilities);
    return predictions;
  }

  void save(TensorArchive& archive, const std::string& prefix) const override {
    const std::lock_guard lock(mutex_);
    const TensorArchive state = TensorArchive::parse(state_bytes(), descriptor_.kind);
    for (const auto& [name, tensor] : state.tensors()) archive.put(prefix + name, tensor);
  }

  void load(const TensorArchive& archive, const std::string& prefix) override {
    const std::lock_guard lock(mutex_);
    TensorArchive state(archive.name());
    for (const auto& [name, tensor] : archive.tensors())
      if (name.starts_with(prefix)) state.put(name.substr(prefix.size()), tensor);
    process_.reset();
    fitted_ = false;
    loaded_ = Loaded{state.serialise(), archive.name()};
  }

 private:
  struct Loaded {
    std::string bytes, name;
  };

  void fit_by(const json& request, std::span<const float> numbers, const FitContext& context) {
    const std::lock_guard lock(mutex_);
    loaded_.reset();
    fitted_ = false;
    if (!process_ || !process_->alive()) process_ = started();
    if (const TrainingData* part = context.validation)
      process_->call({{"type", "validation"},
                      {"rows", part->examples.rows()},
                      {"cols", part->examples.cols()},
                      {"labels", std::vector<int>(part->labels.begin(), part->labels.end())}},
                     part->examples.values(), nullptr);
    const NeuralMessage reply = process_->call(with_threads(request), numbers, context.progress);
    if (context.curve != nullptr && reply.header.contains("training"))
      *context.curve = training_curve_from_json(reply.header.at("training"));
    fitted_ = true;
  }

  std::unique_ptr<NeuralProcess> started() const {
    const Runtime& runtime = Runtime::current();
    const StoreOptions stores = store_options();
    auto process = std::make_unique<NeuralProcess>(fmt::format("{} needs", descriptor_.kind));
    process->call({{"type", "create"},
                   {"kind", descriptor_.kind},
                   {"parameters", parameters_},
                   {"seed", seed_},
                   {"device", runtime.device()},
                   {"weights", runtime.weights().string()},
                   {"stores", {{"endpoint", stores.endpoint}, {"region", stores.region}, {"profile", stores.profile}}}},
                  {}, nullptr);
    return process;
  }

  static json with_threads(json request) {
    request["threads"] = inside_parallel_for() ? 1 : thread_budget();
    return request;
  }

  /// The process that holds the fitted network.
  NeuralProcess& fitted_process() const {
    if (fitted_ && process_->alive()) return *process_;
    if (!loaded_)
      throw Error(fitted_ ? "the process that held the fitted network has ended" : "has not been fitted yet",
                  descriptor_.kind, "fit it first");
    if (!process_ || !process_->alive()) {
      auto process = started();
      process->call({{"type", "load"}, {"name", loaded_->name}, {"bytes", loaded_->bytes.size()}},
                    as_numbers(loaded_->bytes), nullptr);
      process_ = std::move(process);  // only one that holds the network
    }
    return *process_;
  }

  std::string state_bytes() const {
    if (loaded_) return loaded_->bytes;
    const NeuralMessage reply = fitted_process().call({{"type", "save"}}, {}, nullptr);
    return as_bytes(reply.numbers, reply.header.at("bytes"));
  }

  const ClassifierDescriptor& descriptor_;
  Parameters parameters_;
  std::uint64_t seed_;
  mutable std::mutex mutex_;
  mutable std::unique_ptr<NeuralProcess> process_;
  std::optional<Loaded> loaded_;  // the state to load into the process when it is first needed
  bool fitted_ = false;           // by the process
};

/// A path as numbers, because it may contain bytes that are not UTF-8.
json path_json(const std::filesystem::path& path) {
  return std::vector<unsigned char>(path.native().begin(), path.native().end());
}

std::filesystem::path path_from(const json& bytes) {
  const auto numbers = bytes.get<std::vector<unsigned char>>();
  return std::string(numbers.begin(), numbers.end());
}

}  // namespace

json to_json(const FitContext& context) {
  json document = context;
  document["run_folder"] = path_json(context.run_folder);
  document["embeddings_folder"] = path_json(context.embeddings_folder);
  if (context.follow != nullptr) document["follow"] = to_json(*context.follow);
  return document;
}

FitContext fit_context_from(const json& json) {
  FitContext context = json;
  context.run_folder = path_from(json.at("run_folder"));
  context.embeddings_folder = path_from(json.at("embeddings_folder"));
  return context;
}

std::unique_ptr<Classifier> networks::make_network_client(const ClassifierDescriptor& descriptor,
                                                          const ParameterValues& parameters, std::uint64_t seed) {
  return std::make_unique<NetworkClient>(descriptor, parameters, seed);
}

}  // namespace genrewise
