// Sections of a report on a terminal.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "genrewise/report/formats.hpp"
#include "session.hpp"
#include "terminal.hpp"

namespace genrewise::cli {

inline Table as_table(const TextTable& texts) {
  std::vector<Table::Column> columns;
  for (const TextTable::Column& column : texts.columns)
    columns.push_back({column.title, column.left || columns.empty() ? Table::Align::left : Table::Align::right});
  Table table(columns);
  for (const TextTable::Row& row : texts.rows) table.add_row(row.cells, row.strong);
  return table;
}

/// Prints the tables with what stands above and below them.
inline void print_tables(Session& session, std::span<const Section> sections) {
  for (const Section& section : sections) {
    if (section.table.rows.empty()) continue;
    if (!section.title.empty()) session.print("\n" + section.title + "\n");
    session.print(fitted(as_table(section.table)));
    if (!section.note.empty()) session.print(wrapped(printable(section.note), 0, page_width(Stream::out)) + "\n");
  }
}

/// The document of a study or search in the form that was asked for; for people, `print` with its sections.
inline void print_run(Session& session, const nlohmann::json& document,
                      const std::function<void(const std::vector<Section>&)>& print) {
  if (session.format == Format::json) return session.print_json(document);
  if (session.format == Format::csv) return session.print(render_run(document, ReportFormat::csv));
  print(sections_of(document));
}

}  // namespace genrewise::cli
