// A small completed study in a run folder.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "genrewise/models/model_spec.hpp"
#include "genrewise/study/run_folder.hpp"
#include "support/clusters.hpp"

namespace genrewise::testing {

/// Labels that need escaping in CSV and HTML.
inline const std::vector<std::string> kNastyLabels = {"Drum, Bass\n& \"more\"", "<script>alert('x')</script>",
                                                      "R&B {{name}}"};

struct StudyInFolder {
  explicit StudyInFolder(const std::filesystem::path& folder, const std::vector<std::string>& labels = kNastyLabels)
      : examples(clusters(labels, 30, 0.5F)),
        split(make_split(examples.subjects)),
        run(folder, {{"dataset", "clusters"}, {"seed", 42}}, false) {
    config.models = {parse_model("gnb"), parse_model("knn:n_neighbors=1,5")};
    result = run_study(examples, split, config, quiet, run.store(examples, split));
  }

  Progress quiet;
  Examples examples;
  Split split;
  RunFolder run;
  StudyConfig config;
  StudyResult result;
};

}  // namespace genrewise::testing
