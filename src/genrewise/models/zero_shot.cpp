#include "genrewise/models/zero_shot.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <set>

#include "genrewise/base/error.hpp"
#include "genrewise/base/text.hpp"
#include "genrewise/dataset/genre_map.hpp"
#include "genrewise/models/classical/classical_classifier.hpp"
#include "genrewise/models/classifiers.hpp"
#include "genrewise/pretrained/inference/efficientat.hpp"
#include "genrewise/pretrained/inference/musicnn.hpp"

namespace genrewise {
namespace {

/// Equal for the spellings of a genre: "Hip Hop" and "Rap".
std::string key_of(const std::string& genre) {
  return name_key(GenreMap::standard().find(genre).value_or(genre));
}

using enum ZeroShotNetwork;
constexpr std::array kNames = {"efficientat", "musicnn", "both"};  // in the order of ZeroShotNetwork
constexpr std::array kSets = {"efficientat_classes", "musicnn_tags", "audiotag_labels"};
constexpr std::size_t kTags = 2 * Musicnn::kTags;
/// Added to each network's share of a genre before both are combined: neither can exclude a genre alone.
constexpr double kFloor = 1e-4;

std::vector<ZeroShotNetwork> parts_of(ZeroShotNetwork network) {
  return network == both ? std::vector{efficientat, musicnn} : std::vector{network};
}

/// Share of the network's training data that has the class or tag. EfficientAT drew all classes equally often. Tags of
/// the Million Song Dataset are in the order of their frequency; the eight that its authors published (rock 101,071,
/// pop 69,159, ..., 00s 31,432 of 505,216 songs with tags) follow 0.2 rank^-0.56, which is used for all 50 and for
/// those of MagnaTagATune, ordered in the same way.
double prior(ZeroShotNetwork network, std::size_t column) {
  if (network == efficientat) return 1;
  return 0.2 * std::pow(static_cast<double>(column % Musicnn::kTags + 1), -0.56);
}

struct Weighted {
  std::size_t column = 0;
  double weight = 1;  ///< the table's weight, divided by the prior and by the sum of the genre's weights
};

std::vector<Weighted> evidence_in(ZeroShotNetwork network, const std::string& genre) {
  const std::string key = key_of(genre);
  std::vector<Weighted> found;
  double sum = 0;
  for (const GenreEvidence& one : genre_evidence(network)) {
    if (key_of(std::string(one.genre)) != key) continue;
    found.push_back({one.column, one.weight / prior(network, one.column)});
    sum += one.weight;
  }
  for (Weighted& one : found) one.weight /= sum;
  return found;
}

/// Throws Error for a genre that none of the networks has.
void require_evidence(ZeroShotNetwork network, const std::string& genre) {
  for (const ZeroShotNetwork part : parts_of(network)) {
    if (!evidence_in(part, genre).empty()) return;
  }
  const auto choice = fmt::format("choose among: {}", fmt::join(zero_shot_genres(network), ", "));
  if (network != musicnn)
    throw Error(fmt::format("AudioSet has no classes for the genre \"{}\"", genre), "--genres", choice);
  const bool elsewhere = !evidence_in(efficientat, genre).empty();
  throw Error(fmt::format("musicnn has no tags for the genre \"{}\"", genre), "--genres",
              (elsewhere ? "get a network that has: genrewise fetch weights efficientat; or " : "") + choice);
}

std::vector<std::string> listed(std::string_view text) {
  if (text.starts_with('(') && text.ends_with(')')) text = text.substr(1, text.size() - 2);
  std::vector<std::string> genres = split_text(text, ',');
  for (std::string& genre : genres) genre.erase(0, genre.find_first_not_of(' '));
  std::erase_if(genres, [](const std::string& genre) { return trimmed(genre).empty(); });
  return genres;
}

class ZeroShot final : public Classifier {
 public:
  explicit ZeroShot(const ParameterValues& given) : parameters_(given) {
    network_ = static_cast<ZeroShotNetwork>(std::ranges::find(kNames, parameters_.text("network")) - kNames.begin());
    genres_ = listed(parameters_.text("genres"));
    std::set<std::string> keys;
    for (const std::string& genre : genres_) {
      require_evidence(network_, genre);
      if (!keys.insert(key_of(genre)).second) throw Error("the genre \"" + genre + "\" is named twice", "--genres");
    }
    if (genres_.empty()) genres_ = zero_shot_genres(network_);
    if (genres_.size() < 2) throw Error("needs at least two genres to choose from", "--genres");
    for (const ZeroShotNetwork part : parts_of(network_)) {
      Evidence& evidence = evidence_.emplace_back();
      evidence.network = part;
      for (const std::string& genre : genres_) evidence.of_genre.push_back(evidence_in(part, genre));
    }
  }
  const ClassifierDescriptor& descriptor() const override { return zero_shot(); }
  const Parameters& parameters() const override { return parameters_.all(); }
  void fit(const TrainingData& data, const FitContext&) override {
    if (static_cast<std::size_t>(data.label_count) != genres_.size())
      throw Error(fmt::format("is for {} genres, and there are {} labels", genres_.size(), data.label_count),
                  "zeroshot", "name the labels, in their order, with the parameter genres");
  }
  Predictions predict_with_probabilities(const Matrix& examples) const override {
    const std::size_t columns =
        (network_ != musicnn ? EfficientAt::kClasses : 0) + (network_ != efficientat ? kTags : 0);
    if (examples.cols() != columns)
      throw Error(
          fmt::format("takes the {} columns of {}, not {}", columns, zero_shot_features(network_), examples.cols()),
          "zeroshot");
    Matrix result(examples.rows(), genres_.size());
    for (std::size_t i = 0; i < examples.rows(); ++i) {
      std::vector<double> product(genres_.size(), 1);
      std::span<const float> row = examples.row(i);
      for (const Evidence& evidence : evidence_) {
        const std::vector<double> shares = shares_of(evidence, row);
        for (std::size_t genre = 0; genre < shares.size(); ++genre) product[genre] *= shares[genre] + kFloor;
        row = row.subspan(std::min(row.size(), EfficientAt::kClasses));
      }
      double sum = 0;
      for (double& value : product) sum += value = std::pow(value, 1.0 / static_cast<double>(evidence_.size()));
      std::ranges::transform(product, result.row(i).begin(), [&](double v) { return static_cast<float>(v / sum); });
    }
    return {row_argmax(result), std::move(result)};
  }
  void save(TensorArchive&, const std::string&) const override {}
  void load(const TensorArchive&, const std::string&) override {}

