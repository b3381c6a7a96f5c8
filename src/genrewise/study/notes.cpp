// The sentences that keep a reader of the report honest.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "genrewise/base/faults.hpp"
#include "genrewise/study/notes.hpp"

namespace genrewise {
namespace {

constexpr std::size_t kFewArtists = 10;       // behind a genre: fewer, and a model can pass by knowing the artists
constexpr std::size_t kFewTestExamples = 30;  // of a genre: its recall is known to +-18 points or worse

using Notes = std::vector<std::string>;

void note_interval(const StudyResult& result, Notes& notes) {
  if (!result.best) return;
  const Metrics& best = result.models[*result.best].test;
  const double half_width = 50 * (best.accuracy.high - best.accuracy.low);
  notes.push_back(
      fmt::format("With {} test examples the 95 % interval of the best accuracy is about ±{:.1f} points. Small "
                  "differences between models say nothing; the p-values of the table say which are more than chance.",
                  best.accuracy.n, half_width));
  if (const auto& over = best.over_groups) {
    notes.push_back(
        fmt::format("The {} test examples come from {} artists (or albums). Drawing artists instead of examples, the "
                    "interval is {:.1f} to {:.1f} %; that is the one to read when the question is how it would do on "
                    "other artists.",
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
        fmt::format("{}, so nothing can say whether the same artist is on both sides of the "
                    "split; scores may be better than on new artists.",
                    unknown == subjects.ids.size()
                        ? std::string("No artist is known")
                        : fmt::format("The artists of {} of {} examples are not known", unknown, subjects.ids.size())));
    return;
  }
  std::vector<std::string> few;
  for (std::size_t genre = 0; genre < artists.size(); ++genre) {
    if (artists[genre].size() < kFewArtists)
      few.push_back(fmt::format("{} ({})", examples.labels[genre], artists[genre].size()));
  }
  if (!few.empty()) {
    notes.push_back(
        fmt::format("Few artists stand behind these genres: {}. A model can tell them apart by knowing the "
                    "artists; this is a demonstration, not a benchmark.",
                    fmt::join(few, ", ")));
  }
}

void note_leakage(const Examples& examples, const Split& split, Notes& notes) {
  for (const auto& crossing : check_leakage(examples.subjects, split).crossings) {
    if (crossing.groups == 0) continue;
    notes.push_back(
        fmt::format("Leakage: {} validation and test examples share their {} with training ({} of them on two "
                    "sides). Scores are too good; use --scheme grouped.",
                    crossing.examples, crossing.kind, crossing.groups));
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
    notes.push_back(
        fmt::format("The test part has no example of {}: nothing is known about it, and macro-F1 counts it "
                    "only where a model answers it.",
                    fmt::join(absent, ", ")));
  }
  if (!untrained.empty()) {
    notes.push_back(fmt::format("Training has no example of {}: no model can answer it.", fmt::join(untrained, ", ")));
  }
  if (!few.empty()) {
    notes.push_back(fmt::format("Fewer than {} test examples: {}. Read the scores of these genres as hints.",
                                kFewTestExamples, fmt::join(few, ", ")));
  }
}

void note_choice(const StudyResult& result, Notes& notes) {
  notes.push_back(
      "The best model is the one with the best validation score. Parameters were chosen on the validation part too, so "
      "validation scores flatter; test scores do not, because nothing was chosen by them.");
  for (const ModelResult& model : result.models) {
    if (!model.error.empty()) notes.push_back(fmt::format("{} could not be fitted: {}", model.title, model.error));
  }
}

}  // namespace

std::vector<std::string> honest_notes(const Examples& examples, const Split& split, const StudyResult& result) {
  Notes notes = examples.notes;
  notes.insert(notes.end(), split.notes.begin(), split.notes.end());
  note_interval(result, notes);
  note_artists(examples, notes);
  note_leakage(examples, split, notes);
  note_genres(examples, split, notes);
  note_choice(result, notes);
  return notes;
}

std::vector<std::string> honest_notes(const TuningResult& result) {
  Notes notes = {
      fmt::format(
          "The best of {} scores is partly luck: it flatters, the more so the more settings were tried. Judge the "
          "setting that you take on examples that were not searched on.",
          result.points.size()),
      "The standard error comes from the spread over the folds. Settings within it of the best are not shown to be "
      "worse; the simplest of them often does better on new music."};
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
