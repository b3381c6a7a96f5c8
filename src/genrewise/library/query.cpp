#include "genrewise/library/query.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <ctime>
#include <map>

#include "genrewise/audio/decode.hpp"
#include "genrewise/base/csv.hpp"
#include "genrewise/base/random.hpp"
#include "genrewise/base/text.hpp"
#include "genrewise/library/database.hpp"
#include "genrewise/library/stored.hpp"

namespace genrewise {
namespace {

enum class Kind { text, name, number, seconds, bytes, time, flag };

/// A field of the language and its columns. Numbers that are not known are NULL, so that no comparison selects them.
struct Field {
  std::string_view name;
  Kind kind;
  std::string_view columns;
};
constexpr Field kFields[] = {
    {"genre", Kind::name, "genre"},
    {"predicted", Kind::name, "predicted COLLATE NOCASE"},
    {"correction", Kind::name, "correction COLLATE NOCASE"},
    {"artist", Kind::text, "artist, album_artist"},
    {"album", Kind::text, "album"},
    {"title", Kind::text, "title"},
    {"tag", Kind::text, "tag_genres"},
    {"path", Kind::text, "path"},
    {"fault", Kind::text, "fault, fault_detail"},
    {"confidence", Kind::number, "CASE WHEN model IS NOT NULL THEN confidence END"},
    {"novelty", Kind::number, "novelty"},
    {"year", Kind::number, "nullif(year, 0)"},
    {"track", Kind::number, "nullif(track, 0)"},
    {"duration", Kind::seconds, "nullif(duration_s, 0)"},
    {"size", Kind::bytes, "bytes"},
    {"added", Kind::time, "added_s"},
    {"modified", Kind::time, "modified_ns / 1000000000"},
    {"unknown", Kind::flag, "unknown AND correction = ''"},
    {"analysed", Kind::flag, "model IS NOT NULL"},
    {"corrected", Kind::flag, "correction != ''"},
    {"missing", Kind::flag, "missing"},
};
constexpr std::string_view kAnyText = "artist, album_artist, album, title, path";

/// A number, or the seconds of a day, month or year: [start, end).
struct Amount {
  double start = 0, end = 0;
  bool is_age = false;
};

/// As a balanced tree, since SQLite refuses expressions that are deeper than 1,000, as a chain of that many is.
std::string joined(std::span<const std::string> conditions, std::string_view word) {
  if (conditions.size() < 2) return conditions.empty() ? "" : fmt::format("({})", conditions[0]);
  const std::size_t half = conditions.size() / 2;
  return fmt::format("({} {} {})", joined(conditions.first(half), word), word, joined(conditions.subspan(half), word));
}

bool is_minus(char c) {
  return c == '-' || c == '!';
}

class Parser {
 public:
  Parser(std::string_view text, std::int64_t now_s) : text_(text), now_s_(now_s) {}

  Query parse() {
    std::vector<std::string> terms;
    while (skip_blanks()) {
      term_ = at_;
      terms.push_back(term());
    }
    query_.condition = joined(terms, "AND");
    return std::move(query_);
  }

 private:
  [[noreturn]] void refuse(const std::string& problem, const std::string& remedy) const {
    const auto before = text_.substr(0, term_);
    const auto position = 1 + std::ranges::count_if(before, [](char c) { return (c & 0xc0) != 0x80; });
    throw UsageError(problem, fmt::format("query, position {}", position), remedy);
  }

  bool skip_blanks() {
    while (at_ < text_.size() && !trimmed(text_.substr(at_, 1)).size()) ++at_;
    return at_ < text_.size();
  }

