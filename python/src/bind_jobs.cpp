// Decoding, genres, feature tables of files, predictions and studies.
#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "bindings.hpp"
#include "genrewise/audio/decode.hpp"
#include "genrewise/base/parallel.hpp"
#include "genrewise/data_source/merge_tables.hpp"
#include "genrewise/data_source/prepare.hpp"
#include "genrewise/dataset/dataset.hpp"
#include "genrewise/dataset/find_audio.hpp"
#include "genrewise/dataset/genre_map.hpp"
#include "genrewise/features/clip_extractor.hpp"
#include "genrewise/jobs/study_job.hpp"
#include "genrewise/predict/predict.hpp"
#include "genrewise/report/formats.hpp"
#include "genrewise/storage/files.hpp"

namespace genrewise::python {
namespace {

namespace nb = nanobind;
using std::filesystem::path;
using Paths = std::vector<path>;
using FaultTuples = std::vector<std::tuple<nb::str, nb::str, nb::str>>;

Array<float> load(const path& location, std::optional<int> sample_rate_hz, double start_s,
                  std::optional<double> duration_s) {
  DecodeOptions options{.clip = {.start_s = start_s}, .sample_rate_hz = sample_rate_hz};
  if (duration_s) options.clip.duration_s = *duration_s;
  Waveform wave;
  run([&](Runtime&) { wave = require(decode_file(location, options)); });
  const std::size_t samples = wave.samples.size();
  return as_array(std::move(wave.samples), {samples});
}

nb::tuple info(const path& location) {
  AudioInfo info;
  run([&](Runtime&) { info = require(probe_file(location)); });
  return nb::make_tuple(info.format, info.codec, info.sample_rate_hz, info.channels, info.duration_s,
                        info.bit_rate_kbps);
}

void isolate(bool enabled, double max_seconds, std::uint64_t max_memory_bytes) {
  std::optional<DecodeIsolation> isolation;
  if (enabled) isolation = DecodeIsolation{.max_seconds = max_seconds, .max_memory_bytes = max_memory_bytes};
  set_decode_isolation(isolation);
}

/// (reason, where, detail) of each.
FaultTuples tuples_of(const std::vector<Fault>& faults) {
  FaultTuples tuples;
  for (const Fault& fault : faults)
    tuples.emplace_back(text_of(fault.reason), text_of(fault.where), text_of(fault.detail));
  return tuples;
}

/// Files in folders, and objects of a store as they are.
Paths files_at(const Paths& locations, std::vector<Fault>& faults) {
  Paths files;
  for (const path& location : locations) {
    if (location.string().find("://") != std::string::npos) {
      files.push_back(location);
    } else {
      std::ranges::move(find_audio({&location, 1}, faults), std::back_inserter(files));
    }
  }
  return files;
}

/// The rows of the values of `files` that `usable` marks, and these files.
std::pair<Matrix, Paths> usable_rows(const Matrix& values, const Paths& files, const std::vector<std::size_t>& usable) {
  Paths kept;
  for (const std::size_t i : usable) kept.push_back(files[i]);
  return {values.select_rows(usable), std::move(kept)};
}

/// `skip`: files that cannot be used are returned as faults; else the first is thrown.
nb::tuple extract(const FeatureSet& set, const Paths& locations, std::optional<double> start_s,
                  std::optional<double> duration_s, bool skip, int threads, nb::handle progress) {
  ClipRequest clip = start_s ? ClipRequest{.start_s = start_s} : kDefaultClip;
  if (duration_s) {
    clip.duration_s = *duration_s;
    clip.slack_s = *duration_s == kDefaultClip.duration_s ? kDefaultClip.slack_s : 0;
  }
  std::vector<Fault> faults;
  std::pair<Matrix, Paths> result;
  run(
      [&](Runtime& runtime) {
        const Paths files = files_at(locations, faults);
        if (!skip && !faults.empty()) require(Expected<void>(tl::unexpected(faults.front())));
        const ClipExtractor extractor(set);
        Matrix values(files.size(), set.size());
        std::vector<Expected<void>> outcomes(files.size());
        runtime.progress().begin("extracting " + set.recipe().name, "files", files.size());
        parallel_for(files.size(), [&](std::size_t i, int) {
          outcomes[i] = extractor.extract(files[i], clip, values.row(i));
          if (!skip) require(outcomes[i]);
          runtime.progress().advance();
        });
        runtime.progress().finish();
        std::vector<std::size_t> usable;
        for (std::size_t i = 0; i < files.size(); ++i)
          if (outcomes[i])
            usable.push_back(i);
          else
            faults.push_back(outcomes[i].error());
        result = usable_rows(values, files, usable);
      },
      progress, threads);
  return nb::make_tuple(as_array(std::move(result.first)), std::move(result.second), tuples_of(faults));
}

DatasetOptions dataset_options(bool unlabelled, std::optional<double> start_s, std::optional<double> duration_s,
                               std::optional<JobPart> part = {}) {
  DatasetOptions options;
  options.keep_unlabelled = unlabelled;
  options.clip_start_s = start_s;
  options.clip_duration_s = duration_s;
  options.part = part;
  return options;
}

/// The tracks of a dataset, by column, and what it rejects.
nb::tuple tracks(const path& location, bool unlabelled, std::optional<double> start_s,
                 std::optional<double> duration_s) {
  Dataset dataset;
  run([&](Runtime&) { dataset = open_dataset(location, dataset_options(unlabelled, start_s, duration_s)); });
  nb::list ids, genres, files, starts, durations, slacks;
  for (const Track& track : dataset.tracks) {
    ids.append(text_of(track.id));
    genres.append(track.label < 0 ? nb::object(nb::none())
                                  : text_of(dataset.labels[static_cast<std::size_t>(track.label)]));
    files.append(text_of(track.path.native()));
    starts.append(track.clip.start_s);
    durations.append(track.clip.duration_s);
    slacks.append(track.clip.slack_s);
  }
  nb::dict columns;
  columns["track_id"] = ids;
  columns["genre"] = genres;
  columns["file"] = files;
  columns["start_s"] = starts;
  columns["duration_s"] = durations;
  columns["slack_s"] = slacks;
  return nb::make_tuple(columns, tuples_of(dataset.rejected));
}

/// A row, or None, and why.
nb::tuple extract_clip(const FeatureSet& set, const path& file, std::optional<double> start_s, double duration_s,
                       double slack_s) {
  std::vector<float> row(set.size());
  Expected<void> done;
  run([&](Runtime&) { done = ClipExtractor(set).extract(file, {start_s, duration_s, slack_s}, row); }, nb::none(), 1);
  if (!done) return nb::make_tuple(nb::none(), tuples_of({done.error()}));
  return nb::make_tuple(as_array(std::move(row), {set.size()}), FaultTuples());
}

/// `genrewise extract --part NUMBER/COUNT`: the number of rows, and what was skipped.
std::pair<std::size_t, FaultTuples> extract_part(const FeatureSet& set, const path& location, const path& output,
                                                 std::size_t number, std::size_t count, bool unlabelled,
                                                 std::optional<double> start_s, std::optional<double> duration_s,
                                                 int threads) {
  std::vector<Fault> skipped;
  std::size_t rows = 0;
  run(
      [&](Runtime& runtime) {
        const Dataset dataset =
            open_dataset(location, dataset_options(unlabelled, start_s, duration_s, JobPart{number, count}));
        skipped = dataset.rejected;
        const PrepareResult done = extract_features(dataset, set, output, runtime.progress());
        rows = done.extracted + done.reused;
        skipped.insert(skipped.end(), done.skipped.begin(), done.skipped.end());
      },
      nb::none(), threads);
  return {rows, tuples_of(skipped)};
}

/// What was skipped when the table was written; None if it is not the one of this dataset.
std::optional<FaultTuples> faults_of(const FeatureSet& set, const path& location, const path& output, bool unlabelled,
                                     std::optional<double> start_s, std::optional<double> duration_s) {
  std::optional<std::vector<Fault>> faults;
  run([&](Runtime&) {
    if (!file_exists(output)) return;
    faults = faults_of_table(output, open_dataset(location, dataset_options(unlabelled, start_s, duration_s)), set);
  });
  if (!faults) return std::nullopt;
  return tuples_of(*faults);
}

Predictor open(const path& model, bool zero_shot, const std::string& genres, int windows,
               std::optional<double> max_error) {
  // Not with a runtime of its own: the predictor may use the one with which it was opened, so that must outlive it.
  const nb::gil_scoped_release release;
  Predictor predictor =
      open_predictor({model, zero_shot, genres}, {.windows = windows, .max_error = max_error.value_or(kMaxError)},
                     Runtime::current().progress());
  if (max_error && predictor.confidence().held_out == 0)
    throw UsageError("the model stores no threshold of confidence", "max_error", "leave the argument out");
  return predictor;
}

nb::dict predict(const Predictor& predictor, const Paths& locations, int threads, nb::handle progress) {
  Paths files;
  std::vector<Fault> faults;
  std::vector<Prediction> predictions;
  run(
      [&](Runtime& runtime) {
        Paths all = files_at(locations, faults);
        auto outcomes = predictor.predict_files(all, runtime.progress());
        runtime.throw_if_interrupted();
        for (std::size_t i = 0; i < all.size(); ++i) {
          if (*outcomes[i]) {
            files.push_back(std::move(all[i]));
            predictions.push_back(std::move(**outcomes[i]));
          } else {
            faults.push_back(outcomes[i]->error());
          }
        }
      },
      progress, threads);

  nb::list rows, windows;
  for (std::size_t i = 0; i < files.size(); ++i) {
    const Prediction& found = predictions[i];
    rows.append(nb::make_tuple(files[i], found.probabilities, found.unknown, found.novelty, found.duration_s));
    for (const WindowPrediction& window : found.windows)
      windows.append(nb::make_tuple(files[i], window.start_s, window.duration_s, window.probabilities));
  }
  nb::dict result;
  result["files"] = rows;
  result["windows"] = windows;
  result["skipped"] = tuples_of(faults);
  return result;
}

Array<float> predict_rows(const Predictor& predictor, const Rows& rows) {
  Matrix probabilities(rows.shape(0), predictor.labels().size());
  run([&](Runtime&) {
    parallel_for(rows.shape(0), [&](std::size_t i, int) {
      const float* const row = rows.data() + i * rows.shape(1);
      const Matrix one(1, rows.shape(1), {row, row + rows.shape(1)});
      std::ranges::copy(predictor.predict_features(one).probabilities, probabilities.row(i).begin());
    });
  });
  return as_array(std::move(probabilities));
}

/// Of options named as those of `genrewise study`.
StudyJobConfig study_config(const nb::dict& options) {
  StudyJobConfig config;
  std::string scheme = "auto", labels(to_string(LabelSource::automatic));
  const auto into = [](auto& member) {
    return [&member](nb::handle value) { member = nb::cast<std::remove_reference_t<decltype(member)>>(value); };
  };
  const std::map<std::string, std::function<void(nb::handle)>> members = {
      {"data", into(config.data.location)},
      {"features", into(config.data.features)},
      {"tables", into(config.data.tables)},
      {"subset", into(config.data.dataset.fma_subset)},
      {"labels", into(labels)},
      {"map", into(config.data.dataset.genre_map)},
      {"top_genres", into(config.data.dataset.top_genres)},
      {"merge", into(config.data.genres.merge)},
      {"min_groups", into(config.data.genres.min_groups)},
      {"scheme", into(scheme)},
      {"split_file", into(config.split.file)},
      {"models", into(config.models)},
      {"preset", into(config.preset)},
      {"budget", into(config.budget_min)},
      {"seeds", into(config.seeds)},
      {"pca_components", into(config.pca_components)},
      {"ablation", into(config.ablation)},
      {"nested", into(config.nested_folds)},
      {"output", into(config.output)},
      {"pack_to", into(config.pack_to)},
      {"force", into(config.replace)},
      {"seed", into(config.seed)}};
  for (const auto& [name, value] : options) members.at(nb::cast<std::string>(name))(value);
  config.split.scheme = parse_split_scheme(scheme);
  config.split.seed = config.seed;
  for (const LabelSource source : {LabelSource::automatic, LabelSource::folders, LabelSource::tags}) {
    config.data.dataset.labels = source;
    if (labels == to_string(source)) return config;
  }
  throw UsageError("'" + labels + "' is not a source of genres", "labels", "use auto, folders or tags");
}

nb::tuple study(const nb::dict& options, int threads, nb::handle progress) {
  const StudyJobConfig config = study_config(options);
  StudyJobResult done;
  run([&](Runtime& runtime) { done = study_job(config, runtime); }, progress, threads);
  return nb::make_tuple(valid_utf8(done.document).dump(), texts_of(done.notes), tuples_of(done.skipped));
}

}  // namespace

void bind_jobs(nb::module_& module) {
  using namespace nb::literals;
  module.def("load", &load, "location"_a, "sample_rate_hz"_a.none(), "start_s"_a, "duration_s"_a.none());
  module.def("info", &info, "location"_a);
  module.def("isolate_decoding", &isolate, "enabled"_a, "max_seconds"_a, "max_memory_bytes"_a);
  module.def(
      "fold_genres",
      [](const std::vector<std::string>& names, const std::optional<path>& map, bool top_level) {
        return (map ? GenreMap(*map) : GenreMap::standard()).fold(names, top_level);
      },
      "names"_a, "map"_a, "top_level"_a);
  module.def("extract", &extract, "set"_a, "locations"_a, "start_s"_a.none(), "duration_s"_a.none(), "skip"_a,
             "threads"_a, "progress"_a.none());
  module.def("tracks", &tracks, "location"_a, "unlabelled"_a, "start_s"_a.none(), "duration_s"_a.none());
  module.def("extract_clip", &extract_clip, "set"_a, "file"_a, "start_s"_a.none(), "duration_s"_a, "slack_s"_a);
  module.def("extract_part", &extract_part, "set"_a, "location"_a, "output"_a, "number"_a, "count"_a, "unlabelled"_a,
             "start_s"_a.none(), "duration_s"_a.none(), "threads"_a);
  module.def("faults_of_table", &faults_of, "set"_a, "location"_a, "output"_a, "unlabelled"_a, "start_s"_a.none(),
             "duration_s"_a.none());
  module.def(
      "merge_tables",
      [](const path& output, nb::handle progress) {
        MergeResult merged;
        run([&](Runtime& runtime) { merged = merge_tables(output, false, runtime.progress()); }, progress);
        return merged.rows;
      },
      "output"_a, "progress"_a.none());
  module.def(
      "write_file",
      [](const path& location, const nb::str& text) {
        run([&, bytes = bytes_of(text)](Runtime&) { write_file(location, bytes); });
      },
      "location"_a, "text"_a);

  nb::class_<Predictor>(module, "Predictor")
      .def_static("open", &open, "model"_a, "zero_shot"_a, "genres"_a, "windows"_a, "max_error"_a.none())
      .def_prop_ro("labels", [](const Predictor& predictor) { return texts_of(predictor.labels()); })
      .def_prop_ro("threshold", &Predictor::threshold)
      .def_prop_ro("features", [](const Predictor& predictor) { return predictor.features().recipe().name; })
      .def("predict", &predict, "locations"_a, "threads"_a, "progress"_a.none())
      .def("predict_rows", &predict_rows, "rows"_a);
  module.def("study", &study, "options"_a, "threads"_a, "progress"_a.none());
  module.def(
      "read_run", [](const path& location) { return read_run(location).dump(); }, "location"_a);
}

}  // namespace genrewise::python