 private:
  /// Evidence of one network; `of_genre` is empty for a genre that it does not have.
  struct Evidence {
    ZeroShotNetwork network = efficientat;
    std::vector<std::vector<Weighted>> of_genre;
  };

  /// Each genre's share of the evidence; `row` starts with the network's outputs. A genre that the network does not
  /// have gets the mean share.
  static std::vector<double> shares_of(const Evidence& evidence, std::span<const float> row) {
    std::vector<double> shares;
    double sum = 0, with = 0;
    for (const auto& classes : evidence.of_genre) {
      double found = 1e-9;  // equal shares for a clip without any evidence
      for (const auto& [column, weight] : classes) {
        const double output = row[column];
        found += weight * (evidence.network == efficientat ? 1 / (1 + std::exp(-output)) : output);
      }
      shares.push_back(found);
      if (!classes.empty()) sum += found, ++with;
    }
    const auto genres = static_cast<double>(shares.size());
    for (std::size_t genre = 0; genre < shares.size(); ++genre)
      shares[genre] = evidence.of_genre[genre].empty() ? 1 / genres : shares[genre] / sum * with / genres;
    return shares;
  }

  ParameterValues parameters_;
  ZeroShotNetwork network_ = efficientat;
  std::vector<std::string> genres_;
  std::vector<Evidence> evidence_;
};

}  // namespace

std::vector<std::string> zero_shot_genres(ZeroShotNetwork network) {
  std::vector<std::string> names;
  for (const GenreEvidence& one : genre_evidence(network))
    if (names.empty() || names.back() != one.genre) names.emplace_back(one.genre);
  return names;
}

std::string_view zero_shot_features(ZeroShotNetwork network) {
  return kSets[static_cast<std::size_t>(network)];
}

std::string_view to_string(ZeroShotNetwork network) {
  return kNames[static_cast<std::size_t>(network)];
}

const ClassifierDescriptor& zero_shot() {
  static const ClassifierDescriptor descriptor = {
      .kind = "zeroshot",
      .title = "Zero-shot genres",
      .summary = "genres from the classes of EfficientAT and the tags of musicnn, without training",
      .parameters = {parameter::choice("network", "efficientat", {kNames.begin(), kNames.end()},
                                       "network of the features: efficientat_classes, musicnn_tags or both together"),
                     parameter::text("genres", "", "the genres to choose from, as (Jazz,Rock); empty: all")},
      .capabilities = {.plain_features = true, .trainable = false},
      .make = [](const ParameterValues& given, std::uint64_t) { return std::make_unique<ZeroShot>(given); }};
  return descriptor;
}

}  // namespace genrewise
