#include "genrewise/models/zero_shot.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <map>

#include "genrewise/base/error.hpp"
#include "genrewise/models/classical/classical_classifier.hpp"
#include "genrewise/models/classifiers.hpp"
#include "genrewise/models/zero_shot_tables.hpp"
#include "genrewise/pretrained/inference/efficientat.hpp"
#include "genrewise/pretrained/inference/musicnn.hpp"

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

constexpr std::string_view kMusicnn = "musicnn";

ZeroShotNetwork network_named(std::string_view name) {
  return name == kMusicnn ? ZeroShotNetwork::musicnn : ZeroShotNetwork::efficientat;
}

struct Weighted {
  std::size_t column = 0;
  float weight = 1;
};

std::vector<Weighted> evidence_in(ZeroShotNetwork network, const std::string& genre) {
  std::string name = plain(genre);
  if (const auto other = canonical_name(name); !other.empty()) name = plain(other);
  std::vector<Weighted> found;
  for (const GenreEvidence& one : genre_evidence(network))
    if (plain(one.genre) == name) found.push_back({one.column, one.weight});
  return found;
}

std::vector<Weighted> evidence_for(ZeroShotNetwork network, const std::string& genre) {
  std::vector<Weighted> found = evidence_in(network, genre);
  if (!found.empty()) return found;
  const auto choice = fmt::format("choose among: {}", fmt::join(zero_shot_genres(network), ", "));
  if (network == ZeroShotNetwork::efficientat)
    throw Error(fmt::format("AudioSet has no classes for the genre \"{}\"", genre), "--genres", choice);
  const bool elsewhere = !evidence_in(ZeroShotNetwork::efficientat, genre).empty();
  throw Error(fmt::format("musicnn has no tags for the genre \"{}\"", genre), "--genres",
              (elsewhere ? "get a network that has: genrewise fetch weights efficientat; or " : "") + choice);
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
  explicit ZeroShot(const ParameterValues& given)
      : parameters_(given), network_(network_named(parameters_.text("network"))) {
    std::vector<std::string> genres = listed(parameters_.text("genres"));
    if (genres.empty()) genres = zero_shot_genres(network_);
    for (const std::string& genre : genres) evidence_.push_back(evidence_for(network_, genre));
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
    const bool tags = network_ == ZeroShotNetwork::musicnn;
    const std::size_t columns = tags ? 2 * Musicnn::kTags : EfficientAt::kClasses;
    if (examples.cols() != columns)
      throw Error(fmt::format("takes the {} columns of {}, not {}", columns,
                              tags ? "musicnn_tags" : "efficientat_classes", examples.cols()),
                  "zeroshot");
    Matrix result(examples.rows(), evidence_.size());
    for (std::size_t i = 0; i < examples.rows(); ++i) {
      double all = 0;
      for (std::size_t genre = 0; genre < evidence_.size(); ++genre) {
        // equal probabilities for a clip without any evidence
        const double found = 1e-9 + (tags ? strongest(examples.row(i), genre) : summed(examples.row(i), genre));
        result(i, genre) = static_cast<float>(found);
        all += found;
      }
      for (float& share : result.row(i)) share = static_cast<float>(share / all);
    }
    return {row_argmax(result), std::move(result)};
  }
  void save(TensorArchive&, const std::string&) const override {}
  void load(const TensorArchive&, const std::string&) override {}

 private:
  /// Of classes, from their logits.
  double summed(std::span<const float> logits, std::size_t genre) const {
    double sum = 0;
    for (const Weighted& one : evidence_[genre])
      sum += one.weight / (1 + std::exp(-static_cast<double>(logits[one.column])));
    return sum;
  }
  /// Of tags, from their probabilities.
  double strongest(std::span<const float> probabilities, std::size_t genre) const {
    double most = 0;
    for (const Weighted& one : evidence_[genre])
      most = std::max(most, static_cast<double>(one.weight) * probabilities[one.column]);
    return most;
  }

  ParameterValues parameters_;
  ZeroShotNetwork network_;
  std::vector<std::vector<Weighted>> evidence_;  // by label
};

}  // namespace

std::span<const GenreEvidence> genre_evidence(ZeroShotNetwork network) {
  return network == ZeroShotNetwork::musicnn ? tag_evidence() : audioset_evidence();
}

std::vector<std::string> zero_shot_genres(ZeroShotNetwork network) {
  std::vector<std::string> names;
  for (const GenreEvidence& one : genre_evidence(network))
    if (names.empty() || names.back() != one.genre) names.emplace_back(one.genre);
  return names;
}

const ClassifierDescriptor& zero_shot() {
  static const ClassifierDescriptor descriptor = {
      .kind = "zeroshot",
      .title = "Zero-shot genres",
      .summary = "genres from the classes of EfficientAT or the tags of musicnn, without training",
      .parameters = {parameter::choice("network", "efficientat", {"efficientat", std::string(kMusicnn)},
                                       "network of the features: efficientat_classes or musicnn_tags"),
                     parameter::text("genres", "", "the genres to choose from, as (Jazz,Rock); empty: all")},
      .capabilities = {.plain_features = true, .trainable = false},
      .make = [](const ParameterValues& given, std::uint64_t) { return std::make_unique<ZeroShot>(given); }};
  return descriptor;
}

}  // namespace genrewise
