// For the readers of other programs' records: their files, classes and labels. Private to this module.
#pragma once

#include <functional>

#include "genrewise/data_source/record_examples.hpp"
#include "genrewise/records/example.hpp"

namespace genrewise {

using RecordClasses = std::map<std::string, std::string, std::less<>>;

/// Numbers repeated ids: "x", "x #2", ...
class UniqueIds {
 public:
  std::string name(const std::string& id);

 private:
  std::map<std::string, int> times_;
};

/// A Fault without `where`.
inline tl::unexpected<Fault> refuse(std::string reason, std::string detail) {
  return tl::unexpected(Fault{std::move(reason), {}, std::move(detail)});
}

/// As find_record_files(); throws Error if there is none.
std::vector<FileInfo> require_record_files(const std::filesystem::path& location);
/// The class map of the keys; empty without one. Throws Error if it lacks keys.one_class.
RecordClasses classes_of(const RecordKeys& keys);
/// The keys of an example, for messages.
std::string keys_text(const ExampleView& example);
/// The labels of an example as texts; integers in decimal.
Expected<std::vector<std::string>> labels_in(const ExampleView& example, const std::string& key);

/// Returns the fault of an example that is skipped.
using RecordVisit =
    std::function<Expected<void>(const ExampleView& example, const std::string& where, std::size_t index)>;
/// Visits the examples of a file; `index` is that of the record. Appends faults to `skipped`.
void for_each_record(const FileInfo& file, std::vector<Fault>& skipped, const RecordVisit& visit);

}  // namespace genrewise
