// Run folders of the networks of a study: NETWORKS/<model>/point-1, point-2, ... for the points of its grid, fitted on
// training; final for the fit on training and validation; embeddings.safetensors by a frozen body, for all of them.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

#include "genrewise/models/classifier.hpp"
#include "genrewise/models/model_spec.hpp"

namespace genrewise {

class NetworkRuns {
 public:
  /// `networks`: StudyStore::networks. Nothing is stored for an empty path and for other classifiers than networks.
  NetworkRuns(const ModelSpec& spec, const std::filesystem::path& networks);

  bool is_network() const { return is_network_; }
  /// Sets the run folder: of a point of the grid, from 0, or of the final fit. Runs of another configuration or data in
  /// them are replaced.
  void set_point(FitContext& context, std::size_t point) const;
  void set_final(FitContext& context) const { set(context, "final"); }
  /// "networks/MODEL/point-1"; empty if nothing is stored.
  std::string folder_of_point(std::size_t point) const;
  /// Removes what only an unfinished model needs: checkpoints and embeddings. Curves and events stay.
  void remove_checkpoints() const;

 private:
  void set(FitContext& context, const std::string& name) const;
  bool is_network_;
  std::filesystem::path folder_;
};

}  // namespace genrewise