  std::string term() {
    if (is_minus(text_[at_])) {
      ++at_;
      if (at_ == text_.size() || is_minus(text_[at_]) || trimmed(text_.substr(at_, 1)).empty())
        refuse("no term follows the minus sign", "write it before a term, as in -genre:Rock");
      return fmt::format("({}) IS NOT TRUE", term());
    }
    std::size_t end = at_;
    while (end < text_.size() && ((text_[end] >= 'a' && text_[end] <= 'z') || (text_[end] >= 'A' && text_[end] <= 'Z')))
      ++end;
    if (end == at_ || end == text_.size() || text_[end] != ':') return alternatives({"", Kind::text, kAnyText});
    const std::string name = lower_case(text_.substr(at_, end - at_));
    const auto field = std::ranges::find(kFields, name, &Field::name);
    if (field == std::end(kFields)) {
      std::vector<std::string_view> names;
      for (const Field& known : kFields) names.push_back(known.name);
      refuse(fmt::format("there is no field \"{}\"", name),
             fmt::format("fields are {}; put text with a colon in quotes", fmt::join(names, ", ")));
    }
    at_ = end + 1;
    query_.missing |= field->name == "missing";
    return alternatives(*field);
  }

  /// VALUE,VALUE...; a comma in quotes is text.
  std::string alternatives(const Field& field) {
    std::vector<std::string> comparisons;
    do {
      comparisons.push_back(comparison(field));
    } while (at_ < text_.size() && text_[at_] == ',' && ++at_ > 0);
    return joined(comparisons, "OR");
  }

  /// The text up to a blank, or up to a comma of alternatives, outside of quotes.
  std::string value(bool commas) {
    std::string value;
    bool quoted = false;
    const std::size_t start = at_;
    for (; at_ < text_.size() && (quoted || (!(commas && text_[at_] == ',') && !trimmed(text_.substr(at_, 1)).empty()));
         ++at_) {
      if (text_[at_] == '"') {
        quoted = !quoted;
      } else {
        if (quoted && text_[at_] == '\\' && at_ + 1 < text_.size()) ++at_;
        value += text_[at_];
      }
    }
    if (quoted) refuse("a quote is not closed", "add the closing quote; a quote inside of quotes is \\\"");
    if (at_ == start) refuse("a value is missing", "write one, as in genre:Rock; an empty text is \"\"");
    return value;
  }

  std::string bound(Query::Value value) {
    query_.values.push_back(std::move(value));
    return "?";
  }

  std::string comparison(const Field& field) {
    const bool named = !field.name.empty();  // else a bare word
    const bool exact = named && field.kind == Kind::text && at_ < text_.size() && text_[at_] == '=' && ++at_ > 0;
    const std::string text = value(named);
    switch (field.kind) {
      case Kind::text: {
        const char* function = exact || text.empty() ? "matches" : "contains";
        return fmt::format("{}({}, {})", function, bound(folded(text)), field.columns);
      }
      case Kind::name:
        return fmt::format("{} = {}", field.columns, bound(text));
      case Kind::flag:
        if (text != "yes" && text != "no")
          refuse(fmt::format("{} cannot be \"{}\"", field.name, text),
                 fmt::format("write {}:yes or {}:no", field.name, field.name));
        return fmt::format("({}) = {}", field.columns, bound(std::int64_t{text == "yes"}));
      default:
        return range(field, text);
    }
  }

  std::string range(const Field& field, std::string_view text) {
    if (const std::size_t dots = text.find(".."); dots != std::string_view::npos) {
      const std::string low = compared(field, ">=", text.substr(0, dots));
      return fmt::format("({} AND {})", low, compared(field, "<=", text.substr(dots + 2)));
    }
    for (const std::string_view sign : {">=", "<=", ">", "<", "="})
      if (text.starts_with(sign)) return compared(field, sign, text.substr(sign.size()));
    return compared(field, "=", text);
  }

