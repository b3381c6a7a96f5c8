// The schema of the catalogue, its versions and migrations. Private to this module; docs/library.md describes it.
#pragma once

#include "genrewise/library/database.hpp"

namespace genrewise {

inline constexpr int kSchemaVersion = 1;
inline constexpr int kApplicationId = 0x47575731;  // "GWW1"

/// The version of a database; 0: an empty one. Throws Error for a database of another program and for a newer version.
int schema_version(Database& database);
/// Creates the tables of an empty database, or migrates an older one, in one transaction.
void migrate(Database& database);

}  // namespace genrewise
