#include "genrewise/data_source/merge_tables.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "genrewise/base/error.hpp"
#include "genrewise/base/hash.hpp"
#include "genrewise/base/interrupt.hpp"
#include "genrewise/base/json_file.hpp"
#include "genrewise/data_source/sidecar_lists.hpp"
#include "genrewise/data_source/table_facts.hpp"
#include "genrewise/dataset/clip_identity.hpp"
#include "genrewise/features/feature_table.hpp"
#include "genrewise/storage/files.hpp"
#include "genrewise/storage/part_folder.hpp"

namespace genrewise {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr char kAgain[] = "delete it and start this part again";
constexpr std::size_t kPieceBytes = 256 << 10;  // stays in the processor's cache for two checksums and the copy

struct TablePartFile {
  fs::path table;
  FileInfo file;
  SidecarLists sidecar;
  std::size_t rows = 0;
  std::vector<std::pair<std::size_t, std::string>> skipped_keys;
  FeatureRecipe recipe;
  std::string table_sha256;
};

class Merger {
 public:
  Merger(const fs::path& output, const PartFolder& folder, const PartPlan& plan, Progress& progress)
      : output_(output), progress_(progress) {
    std::vector<std::size_t> missing;
    for (std::size_t number = 1; number <= plan.count; ++number) {
      throw_if_interrupted();
      const JobPart part{number, plan.count};
      const auto file = find_file(folder.part(part));
      if (file && file_exists(sidecar_path(folder.part(part))))
        open(part, folder.part(part), *file);
      else
        missing.push_back(number);
    }
    require_all_parts(missing, plan.count, output.string());
    if (result_.rows == 0)
      throw Error(fmt::format("none of the {} clips of its parts could be used", result_.skipped), output.string(),
                  "check the dataset with `genrewise inspect`");
  }

  MergeResult merge() {
    const auto table = create_file(output_, {.expected_bytes = bytes_});
    const auto sidecar = create_file(sidecar_path(output_));
    write_table(*table);
    const std::string skeleton = skeleton_text();
    Hasher seal(HashKind::sha256);
    write_sidecar(skeleton, open_seal(), [&](std::string_view text) { seal.update(text); });
    write_sidecar(skeleton, seal.hex(), [&](std::string_view text) { sidecar->write(text); });
    table->finish();
    sidecar->finish();
    sidecar->commit();
    table->commit();
    result_.parts = parts_.size();
    return result_;
  }

 private:
  void open(const JobPart& part, const fs::path& table, const FileInfo& file) {
    TablePartFile opened{table, file, SidecarLists(table), 0, {}, {}, {}};
    const json& object = opened.sidecar.object();
    const std::string where = sidecar_path(table).string();
    read_json(where, kAgain, [&] {
      const json& stated = object.at("part");
      const json& source = object.at("source");
      if (stated.at("number") != part.number || stated.at("count") != part.count)
        throw Error("states that it is another part", where, kAgain);
      opened.rows = object.at("rows");
      opened.skipped_keys = stated.at("skipped_keys").get<decltype(opened.skipped_keys)>();
      if (source.at("bytes") != file.bytes)
        throw Error(fmt::format("has {} bytes, but its .json states {}", file.bytes, source.at("bytes").dump()),
                    table.string(), kAgain);
      if (opened.sidecar.list("examples/identities").entries != opened.rows ||
          source.at("tracks") != opened.rows + opened.skipped_keys.size() ||
          opened.sidecar.list("skipped").entries != opened.skipped_keys.size())
        throw Error("states numbers of clips that differ", where, kAgain);
      const json& recipe = object.at("recipe");
      opened.recipe = {recipe.at("name"), recipe.at("version"), recipe.at("hash")};
      opened.table_sha256 = object.at("table_sha256");
      if (parts_.empty()) return;
      const TablePartFile& first = parts_.front();
      if (opened.recipe != first.recipe || source.at("dataset") != first.sidecar.object().at("source").at("dataset"))
        throw Error("has another recipe or dataset than the first part", where, kAgain);
    });
    result_.rows += opened.rows;
    result_.skipped += opened.skipped_keys.size();
    bytes_ += file.bytes;
    parts_.push_back(std::move(opened));
  }

  void write_table(FileWriter& table) {
    progress_.begin("merging", "bytes", bytes_);
    Hasher all(HashKind::sha256);
    const auto write = [&](std::string_view text) {
      all.update(text);
      table.write(text);
      result_.bytes += text.size();
    };
    std::string first_header, buffer(kPieceBytes, '\0');
    for (const TablePartFile& part : parts_) {
      const auto file = open_file(part.file);
      const std::string header = read_table_header(*file);
      buffer.resize(std::max(buffer.size(), header.size()));
      const std::string for_all = header_with_rows(header, result_.rows);
      if (first_header.empty()) write(first_header = for_all);
      if (for_all != first_header) throw Error("has other columns than the first part", part.table.string(), kAgain);
      Hasher own(HashKind::sha256);
      own.update(header);
      SequentialReader rest(*file);
      rest.read(std::as_writable_bytes(std::span(buffer).first(header.size())));
      while (const std::size_t got = rest.read(std::as_writable_bytes(std::span(buffer)))) {
        throw_if_interrupted();
        const std::string_view text = std::string_view(buffer).substr(0, got);
        own.update(text);
        write(text);
        progress_.advance(got);
      }
      if (own.hex() != part.table_sha256)
        throw Error("was changed or damaged (its checksum does not fit)", part.table.string(), kAgain);
    }
    table_sha256_ = all.hex();
    progress_.finish();
  }

