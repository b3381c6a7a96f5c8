#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "genrewise/base/faults.hpp"
#include "genrewise/study/notes.hpp"

namespace genrewise {
namespace {

constexpr std::size_t kFewArtists = 10;  // per genre: with fewer, a model may recognise artists instead of the genre
constexpr std::size_t kFewTestExamples = 30;  // per genre: below, the error of its recall is +-18 points or worse

using Notes = std::vector<std::string>;

void note_interval(const StudyResult& result, Notes& notes) {
  if (!result.best) return;
  const Metrics& best = result.models[*result.best].test;
  const double half_width = 50 * (best.accuracy.high - best.accuracy.low);
  notes.push_back(fmt::format(
      "With {} test examples the 95 % interval of the best accuracy is about ±{:.1f} points. Small "
      "differences between models are not meaningful; the p-values in the table show which are significant.",
      best.accuracy.n, half_width));
  if (const auto& over = best.over_groups) {
    notes.push_back(fmt::format(
        "The {} test examples come from {} artists (or albums). If artists are resampled instead of "
        "examples, the interval is {:.1f} to {:.1f} %; use this one to estimate the accuracy on other artists.",
        best.accuracy.n, over->groups, 100 * over->low, 100 * over->high));
  }
}

void note_artists(const Examples& examples, Notes& notes) {
  std::vector<std::set<std::string_view>> artists(examples.labels.size());
  std::size_t unknown = 0;
  const auto& subjects = examples.subjects;
  for (std::size_t i = 0; i < subjects.ids.size(); ++i) {
    if (subjects.artists[i].empty()) {
      ++unknown;
    } else {
      artists[static_cast<std::size_t>(subjects.labels[i])].insert(subjects.artists[i]);
    }
  }
  if (unknown > 0) {
    notes.push_back(
        fmt::format("{}, so artists that appear in several parts cannot be detected; scores may be better than on new "
                    "artists.",
                    unknown == subjects.ids.size()
                        ? std::string("No artist is known")
                        : fmt::format("The artists of {} of {} examples are unknown", unknown, subjects.ids.size())));
    return;
  }
  std::vector<std::string> few;
  for (std::size_t genre = 0; genre < artists.size(); ++genre) {
    if (artists[genre].size() < kFewArtists)
      few.push_back(fmt::format("{} ({})", examples.labels[genre], artists[genre].size()));
  }
  if (!few.empty()) {
    notes.push_back(
        fmt::format("These genres have few artists: {}. A model can separate them by recognising the artists; this is "
                    "a demonstration, not a benchmark.",
                    fmt::join(few, ", ")));
  }
}

void note_leakage(const Examples& examples, const Split& split, Notes& notes) {
  for (const auto& crossing : check_leakage(examples.subjects, split).crossings) {
    if (crossing.groups == 0) continue;
    notes.push_back(
        fmt::format("Leakage: {} {}{} in more than one part; {} validation and test examples are theirs. Scores are "
                    "optimistic; use --scheme grouped.",
                    crossing.groups, crossing.kind, crossing.groups == 1 ? " appears" : "s appear", crossing.examples));
  }
}

void note_genres(const Examples& examples, const Split& split, Notes& notes) {
  std::vector<std::size_t> tested(examples.labels.size()), trained(examples.labels.size());
  for (std::size_t i = 0; i < split.parts.size(); ++i) {
    auto& counts = split.parts[i] == Part::test ? tested : trained;
    ++counts[static_cast<std::size_t>(examples.subjects.labels[i])];
  }
  std::vector<std::string> absent, untrained, few;
  for (std::size_t genre = 0; genre < examples.labels.size(); ++genre) {
    if (tested[genre] == 0) absent.push_back(examples.labels[genre]);
    if (trained[genre] == 0) untrained.push_back(examples.labels[genre]);
    if (tested[genre] > 0 && tested[genre] < kFewTestExamples) few.push_back(examples.labels[genre]);
  }
  if (!absent.empty()) {
    notes.push_back(fmt::format(
        "The test part has no example of {}. Such a genre has no scores, and macro-F1 includes it only if a model "
        "predicts it.",
        fmt::join(absent, ", ")));
  }
  if (!untrained.empty()) {
    notes.push_back(
        fmt::format("The training and validation parts have no example of {}: no model can predict such a genre.",
                    fmt::join(untrained, ", ")));
  }
  if (!few.empty()) {
    notes.push_back(fmt::format("Fewer than {} test examples: {}. The scores of these genres are rough estimates.",
                                kFewTestExamples, fmt::join(few, ", ")));
  }
}

void note_choice(const StudyResult& result, Notes& notes) {
  notes.push_back(
      "The best model is the one with the highest validation accuracy. Parameters were also chosen on the validation "
      "part, so validation scores are optimistic; test scores are not, because nothing was chosen by them.");
  for (const ModelResult& model : result.models) {
    if (!model.error.empty()) notes.push_back(fmt::format("{} could not be fitted: {}", model.title, model.error));
  }
}

}  // namespace

std::vector<std::string> caveats(const Examples& examples, const Split& split, const StudyResult& result) {
  Notes notes = examples.notes;
  notes.insert(notes.end(), split.notes.begin(), split.notes.end());
  note_interval(result, notes);
  note_artists(examples, notes);
  note_leakage(examples, split, notes);
  note_genres(examples, split, notes);
  note_choice(result, notes);
  return notes;
}

std::vector<std::string> caveats(const TuningResult& result) {
  Notes notes = {fmt::format("The best of {} scores is partly luck: it is optimistic, the more so the more settings "
                             "were tried. Evaluate the "
                             "chosen setting on examples that were not searched on.",
                             result.points.size()),
                 "The standard error is computed from the spread over the folds. Settings within one standard error of "
                 "the best are "
                 "not significantly worse; the simplest of them often generalises better."};
  if (const std::vector<Fault> failed = failures(result); !failed.empty()) {
    std::string reasons;
    for (const auto& [reason, count] : counts_by_reason(failed)) {
      reasons += fmt::format("{}{} × {}", reasons.empty() ? "" : "; ", count, reason);
    }
    notes.push_back(
        fmt::format("{} of {} settings could not be fitted: {}.", failed.size(), result.points.size(), reasons));
  }
  return notes;
}

}  // namespace genrewise