  std::string compared(const Field& field, std::string_view sign, std::string_view text) {
    const Amount amount = read(field, text);
    query_.ages |= amount.is_age;
    if (amount.is_age) return fmt::format("{} - {} {} {}", now_s_, field.columns, sign, bound(amount.start));
    if (amount.end == amount.start) return fmt::format("{} {} {}", field.columns, sign, bound(amount.start));
    const auto part = [&](const char* one, double limit) {
      return fmt::format("{} {} {}", field.columns, one, bound(limit));
    };
    if (sign == ">") return part(">=", amount.end);
    if (sign == "<=") return part("<", amount.end);
    if (sign != "=") return part(sign == ">=" ? ">=" : "<", amount.start);
    const std::string from = part(">=", amount.start);
    return fmt::format("({} AND {})", from, part("<", amount.end));
  }

  Amount read(const Field& field, std::string_view text) const {
    std::optional<Amount> amount;
    std::string form = "a number, as in 1990, >0.6 or 0.3..0.5";
    if (field.kind == Kind::number) {
      amount = scaled(text, {});
    } else if (field.kind == Kind::seconds) {
      form = "seconds or minutes, as in 90, 3:30, >5m or <1h";
      amount =
          text.find(':') != std::string_view::npos ? clock(text) : scaled(text, {{'s', 1}, {'m', 60}, {'h', 3600}});
    } else if (field.kind == Kind::bytes) {
      form = "a size in bytes, as in >10M or <500K";
      amount = scaled(text, {{'k', 1e3}, {'m', 1e6}, {'g', 1e9}});
    } else {
      form = "an age or a date, as in <30d, >1y, 2026-11 or 2026-01-31";
      constexpr double kDay_s = 86400;
      amount = scaled(text, {{'h', 3600}, {'d', kDay_s}, {'w', 7 * kDay_s}, {'y', 365.25 * kDay_s}});
      const bool unit = !text.empty() && text.back() > '9';
      if (amount && unit) amount->is_age = true;
      if (!unit) amount = date(text);
    }
    if (!amount) refuse(fmt::format("{} cannot be \"{}\"", field.name, text), "write " + form);
    return *amount;
  }

  static std::optional<Amount> scaled(std::string_view text, const std::map<char, double>& units) {
    double factor = 1, number = 0;
    if (!text.empty())
      if (const auto unit = units.find(lower_case(text).back()); unit != units.end()) {
        factor = unit->second;
        text.remove_suffix(1);
      }
    if (!parse_number(text, number) || !std::isfinite(number)) return std::nullopt;
    return Amount{number * factor, number * factor};
  }

  /// "3:30", "1:02:03".
  static std::optional<Amount> clock(std::string_view text) {
    double seconds = 0;
    for (const std::string& part : split_text(text, ':')) {
      unsigned number = 0;
      if (!parse_number(part, number)) return std::nullopt;
      seconds = 60 * seconds + number;
    }
    return Amount{seconds, seconds};
  }

  /// "2026", "2026-11" or "2026-11-30", in the local time zone.
  static std::optional<Amount> date(std::string_view text) {
    const std::vector<std::string> parts = split_text(text, '-');
    unsigned numbers[3] = {0, 1, 1};
    if (parts.size() > 3 || parts[0].size() != 4) return std::nullopt;
    for (std::size_t i = 0; i < parts.size(); ++i)
      if (!parse_number(parts[i], numbers[i])) return std::nullopt;
    if (numbers[1] < 1 || numbers[1] > 12 || numbers[2] < 1 || numbers[2] > 31) return std::nullopt;
    const auto seconds = [&](std::size_t next) {
      std::tm time{};
      time.tm_isdst = -1;
      time.tm_year = static_cast<int>(numbers[0] + (next == 1)) - 1900;
      time.tm_mon = static_cast<int>(numbers[1] + (next == 2)) - 1;
      time.tm_mday = static_cast<int>(numbers[2] + (next == 3));
      return static_cast<double>(std::mktime(&time));
    };
    return Amount{seconds(0), seconds(parts.size())};
  }

