#include "genrewise/packs/pack_remote.hpp"

#include "genrewise/base/error.hpp"

namespace genrewise {

RemotePack::RemotePack(std::string place) : place_(std::move(place)), store_(open_store(place_)) {}

RemotePack::~RemotePack() {
  if (upload_.valid()) upload_.wait();
}

void RemotePack::begin(const std::string& fingerprint) {
  fingerprint_ = fingerprint;
  sizes_.clear();
  store_->list(join_place(place_, ""), /*deep=*/false, [this](const ObjectInfo& object) {
    if (object.place.ends_with(".tfrec")) sizes_.emplace(last_name(object.place), object.bytes);
  });
  if (object_exists(plan())) {
    if (read_object(plan()) != fingerprint) {
      throw Error("holds an unfinished pack of other data or with other options", place_,
                  "choose another place, or delete what is in this one");
    }
    store_->remove_unfinished(join_place(place_, ""));
    return;
  }
  if (!sizes_.empty()) throw Error("holds record files already", place_, "choose an empty place");
  write_object(plan(), fingerprint);
}

bool RemotePack::has(const PackedShard& shard) const {
  const auto found = sizes_.find(shard.file);
  return found != sizes_.end() && found->second == shard.bytes;
}

void RemotePack::wait() {
  if (upload_.valid()) upload_.get();
}

void RemotePack::store(const std::filesystem::path& file) {
  wait();
  upload_ = std::async(std::launch::async, [file, to = join_place(place_, file.filename().string())] {
    upload_file(file, to);
    std::filesystem::remove(file);
  });
}

void RemotePack::finish(const std::string& manifest) {
  wait();
  if (!object_exists(plan()) || read_object(plan()) != fingerprint_) {
    throw Error("another run has packed into this place meanwhile", place_,
                "choose another place, or delete what is in this one and pack again");
  }
  write_object(join_place(place_, kManifestName), manifest);
  store_->remove(plan());
}

void RemotePack::abandon() {
  wait();
  store_->list(join_place(place_, ""), /*deep=*/false, [this](const ObjectInfo& object) {
    if (object.place.ends_with(".tfrec")) store_->remove(object.place);
  });
  store_->remove(plan());
}

}  // namespace genrewise
