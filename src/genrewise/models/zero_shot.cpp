#include "genrewise/models/zero_shot.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <map>

#include "genrewise/base/error.hpp"
#include "genrewise/models/classical/classical_classifier.hpp"
#include "genrewise/models/classifiers.hpp"
#include "genrewise/pretrained/inference/efficientat.hpp"

namespace genrewise {
namespace {

/// Letters and digits in lower case: "Hip-Hop" and "hiphop" are equal.
std::string plain(std::string_view name) {
  std::string letters;
  for (const char c : name)
    if (std::isalnum(static_cast<unsigned char>(c)))
      letters += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return letters;
}

/// The table's name of a genre that has other common names; empty for any other.
std::string_view canonical_name(const std::string& plain_name) {
  static const std::map<std::string, std::string_view> names = {
      {"rap", "Hip-Hop"},         {"hiphoprap", "Hip-Hop"},
      {"world", "International"}, {"worldmusic", "International"},
      {"heavymetal", "Metal"},    {"electronica", "Electronic"},
      {"edm", "Dance"},           {"rnb", "Soul"},
      {"randb", "Soul"},          {"soulrnb", "Soul"},
      {"rhythmandblues", "Soul"}, {"oldtimehistoric", "Old-Time"},
      {"dnb", "Drum and Bass"},   {"drumnbass", "Drum and Bass"},
      {"videogame", "Chiptune"},  {"punkrock", "Punk"},
      {"classic", "Classical"},   {"popmusic", "Pop"},
  };
  const auto found = names.find(plain_name);
  return found == names.end() ? std::string_view() : found->second;
}

struct Weighted {
  std::size_t audioset_class = 0;
  float weight = 1;
};

std::vector<Weighted> evidence_for(const std::string& genre) {
  std::string name = plain(genre);
  if (const auto other = canonical_name(name); !other.empty()) name = plain(other);
  std::vector<Weighted> found;
  for (const GenreEvidence& one : genre_evidence())
    if (plain(one.genre) == name) found.push_back({one.audioset_class, one.weight});
  if (found.empty())
    throw Error(fmt::format("AudioSet has no classes for the genre \"{}\"", genre), "--genres",
                fmt::format("choose among: {}", fmt::join(zero_shot_genres(), ", ")));
  return found;
}

std::vector<std::string> listed(std::string_view text) {
  if (text.starts_with('(') && text.ends_with(')')) text = text.substr(1, text.size() - 2);
  std::vector<std::string> genres(1);
  for (const char c : text) {
    if (c == ',') {
      genres.emplace_back();
    } else if (c != ' ' || !genres.back().empty()) {
      genres.back() += c;
    }
  }
  std::erase_if(genres, [](const std::string& genre) { return plain(genre).empty(); });
  return genres;
}

class ZeroShot final : public Classifier {
 public:
  explicit ZeroShot(const ParameterValues& given) : parameters_(given) {
    for (const std::string& genre : listed(parameters_.text("genres"))) evidence_.push_back(evidence_for(genre));
    if (evidence_.size() < 2) throw Error("needs at least two genres to choose from", "--genres");
  }
  const ClassifierDescriptor& descriptor() const override { return zero_shot(); }
  const Parameters& parameters() const override { return parameters_.all(); }
  void fit(const TrainingData& data, const FitContext&) override {
    if (static_cast<std::size_t>(data.label_count) != evidence_.size())
      throw Error(fmt::format("is for {} genres, and there are {} labels", evidence_.size(), data.label_count),
                  "zeroshot", "name the labels, in their order, with the parameter genres");
  }
  Predictions predict_with_probabilities(const Matrix& examples) const override {
    if (examples.cols() != EfficientAt::kClasses)
      throw Error(
          fmt::format("takes the {} columns of efficientat_classes, not {}", EfficientAt::kClasses, examples.cols()),
          "zeroshot");
    Matrix result(examples.rows(), evidence_.size());
    for (std::size_t i = 0; i < examples.rows(); ++i) {
      double all = 0;
      for (std::size_t genre = 0; genre < evidence_.size(); ++genre) {
        double sum = 1e-9;  // equal probabilities for a clip without any evidence
        for (const Weighted& one : evidence_[genre])
          sum += one.weight / (1 + std::exp(-static_cast<double>(examples(i, one.audioset_class))));
        result(i, genre) = static_cast<float>(sum);
        all += sum;
      }
      for (float& share : result.row(i)) share = static_cast<float>(share / all);
    }
    return {row_argmax(result), std::move(result)};
  }
  void save(TensorArchive&, const std::string&) const override {}
  void load(const TensorArchive&, const std::string&) override {}

 private:
  ParameterValues parameters_;
  std::vector<std::vector<Weighted>> evidence_;  // by label
};

}  // namespace

std::vector<std::string> zero_shot_genres() {
  std::vector<std::string> names;
  for (const GenreEvidence& one : genre_evidence())
    if (names.empty() || names.back() != one.genre) names.emplace_back(one.genre);
  return names;
}

const ClassifierDescriptor& zero_shot() {
  static const ClassifierDescriptor descriptor = {
      .kind = "zeroshot",
      .title = "Zero-shot genres",
      .summary = "genres from the AudioSet classes of EfficientAT (efficientat_classes), without training",
      .parameters = {parameter::text("genres", fmt::format("{}", fmt::join(zero_shot_genres(), ",")),
                                     "the genres to choose from, as (Jazz,Rock)")},
      .capabilities = {.plain_features = true, .trainable = false},
      .make = [](const ParameterValues& given, std::uint64_t) { return std::make_unique<ZeroShot>(given); }};
  return descriptor;
}

}  // namespace genrewise