  std::string_view text_;
  std::int64_t now_s_;
  std::size_t at_ = 0, term_ = 0;
  Query query_;
};

Statement select(const Catalogue& catalogue, std::string_view columns, const Query& query, const std::string& order) {
  constexpr std::size_t kMostValues = 30'000;  // SQLite has 32,766
  if (query.values.size() > kMostValues)
    throw UsageError(fmt::format("has {} words and paths, of which {} are possible", query.values.size(), kMostValues),
                     "query", "name folders instead of files, or ask several times");
  std::string where = query.missing ? "" : "missing = 0";
  if (!query.condition.empty()) where += (where.empty() ? "" : " AND ") + query.condition;
  Statement rows = catalogue.database().query(
      fmt::format("SELECT {} FROM tracks{}{}{}", columns, where.empty() ? "" : " WHERE ", where, order));
  for (int i = 0; const Query::Value& value : query.values)
    std::visit([&](const auto& one) { rows.bind(i++, one); }, value);
  return rows;
}

constexpr std::string_view kOrders[] = {"path",        "added_s",
                                        "confidence",  "novelty",
                                        "duration_s",  "artist, album, track, path",
                                        "title, path", "album, track, path",
                                        "genre, path"};

/// Whether an argument that exists is meant as a path although nothing of it is in the catalogue.
bool is_surely_a_path(const std::string& argument) {
  std::error_code ignored;  // it may be too long for a path
  return std::filesystem::exists(argument, ignored) &&
         (argument.find('/') != std::string::npos || looks_like_audio(argument));
}

}  // namespace

Query parse_query(std::string_view text, std::int64_t now_s) {
  return Parser(text, now_s).parse();
}

Query parse_query(std::string_view text) {
  return parse_query(text, std::time(nullptr));
}

QueryOrder parse_order(std::string_view name) {
  const auto found = std::ranges::find(kSortKeys, name);
  if (found == std::end(kSortKeys))
    throw UsageError(fmt::format("there is no order \"{}\"", name), "sort",
                     fmt::format("give one of {}", fmt::join(kSortKeys, ", ")));
  QueryOrder order;
  order.key = static_cast<QueryOrder::Key>(found - std::begin(kSortKeys));
  using enum QueryOrder::Key;
  order.descending = order.key == confidence || order.key == novelty || order.key == added;
  return order;
}

bool is_negated_term(std::string_view word) {
  const std::string name = lower_case(word.substr(0, word.find(':')));
  return name.size() < word.size() && name.starts_with('-') &&
         std::ranges::find(kFields, std::string_view(name).substr(1), &Field::name) != std::end(kFields);
}

std::vector<CatalogueTrack> find_tracks(const Catalogue& catalogue, const Query& query, const QueryOrder& order) {
  const bool random = order.key == QueryOrder::Key::random;
  std::string suffix = fmt::format(" ORDER BY {}{}", random ? "id" : kOrders[static_cast<std::size_t>(order.key)],
                                   order.descending ? " DESC" : "");
  if (!random && (order.limit > 0 || order.offset > 0))
    suffix +=
        fmt::format(" LIMIT {} OFFSET {}", order.limit > 0 ? static_cast<std::int64_t>(order.limit) : -1, order.offset);
  std::vector<CatalogueTrack> tracks;
  Statement rows = select(catalogue, kTrackColumns, query, suffix);
  while (rows.next()) tracks.push_back(read_track(rows));
  if (random) {
    Rng(derive_seed(order.seed, "order of tracks")).shuffle(std::span(tracks));
    tracks.erase(tracks.begin(), tracks.begin() + static_cast<std::ptrdiff_t>(std::min(order.offset, tracks.size())));
    if (order.limit > 0 && tracks.size() > order.limit) tracks.resize(order.limit);
  }
  return tracks;
}

std::size_t count_tracks(const Catalogue& catalogue, const Query& query) {
  Statement rows = select(catalogue, "count(*)", query, "");
  rows.next();
  return static_cast<std::size_t>(rows.integer(0));
}

std::vector<CatalogueTrack> select_tracks(const Catalogue& catalogue, const std::vector<std::string>& arguments,
                                          const QueryOrder& order) {
  std::vector<std::string> words;
  std::vector<Query> paths;
  for (const std::string& argument : arguments) {
    const std::string path = argument.empty() ? argument : catalogue_path(argument).string();
    const std::string inside = path.ends_with('/') ? path : path + "/";
    Query one{.condition = "path = ?", .values = {path}, .missing = true};
    if (count_tracks(catalogue, one) == 0) {
      one = {"path > ? AND path < ?", {inside, inside.substr(0, inside.size() - 1) + "0"}, true};  // "0" follows "/"
      if (count_tracks(catalogue, one) == 0) {
        if (is_surely_a_path(argument))
          throw UsageError("no track of the catalogue is there", argument, "add it with `genrewise library scan`");
        words.push_back(argument);
        continue;
      }
    }
    paths.push_back(std::move(one));
  }
  Query query = parse_query(fmt::format("{}", fmt::join(words, " ")));
  if (paths.empty()) return find_tracks(catalogue, query, order);
  std::vector<std::string> places;
  std::vector<Query::Value> values;
  for (const Query& path : paths) {
    const bool only_present = !query.missing && path.values.size() > 1;
    places.push_back(path.condition + (only_present ? " AND missing = 0" : ""));
    values.insert(values.end(), path.values.begin(), path.values.end());
  }
  query.condition =
      fmt::format("{}{}{}", joined(places, "OR"), query.condition.empty() ? "" : " AND ", query.condition);
  query.values.insert(query.values.begin(), values.begin(), values.end());
  query.missing = true;
  return find_tracks(catalogue, query, order);
}

std::vector<TrackGroup> group_tracks(const Catalogue& catalogue, std::vector<CatalogueTrack> tracks, GroupBy by) {
  std::map<std::int64_t, CatalogueModel> models;
  for (CatalogueModel& model : catalogue.models()) models.emplace(model.id, std::move(model));
  std::map<std::pair<std::string, std::string>, std::size_t> group_of;
  std::vector<TrackGroup> groups;
  for (CatalogueTrack& track : tracks) {
    const std::string artist = track.tags.album_artist.empty() ? track.tags.artist : track.tags.album_artist;
    const auto key = by == GroupBy::artist ? std::pair(folded(artist), std::string())
                                           : std::pair(track.path.parent_path().string(), folded(track.tags.album));
    const auto [found, is_new] = group_of.emplace(key, groups.size());
    if (is_new) {
      groups.emplace_back().artist = artist;
      if (by == GroupBy::album) {
        groups.back().folder = track.path.parent_path();
        groups.back().album = track.tags.album.empty() ? groups.back().folder.filename().string() : track.tags.album;
      }
    }
    TrackGroup& group = groups[found->second];
    if (group.artist != artist) group.artist = by == GroupBy::album ? "various artists" : group.artist;
    group.tracks.push_back(std::move(track));
  }
  for (TrackGroup& group : groups) {
    std::map<std::string, double> sums;
    double count = 0;
    for (const CatalogueTrack& track : group.tracks) {
      if (!track.correction.empty())
        sums[track.correction] += 1;
      else if (const auto model = models.find(track.model); model != models.end())
        for (std::size_t i = 0; i < std::min(track.probabilities.size(), model->second.labels.size()); ++i)
          sums[model->second.labels[i]] += track.probabilities[i];
      else
        continue;
      ++count;
    }
    for (const auto& [genre, sum] : sums) group.genres.emplace_back(genre, sum / count);
    std::ranges::stable_sort(group.genres, std::greater(), [](const auto& one) { return one.second; });
    for (std::size_t i = 0; i < group.tracks.size(); ++i) {
      const std::string genre = group.tracks[i].genre();
      if (!genre.empty() && genre != "unknown" && !group.genres.empty() && genre != group.genres.front().first)
        group.outliers.push_back(i);
    }
  }
  return groups;
}

}  // namespace genrewise