  /// The members of the merged sidecar, with empty lists.
  std::string skeleton_text() const {
    json object = parts_.front().sidecar.object();
    Hasher fingerprint(HashKind::sha256);
    fingerprint.update(recipe_text(parts_.front().recipe));
    for (const TablePartFile& part : parts_) add_keys(part, fingerprint);
    object.erase("part");
    object["sha256"] = open_seal();
    object["rows"] = result_.rows;
    object["table_sha256"] = table_sha256_;
    json& source = object["source"];
    source["tracks"] = result_.rows + result_.skipped;
    source["bytes"] = result_.bytes;
    source["fingerprint"] = fingerprint.hex();
    return object.dump(1, ' ', false, json::error_handler_t::replace) + "\n";
  }

  /// The keys of all clips in the dataset's order.
  static void add_keys(const TablePartFile& part, Hasher& fingerprint) {
    std::size_t index = 0;
    auto skipped = part.skipped_keys.begin();
    const auto add_skipped = [&] {
      for (; skipped != part.skipped_keys.end() && skipped->first == index; ++skipped, ++index)
        fingerprint.update(skipped->second);
    };
    part.sidecar.for_each_block_of(part.sidecar.list("examples/identities"), [&](std::string_view lines) {
      for (std::size_t from = 0; (from = lines.find('"', from)) != std::string_view::npos;) {
        add_skipped();
        const std::size_t end = lines.find('"', from + 1);
        fingerprint.update(lines.substr(from + 1, end - from - 1));
        ++index;
        from = end + 1;
      }
    });
    add_skipped();
  }

  /// The skeleton with the lists of all parts.
  void write_sidecar(const std::string& skeleton, const std::string& sha256, const TextSink& to) const {
    std::string within;
    for (std::string_view rest = skeleton; !rest.empty();) {
      const std::string_view line = rest.substr(0, rest.find('\n') + 1);
      rest.remove_prefix(line.size());
      const std::string name = list_begun_by(line.substr(0, line.size() - 1), within);
      const std::size_t digits = within.empty() ? line.find(open_seal()) : std::string_view::npos;
      if (line.starts_with(" \"sha256\": ") && digits != std::string_view::npos) {
        to(line.substr(0, digits));
        to(sha256);
        to(line.substr(digits + sha256.size()));
      } else if (name.empty() || !write_list(name, line, to)) {
        to(line);
      }
    }
  }

  /// False if no part has entries.
  bool write_list(const std::string& name, std::string_view line, const TextSink& to) const {
    const auto has_entries = [&](const TablePartFile& part) { return part.sidecar.list(name).entries > 0; };
    if (std::ranges::none_of(parts_, has_entries)) return false;
    const std::size_t bracket = line.find("[]") + 1;
    to(line.substr(0, bracket));
    bool begun = false;
    for (const TablePartFile& part : parts_) {
      std::string_view before = begun ? ",\n" : "\n";  // the last entry of the part before has no comma
      part.sidecar.for_each_block_of(part.sidecar.list(name), [&](std::string_view lines) {
        to(std::exchange(before, "\n"));
        to(lines.substr(0, lines.size() - 1));
        begun = true;
      });
      if (begun && name == "columns") break;  // the same in all parts
    }
    to('\n' + std::string(line.find_first_not_of(' '), ' '));
    to(line.substr(bracket));
    return true;
  }

  const fs::path& output_;
  Progress& progress_;
  std::vector<TablePartFile> parts_;
  std::uint64_t bytes_ = 0;
  std::string table_sha256_;
  MergeResult result_;
};

}  // namespace

MergeResult merge_tables(const fs::path& output, bool keep_parts, Progress& progress) {
  const PartFolder folder(output);
  const auto plan = folder.plan();
  if (!plan) {
    const auto table = find_file(output);
    if (!table)
      throw Error("has no parts that could be merged", output.string(),
                  "start them with `genrewise extract DATASET --part I/N`, with the same -o");
    const SidecarLists sidecar(output);
    progress.note(fmt::format("{} is complete and has no parts: nothing is merged", output.string()));
    if (!keep_parts) folder.remove();  // what a killed merge left
    return read_json(output.string(), kAgain, [&]() -> MergeResult {
      return {0, sidecar.object().at("rows"), sidecar.list("skipped").entries, table->bytes};
    });
  }
  const MergeResult result = Merger(output, folder, *plan, progress).merge();
  if (!keep_parts) folder.remove();
  return result;
}

std::optional<std::vector<Fault>> faults_of_table(const fs::path& table, const Dataset& dataset,
                                                  const FeatureSet& set) {
  const auto facts = file_exists(table) ? read_table_facts(table) : std::nullopt;
  if (!facts) return std::nullopt;
  Hasher fingerprint(HashKind::sha256);
  fingerprint.update(recipe_text(set.recipe()));
  for (const ClipIdentity& identity : clip_identities(dataset)) fingerprint.update(identity.key());
  if (facts->fingerprint != fingerprint.hex()) return std::nullopt;
  std::vector<Fault> faults = dataset.rejected;
  faults.insert(faults.end(), facts->skipped.begin(), facts->skipped.end());
  return faults;
}

}  // namespace genrewise
