#include "genrewise/models/neural/training/network_classifier.hpp"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <numeric>

#include "genrewise/base/error.hpp"
#include "genrewise/base/hash.hpp"
#include "genrewise/base/interrupt.hpp"
#include "genrewise/models/classical/classical_classifier.hpp"
#include "genrewise/models/neural/layers/network.hpp"
#include "genrewise/models/neural/training/device.hpp"
#include "genrewise/models/neural/training/streams.hpp"
#include "genrewise/models/neural/training/trainer.hpp"
#include "genrewise/records/tensor_archive.hpp"
#include "genrewise/storage/work_folder.hpp"

namespace genrewise::neural {
namespace {

constexpr std::size_t kPredictBatch = 32;

/// Rows to train on and held-out rows; each group is entirely in one of them.
struct HoldOut {
  std::vector<std::size_t> training, held_out;
};

/// Groups in random order; each is held out until its labels have reached their share.
HoldOut hold_out(std::span<const int> labels, std::span<const std::string> groups, int label_count, double share,
                 std::uint64_t seed) {
  std::map<std::string, std::vector<std::size_t>> rows_of_group;
  for (std::size_t i = 0; i < labels.size(); ++i)
    rows_of_group[groups.size() == labels.size() ? groups[i] : std::to_string(i)].push_back(i);
  std::vector<const std::vector<std::size_t>*> order;
  for (const auto& [name, rows] : rows_of_group) order.push_back(&rows);
  Rng rng(derive_seed(seed, "validation share"));
  rng.shuffle(std::span(order));
  std::vector<std::size_t> held(static_cast<std::size_t>(label_count));
  const auto sizes = class_sizes(labels, label_count);
  HoldOut result;
  for (const auto* rows : order) {
    const bool is_held_out = std::ranges::all_of(*rows, [&](std::size_t row) {
      const auto label = static_cast<std::size_t>(labels[row]);
      return static_cast<double>(held[label]) < share * static_cast<double>(sizes[label]) - 0.5 &&
             held[label] + rows->size() < sizes[label];
    });
    for (const std::size_t row : *rows) {
      if (is_held_out) ++held[static_cast<std::size_t>(labels[row])];
      (is_held_out ? result.held_out : result.training).push_back(row);
    }
  }
  std::ranges::sort(result.training);
  std::ranges::sort(result.held_out);
  return result;
}

class NetworkClassifier final : public Classifier {
 public:
  NetworkClassifier(std::string_view kind, const Parameters& given, std::uint64_t seed)
      : descriptor_(classifier_descriptor(kind)),
        kind_(network_kind(kind)),
        parameters_(check_parameters(descriptor_, given)),
        seed_(seed),
        config_(read_trainer_config(parameters_, seed)) {}

  const ClassifierDescriptor& descriptor() const override { return descriptor_; }
  const Parameters& parameters() const override { return parameters_.all(); }

  void fit(const TrainingData& data, const FitContext& context) override {
    const auto& [examples, labels, label_count, groups, label_weights] = data;
    require_table(examples, labels, label_count);
    HoldOut rows;
    if (config_.validation_share > 0 && context.validation == nullptr && context.follow == nullptr) {
      rows = hold_out(labels, groups, label_count, config_.validation_share, seed_);
    } else {
      rows.training.resize(labels.size());
      std::iota(rows.training.begin(), rows.training.end(), std::size_t{0});
    }
    BatchSource source;
    source.values = examples.cols();
    source.label_count = label_count;
    source.label_sizes = class_sizes(labels, label_count);
    for (const std::size_t row : rows.held_out) --source.label_sizes[static_cast<std::size_t>(labels[row])];
    source.fingerprint = fingerprint_of(examples, labels);
    const auto stream = [](const TrainingData& from, const std::vector<std::size_t>& part, bool shuffle) {
      return [&from, &part, shuffle](const BatchRequest& request) -> std::unique_ptr<BatchStream> {
        return std::make_unique<MatrixStream>(
            from.examples, from.labels, part,
            MatrixStreamConfig{request.batch_size, shuffle, request.seed, request.epochs, request.rank, request.ranks,
                               request.start});
      };
    };
    source.training = stream(data, rows.training, true);
    if (context.validation != nullptr) {
      const Matrix& others = context.validation->examples;
      const std::span<const int> other_labels = context.validation->labels;
      require_table(others, other_labels, label_count);
      if (others.cols() != examples.cols())
        throw Error(fmt::format("training has {} columns, validation {}", examples.cols(), others.cols()),
                    descriptor_.kind);
      if (config_.validation_share > 0 && context.progress != nullptr)
        context.progress->note("validation_share has no effect, because there is a validation part");
      rows.held_out.resize(other_labels.size());
      std::iota(rows.held_out.begin(), rows.held_out.end(), std::size_t{0});
      source.fingerprint += " " + fingerprint_of(others, other_labels);
    }
    if (!rows.held_out.empty())
      source.validation = stream(context.validation != nullptr ? *context.validation : data, rows.held_out, false);
    fit_batches(source, context);
  }

