#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <span>

#include "genrewise/base/error.hpp"
#include "genrewise/study/notes.hpp"

namespace genrewise {
namespace {

constexpr std::size_t kFewArtists = 10;  // per genre: with fewer, a model may recognise artists instead of the genre
constexpr std::size_t kFewTestExamples = 30;  // per genre: below, the interval of its recall is 36 points or wider

constexpr double kFarAbove = 1.1;  // a log loss of 1.1 ln(genres) and more is remarked on

using Notes = std::vector<std::string>;

/// What the groups of an interval are, as far as the data states it.
std::string_view group_kind(const SplitSubjects& subjects) {
  const auto known = [](const std::string& name) { return !name.empty(); };
  if (std::ranges::any_of(subjects.artists, known)) return "artists";
  return std::ranges::any_of(subjects.albums, known) ? "albums" : "files";
}

void note_interval(const Examples& examples, const StudyResult& result, Notes& notes) {
  if (!result.best) return;
  const Metrics& best = result.models[*result.best].test;
  const auto fitted =
      std::ranges::count_if(result.models, [](const ModelResult& model) { return model.error.empty(); });
  notes.push_back(fmt::format("With {} test examples the 95 % interval of the best accuracy is {:.1f} to {:.1f} %.{}",
                              best.accuracy.n, 100 * best.accuracy.low, 100 * best.accuracy.high,
                              fitted < 2 ? ""
                                         : " Small differences between models are not meaningful; the p-values of the "
                                           "pairs show which are significant."));
  const std::string_view kind = group_kind(examples.subjects);
  if (const auto& over = best.over_groups) {
    notes.push_back(
        fmt::format("The {} test examples come from {} {}. If {} are resampled instead of examples, the interval is "
                    "{:.1f} to {:.1f} %; use this one to estimate the accuracy on other {}.",
                    best.accuracy.n, over->groups, kind, kind, 100 * over->low, 100 * over->high, kind));
  } else if (!best.over_groups_withheld.empty() && kind != "files") {
    notes.push_back(fmt::format("The interval over {} is withheld: {}.", kind, best.over_groups_withheld));
  }
}

void note_artists(const Examples& examples, const Split& split, Notes& notes) {
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
  if (unknown > 0 && unknown == subjects.ids.size()) {
    const std::string by = group_kind(subjects) == "albums" ? "album and file" : "file";
    notes.push_back(
        fmt::format("No artist is known{}. Artists that appear in several parts cannot be detected; scores may be "
                    "better than on new artists.",
                    split.scheme == SplitScheme::grouped ? ": the split is grouped by " + by + " only" : ""));
    return;
  }
  if (unknown > 0) {
    notes.push_back(
        fmt::format("The artists of {} of {} examples are unknown, so artists that appear in several parts cannot be "
                    "detected; scores may be better than on new artists.",
                    unknown, subjects.ids.size()));
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
                    listed(few)));
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
        listed(absent)));
  }
  if (!untrained.empty()) {
    notes.push_back(
        fmt::format("The training and validation parts have no example of {}: no model can predict such a genre.",
                    listed(untrained)));
  }
  if (!few.empty()) {
    notes.push_back(fmt::format("Fewer than {} test examples: {}. The scores of these genres are rough estimates.",
                                kFewTestExamples, listed(few)));
  }
}

void note_log_loss(const StudyResult& result, Notes& notes) {
  std::vector<std::string> high;
  for (const ModelResult& model : result.models) {
    if (!log_loss_remark(model).empty()) high.push_back(fmt::format("{} ({:.2f})", model.name, model.test.log_loss));
  }
  if (high.empty()) return;
  const std::size_t labels = result.baseline.test.genres.size();
  notes.push_back(fmt::format(
      "The log loss of {} is above that of equal probabilities for all {} genres ({:.2f}): wrong predictions "
      "have probabilities near 1. Do not read these probabilities as confidence.",
      listed(high), labels, std::log(labels)));
}

void note_choice(const StudyResult& result, Notes& notes) {
  notes.push_back(
      "The best model is the one with the highest validation accuracy. Parameters were also chosen on the validation "
      "part, so validation scores are optimistic; test scores are not, because nothing was chosen by them.");
  if (const std::string note = best_note(result); !note.empty()) notes.push_back(note);
  for (const ModelResult& model : result.models) {
    if (!model.error.empty()) notes.push_back(fmt::format("{} could not be fitted: {}", model.title, model.error));
  }
}

}  // namespace

std::string listed(const std::vector<std::string>& names) {
  constexpr std::size_t kMost = 12;
  const std::string text = fmt::format("{}", fmt::join(std::span(names).first(std::min(kMost, names.size())), ", "));
  return names.size() <= kMost ? text : fmt::format("{} and {} more", text, names.size() - kMost);
}

std::string best_note(const StudyResult& result) {
  if (!result.best) return {};
  const ModelResult& best = result.models[*result.best];
  const ModelResult* highest = &best;
  for (const ModelResult& model : result.models) {
    if (model.error.empty() && model.test.accuracy.value > highest->test.accuracy.value) highest = &model;
  }
  if (highest == &best) return {};
  return fmt::format(
      "{} is the best by validation accuracy ({:.1f} %). {} has a higher test accuracy ({:.1f} % against {:.1f} %) but "
      "a validation accuracy of {:.1f} %{}; a choice by test scores would make them optimistic.",
      best.name, 100 * best.validation.value, highest->name, 100 * highest->test.accuracy.value,
      100 * best.test.accuracy.value, 100 * highest->validation.value,
      highest->validation.value < best.validation.value ? "" : " and a higher log loss there");
}

std::string log_loss_remark(const ModelResult& model) {
  const double equal = std::log(static_cast<double>(model.test.genres.size()));
  if (!model.error.empty() || model.test.log_loss <= kFarAbove * equal) return {};
  return fmt::format("The log loss of {:.2f} is above that of equal probabilities for all genres ({:.2f}).",
                     model.test.log_loss, equal);
}

std::vector<std::string> caveats(const Examples& examples, const Split& split, const StudyResult& result) {
  Notes notes = examples.notes;
  notes.insert(notes.end(), split.notes.begin(), split.notes.end());
  note_interval(examples, result, notes);
  note_artists(examples, split, notes);
  note_leakage(examples, split, notes);
  note_genres(examples, split, notes);
  note_log_loss(result, notes);
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
