// Files that grow, sizes in words, and disk space.
#include <gmock/gmock.h>

#include "genrewise/storage/files.hpp"
#include "genrewise/storage/local_files.hpp"
#include "support/test_support.hpp"

namespace genrewise {
namespace {

using testing::error_message;
using ::testing::HasSubstr;
using testing::TemporaryFolder;

TEST(AppendFile, KeepsItsFirstBytesAndAppendsToThem) {
  const TemporaryFolder folder;
  const auto path = folder / "journal";
  {
    AppendFile file(path);
    file.write("12345");
    file.write("");
    file.write("678");
    EXPECT_EQ(file.size(), 8u);
    EXPECT_EQ(file.path(), path);
    EXPECT_EQ(read_file(path), "12345678");
  }
  AppendFile file(path, 3);
  EXPECT_EQ(file.size(), 3u);
  file.write("x");
  file.sync();
  EXPECT_EQ(file.size(), 4u);
  EXPECT_EQ(read_file(path), "123x");
  EXPECT_THAT(error_message([&] { AppendFile(folder / "missing" / "journal"); }), HasSubstr("cannot create"));
  EXPECT_THAT(error_message([] { AppendFile("/dev/full"); }), HasSubstr("cannot write"));
}

TEST(ReadableSize, HasTwoOrThreeDigitsInTheLargestUnitBelowAThousand) {
  const std::uint64_t kib = 1024, mib = kib * kib, gib = mib * kib, tib = gib * kib;
  EXPECT_EQ(readable_size(0), "0 B");
  EXPECT_EQ(readable_size(999), "999 B");
  EXPECT_EQ(readable_size(1000), "1.0 KiB");
  EXPECT_EQ(readable_size(7 * gib + gib / 4), "7.2 GiB");
  EXPECT_EQ(readable_size(10 * kib), "10 KiB");
  EXPECT_EQ(readable_size(999 * mib), "999 MiB");
  EXPECT_EQ(readable_size(1000 * mib), "1.0 GiB");
  EXPECT_EQ(readable_size(5000 * tib), "5000 TiB");
}

TEST(DiskSpace, IsRequiredOfTheNearestFolderThatExists) {
  const TemporaryFolder folder;
  for (const auto& place : {folder.path(), folder / "missing/below"}) {
    EXPECT_EQ(error_message([&] { require_disk_space(place, 0); }), "no error");
    const std::string problem = error_message([&] { require_disk_space(place, ~std::uint64_t{0}); });
    EXPECT_THAT(problem, HasSubstr(place.string() + ": 16777216 TiB are needed on this disk, "));
  }
}

}  // namespace
}  // namespace genrewise