  void fit_batches(const BatchSource& source, const FitContext& context) override {
    if (std::ranges::count_if(source.label_sizes, [](std::size_t n) { return n > 0; }) < 2)
      throw Error("the training examples have fewer than two labels", descriptor_.kind,
                  "give examples of at least two labels");
    present_.clear();
    for (const std::size_t size : source.label_sizes) present_.push_back(size > 0 ? 1 : 0);
    device_ = chosen_device();
    const std::string remedy =
        fmt::format("lower batch_size (now {}), or choose a smaller network", config_.batch_size);
    guarded(descriptor_.kind, remedy, [&] {
      try {
        train(source, context);
      } catch (const UnusableRun& problem) {
        if (!context.replace_run) throw;
        if (context.progress != nullptr) context.progress->note(problem.what() + std::string("; starting it again"));
        remove_tree(context.run_folder);
        train(source, context);
      }
    });
    for (Weight& weight : network_->weights()) weight.value.mutable_grad() = at::Tensor();
  }

  Predictions predict_with_probabilities(const Matrix& examples) const override {
    if (!network_) throw Error("has not been fitted yet", descriptor_.kind);
    if (examples.cols() != network_->input().size())
      throw Error(
          fmt::format("was fitted on {} columns and cannot predict from {}", network_->input().size(), examples.cols()),
          descriptor_.kind);
    require_finite(examples, descriptor_.kind);
    follow_thread_budget(kind_.one_libtorch_thread);
    Matrix result(examples.rows(), present_.size());
    guarded(descriptor_.kind, "predict fewer examples at a time", [&] {
      const at::NoGradGuard no_grad;
      for (std::size_t first = 0; first < examples.rows(); first += kPredictBatch) {
        throw_if_interrupted();
        const std::size_t count = std::min(kPredictBatch, examples.rows() - first);
        const at::Tensor rows = borrowed(examples.row(first).data(), count, examples.cols());
        at::Tensor logits = network_->forward(sent_to(rows, at::Device(device_)), {});
        for (std::size_t label = 0; label < present_.size(); ++label)
          if (present_[label] == 0)
            logits.select(1, static_cast<std::int64_t>(label)).fill_(-std::numeric_limits<float>::infinity());
        const at::Tensor shares = at::softmax(logits, 1).to(at::kCPU).contiguous();
        std::copy_n(shares.data_ptr<float>(), count * present_.size(), result.row(first).data());
      }
    });
    return {row_argmax(result), std::move(result)};
  }

  void save(TensorArchive& archive, const std::string& prefix) const override {
    if (!network_) throw Error("has not been fitted yet", descriptor_.kind);
    archive.put(prefix + "present", present_);
    archive.put(prefix + "inputs", std::vector<std::int64_t>{static_cast<std::int64_t>(network_->input().size())});
    network_->save(archive, prefix);
  }

  void load(const TensorArchive& archive, const std::string& prefix) override {
    const std::int64_t inputs = archive.integer(prefix + "inputs");
    const auto present = archive.integers(prefix + "present", archive.count(prefix + "present"));
    if (inputs < 1 || inputs > 1'000'000'000 || present.size() < 2 || present.size() > 1'000'000)
      throw Error("the network's labels or inputs are invalid", archive.name());
    guarded(archive.name(), "close other programs, or use a smaller network", [&] {
      network_ = kind_.make(parameters_,
                            {static_cast<std::size_t>(inputs), static_cast<int>(present.size()), 0, &archive, prefix});
      network_->load(archive, prefix);
      device_ = chosen_device();
      network_->to(device_);
    });
    present_ = present;
  }

 private:
  void train(const BatchSource& source, const FitContext& context) {
    network_ = kind_.make(parameters_, {source.values, source.label_count, seed_});
    network_->to(device_);
    TrainingContext training{.fit = context};
    training.one_libtorch_thread = kind_.one_libtorch_thread;
    training.embeddings_folder = context.embeddings_folder.empty() ? context.run_folder : context.embeddings_folder;
    training.identity = {
        {"kind", descriptor_.kind}, {"parameters", parameters_.all()}, {"label_names", context.labels}};
    if (context.follow != nullptr && context.follow->chosen_epoch > 0) {
      training.follow = context.follow;
      training.identity["follows"] = sha256_hex(to_json(*context.follow).dump());
    }
    if (!context.ranks_address.empty())
      training.ranks = connect_ranks(context.ranks_address, context.rank, context.ranks, device_);
    TrainingCurve curve = Trainer(*network_, config_, device_, training).run(source);
    if (context.curve != nullptr) *context.curve = std::move(curve);
  }

  void require_table(const Matrix& examples, std::span<const int> labels, int label_count) const {
    require_labels(examples, labels, label_count, descriptor_.kind);
    require_finite(examples, descriptor_.kind);
  }

  static std::string fingerprint_of(const Matrix& examples, std::span<const int> labels) {
    Hasher hasher(HashKind::sha256);
    hasher.update({reinterpret_cast<const char*>(examples.data()), examples.values().size_bytes()});
    hasher.update({reinterpret_cast<const char*>(labels.data()), labels.size_bytes()});
    return hasher.hex();
  }

  const ClassifierDescriptor& descriptor_;
  const NetworkKind& kind_;
  ParameterValues parameters_;
  std::uint64_t seed_;
  TrainerConfig config_;
  std::unique_ptr<Network> network_;
  std::string device_;                 // of the network: "cpu", "cuda:0"
  std::vector<std::int64_t> present_;  // by label: whether a training example had it
};

}  // namespace

std::unique_ptr<Classifier> make_network_classifier(std::string_view kind, const Parameters& parameters,
                                                    std::uint64_t seed) {
  return std::make_unique<NetworkClassifier>(kind, parameters, seed);
}

}  // namespace genrewise::neural
