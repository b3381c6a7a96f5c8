#include "genrewise/library/schema.hpp"

#include <fmt/format.h>

namespace genrewise {
namespace {

/// Version 1. Texts of paths are the bytes of the file system. Times are seconds since 1970, unless they are _ns.
constexpr char kVersion1[] = R"(
CREATE TABLE roots (id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE, scanned_s INTEGER);
CREATE TABLE models (
  id INTEGER PRIMARY KEY, name TEXT NOT NULL, sha256 TEXT NOT NULL UNIQUE, labels TEXT NOT NULL,  -- a JSON array
  recipe INTEGER NOT NULL REFERENCES recipes, threshold REAL, used INTEGER NOT NULL);  -- largest `used`: current
CREATE TABLE recipes (
  id INTEGER PRIMARY KEY, name TEXT NOT NULL, version INTEGER NOT NULL, hash TEXT NOT NULL, columns INTEGER NOT NULL,
  UNIQUE (name, version, hash));
CREATE TABLE tracks (
  id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE, bytes INTEGER NOT NULL, modified_ns INTEGER NOT NULL,
  added_s INTEGER NOT NULL, missing INTEGER NOT NULL DEFAULT 0, fingerprint BLOB, duration_s REAL NOT NULL DEFAULT 0,
  artist TEXT NOT NULL DEFAULT '', album_artist TEXT NOT NULL DEFAULT '', album TEXT NOT NULL DEFAULT '',
  title TEXT NOT NULL DEFAULT '', tag_genres TEXT NOT NULL DEFAULT '',  -- one per line
  track INTEGER NOT NULL DEFAULT 0, year INTEGER NOT NULL DEFAULT 0,
  fault TEXT NOT NULL DEFAULT '', fault_detail TEXT NOT NULL DEFAULT '', correction TEXT NOT NULL DEFAULT '',
  model INTEGER REFERENCES models, predicted TEXT NOT NULL DEFAULT '', confidence REAL NOT NULL DEFAULT 0,
  unknown INTEGER NOT NULL DEFAULT 0, novelty REAL, probabilities BLOB,  -- a byte per label: 255 is 1
  genre TEXT COLLATE NOCASE AS (CASE WHEN correction != '' THEN correction WHEN unknown THEN 'unknown' ELSE predicted END));
CREATE INDEX tracks_by_fingerprint ON tracks (fingerprint);
CREATE INDEX tracks_by_genre ON tracks (genre, confidence);
CREATE TABLE segments (  -- float32 start_s, float32 duration_s, a byte per label, for each window
  track INTEGER PRIMARY KEY REFERENCES tracks ON DELETE CASCADE, windows BLOB NOT NULL);
CREATE TABLE features (  -- float16, or float32 where a number is out of its range
  track INTEGER NOT NULL REFERENCES tracks ON DELETE CASCADE, recipe INTEGER NOT NULL REFERENCES recipes,
  row BLOB NOT NULL, UNIQUE (track, recipe));
CREATE TABLE tag_batches (
  id INTEGER PRIMARY KEY, time_s INTEGER NOT NULL, command TEXT NOT NULL,
  folder TEXT NOT NULL DEFAULT '');  -- where files are being replaced; stays set when the process is killed
CREATE TABLE tag_changes (
  id INTEGER PRIMARY KEY, batch INTEGER NOT NULL REFERENCES tag_batches, track INTEGER NOT NULL, path TEXT NOT NULL,
  field TEXT NOT NULL, before TEXT NOT NULL, after TEXT NOT NULL,  -- values, JSON arrays
  old_sha256 TEXT NOT NULL, new_sha256 TEXT NOT NULL, old_bytes INTEGER NOT NULL,
  patch BLOB NOT NULL,  -- the old file, compressed with the new one as its dictionary (zstd); empty when undone
  state TEXT NOT NULL CHECK (state IN ('planned', 'written', 'undone')));
CREATE INDEX tag_changes_by_batch ON tag_changes (batch);
CREATE INDEX tag_changes_by_path ON tag_changes (path);
)";

std::int64_t pragma(Database& database, const char* name) {
  auto rows = database.query(fmt::format("PRAGMA {}", name));
  return rows.next() ? rows.integer(0) : 0;
}

}  // namespace

int schema_version(Database& database) {
  const auto version = pragma(database, "user_version"), application = pragma(database, "application_id");
  if (application != kApplicationId) {
    auto tables = database.query("SELECT count(*) FROM sqlite_master");
    if (version == 0 && application == 0 && tables.next() && tables.integer(0) == 0) return 0;
    throw Error("is a database of another program", database.file(), "give another file with --library");
  }
  if (version > kSchemaVersion) {
    throw Error(fmt::format("has version {} of the catalogue's format; this program knows versions up to {}", version,
                            kSchemaVersion),
                database.file(), "use the newer genrewise that wrote it, or another file with --library");
  }
  return static_cast<int>(version);
}

void migrate(Database& database) {
  database.transaction([&] {
    if (schema_version(database) < 1) database.script(kVersion1);
    database.script(
        fmt::format("PRAGMA application_id = {}; PRAGMA user_version = {}", kApplicationId, kSchemaVersion));
  });
}

}  // namespace genrewise
