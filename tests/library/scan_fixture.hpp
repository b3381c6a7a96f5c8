// A folder of made music, and a model of its three genres on MFCCs, which needs no weights.
#pragma once

#include "catalogue_fixture.hpp"
#include "cli/made_music.hpp"
#include "genrewise/features/clip_extractor.hpp"
#include "genrewise/library/query.hpp"
#include "genrewise/library/scan.hpp"
#include "genrewise/pretrained/feature_sets.hpp"
#include "genrewise/storage/files.hpp"

namespace genrewise::testing {

class ScanTest : public CatalogueTest {
 protected:
  ScanTest() {
    make_folders(music_);
    save_model(made_model({"clicks", "noise", "tones"}), folder_ / "m.gwm");
    config_ = {.roots = {music_}, .model = folder_ / "m.gwm", .isolation = {}};
  }
  static Model made_model(std::vector<std::string> labels) {
    const auto set = make_feature_set("mfcc");
    const ClipExtractor extractor(*set);
    Matrix rows(12, set->size());
    std::vector<int> truth;
    for (std::size_t i = 0; i < rows.rows(); ++i) {
      const std::string wav = made_wav(kMadeGenres[i % 3], 100 + static_cast<int>(i), 3);
      EXPECT_TRUE(extractor.extract(std::as_bytes(std::span(wav)), "made.wav", {}, rows.row(i)));
      truth.push_back(static_cast<int>(i % 3));
    }
    Model model;
    model.labels = std::move(labels);
    model.recipe = set->recipe();
    model.columns = set->columns();
    model.classifier = make_classifier("gnb", {}, kDefaultSeed);
    model.classifier->fit({rows, truth, 3});
    return model;
  }
  void make(const std::string& name, const std::string& genre, int variant = 0) {
    make_folders((music_ / name).parent_path());
    write_file(music_ / name, made_wav(genre, variant, 3));
  }
  ScanResult scan() { return scan_library(*catalogue_, config_, runtime_); }
  void correct(const std::string& name, const std::string& genre) {
    catalogue_->correct(std::vector{catalogue_->track(music_ / name).value().id}, genre);
  }
  /// Of the tracks that are present, by path.
  std::vector<std::string> genres() {
    std::vector<std::string> list;
    for (const CatalogueTrack& track : find_tracks(*catalogue_, {})) list.push_back(track.genre());
    return list;
  }

  Runtime runtime_{{.threads = 2}};
  const std::filesystem::path music_ = folder_ / "My Music";
  ScanConfig config_;
};

}  // namespace genrewise::testing
