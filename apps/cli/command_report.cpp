// genrewise report: the results of a run in another format.
#include <fmt/format.h>

#include <filesystem>

#include "commands.hpp"
#include "genrewise/base/text.hpp"
#include "genrewise/report/formats.hpp"
#include "genrewise/storage/folder_lock.hpp"
#include "option_group.hpp"

namespace genrewise::cli {
namespace {

namespace fs = std::filesystem;

constexpr char kExamples[] =
    "genrewise report runs/fma\n"
    "genrewise report runs/fma --format md\n"
    "genrewise report runs/fma -o table.tex\n"
    "genrewise report runs/tuned --format csv -o settings.csv";

struct ReportOptions {
  std::string run, format, output;
};

/// --format, else that of the file's extension, else HTML.
ReportFormat format_of(const ReportOptions& options) {
  if (!options.format.empty()) return parse_report_format(options.format);
  const std::string extension = lower_case(fs::path(options.output).extension().string());
  return extension.empty() ? ReportFormat::html : parse_report_format(extension.substr(1));
}

int run(const ReportOptions& options, Session& session) {
  const ReportFormat format = format_of(options);
  const fs::path run = options.run;
  const std::string text = render_run(read_run(run), format);
  const bool in_run = options.output.empty() && format == ReportFormat::html;
  if (options.output.empty() && !in_run) {
    session.print(text);
    return kDone;
  }
  const fs::path folder = folder_exists(run) ? run : run.parent_path();
  const fs::path path = in_run ? folder / "report.html" : fs::path(options.output);
  const FolderLock lock = in_run ? FolderLock(folder) : FolderLock();
  write_file(path, text);
  session.line(fmt::format("report: {}", path.string()));
  return kDone;
}

}  // namespace

void add_report(CLI::App& app, Session& session) {
  const CommandText text{.summary = "Render the results of a run as HTML, Markdown, LaTeX, CSV or JSON",
                         .details =
                             "Reads results.json of a study or tuning.json of a search; nothing is computed "
                             "again. HTML is the page that the run wrote, rendered by this version.",
                         .examples = kExamples};
  const auto [command, options] = session.add_command(app, "report", text, run);
  OptionGroup(command, kData).add("RUN", options.run, "", "Run folder of a study or a search")->required();
  const OptionGroup output(command, kOutput);
  one_of(output.add("--format", options.format, "FORMAT",
                    "html: the page; md: a GitHub-flavoured Markdown table with the notes; tex: a LaTeX table with "
                    "booktabs; csv: a row per model or setting; json: the document"),
         {kReportFormats, std::end(kReportFormats)})
      ->default_str("that of FILE's extension, else html");
  output.add("-o,--output", options.output, "FILE", "File to write")
      ->default_str("standard output; for html report.html in the run folder");
}

}  // namespace genrewise::cli
