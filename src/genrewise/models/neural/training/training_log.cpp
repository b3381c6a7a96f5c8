#include "genrewise/models/neural/training/training_log.hpp"

#include <fmt/format.h>

#include "genrewise/base/filesystem.hpp"
#include "genrewise/base/hash.hpp"
#include "genrewise/base/json_file.hpp"
#include "genrewise/records/event_file.hpp"

namespace genrewise::neural {
namespace {

using nlohmann::json;

/// Path of the first difference between two documents, as "parameters/epochs".
std::string first_difference(const json& one, const json& other) {
  const json patch = json::diff(one, other);
  return patch.empty() ? "" : patch.at(0).at("path").get<std::string>().substr(1);
}

}  // namespace

std::string to_string(const EpochReport& report, std::uint64_t epochs) {
  std::string text = fmt::format("epoch {} of {}: loss {:.4f}, accuracy {:.1f} %", report.epoch, epochs, report.loss,
                                 100 * report.accuracy);
  if (report.validation_loss)
    text += fmt::format("; validation loss {:.4f}, accuracy {:.1f} %", *report.validation_loss,
                        100 * report.validation_accuracy.value_or(0));
  return text + fmt::format("; {:.3g} clips/s, input wait {:.2f} %", report.clips_per_s, 100 * report.input_wait_share);
}

TrainingLog::TrainingLog(std::filesystem::path folder, const json& identity, bool writes) : folder_(std::move(folder)) {
  if (folder_.empty()) return;
  make_folders(folder_);
  if (writes) {
    lock_ = FolderLock(folder_);
    remove_unfinished(folder_ / "");
  }
  usable([&] { claim(identity, writes); });
  if (writes) events_ = std::make_unique<EventWriter>(folder_);
}

void TrainingLog::claim(const json& identity, bool writes) {
  constexpr char kRemedy[] = "choose another run folder, or remove this one to start again";
  const auto path = folder_ / "config.json";
  const std::string text = sealed_text(identity, 2);
  const json requested = require_sealed_json(text, path.string());
  run_ = sha256_hex(requested.dump());
  if (path_exists(path)) {
    const json stored = require_sealed_json(read_file(path), path.string(), kRemedy);
    if (stored != requested)
      throw Error(fmt::format("belongs to another training run: {} differs", first_difference(stored, requested)),
                  folder_.string(), kRemedy);
  } else if (path_exists(last_checkpoint())) {
    throw Error("has a checkpoint, but its config.json is missing", folder_.string(), kRemedy);
  } else if (writes) {
    write_file(path, text);
  }
}

TrainingLog::~TrainingLog() = default;

void TrainingLog::add(const std::vector<EpochReport>& curve) {
  if (!keeps() || !events_) return;
  std::string text =
      "epoch,learning_rate,training_loss,training_accuracy,validation_loss,validation_accuracy,seconds,clips_per_s,"
      "input_wait_share\n";
  const auto cell = [](const std::optional<double>& value) { return value ? fmt::format("{}", *value) : ""; };
  for (const EpochReport& report : curve)
    text += fmt::format("{},{},{},{},{},{},{:.3f},{:.2f},{:.5f}\n", report.epoch, report.learning_rate, report.loss,
                        report.accuracy, cell(report.validation_loss), cell(report.validation_accuracy), report.seconds,
                        report.clips_per_s, report.input_wait_share);
  write_file(folder_ / "curves.csv", text);

  const EpochReport& last = curve.back();
  const auto step = static_cast<std::int64_t>(last.epoch);
  const auto scalar = [&](const char* tag, double value) { events_->add_scalar(tag, step, static_cast<float>(value)); };
  scalar("loss/training", last.loss);
  scalar("accuracy/training", last.accuracy);
  if (last.validation_loss) scalar("loss/validation", *last.validation_loss);
  if (last.validation_accuracy) scalar("accuracy/validation", *last.validation_accuracy);
  scalar("learning_rate", last.learning_rate);
  scalar("speed/clips_per_s", last.clips_per_s);
  scalar("speed/input_wait_share", last.input_wait_share);
}

}  // namespace genrewise::neural
