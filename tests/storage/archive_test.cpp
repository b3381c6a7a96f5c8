#include "genrewise/storage/archive.hpp"

#include <gmock/gmock.h>

#include <cstdlib>
#include <functional>

#include "genrewise/base/child_process.hpp"
#include "genrewise/base/error.hpp"
#include "genrewise/base/interrupt.hpp"
#include "genrewise/storage/files.hpp"
#include "support/test_support.hpp"
#include "support/zip_writer.hpp"

namespace genrewise {
namespace {

using ::testing::ElementsAre;
using testing::error_message;
using ::testing::HasSubstr;
using testing::TemporaryFolder;

class Archive : public ::testing::Test {
 protected:
  void SetUp() override {
    if (find_program("7z").empty()) GTEST_SKIP() << "needs 7-Zip (p7zip-full), which is not installed";
  }
  ~Archive() override { clear_interrupt(); }

  std::filesystem::path packed(const std::string& method) {
    make_folders(folder_ / "in/fma_small/000");
    write_file(folder_ / "in/fma_small/000/000002.mp3", std::string(200'000, 'a'));
    write_file(folder_ / "in/fma_small/Ünïcode 音楽.txt", "text");
    const auto archive = folder_ / (method + ".zip");
    std::string output;
    EXPECT_EQ(run_process({"7z", "a", "-tzip", "-mm=" + method, archive.string(), "fma_small"}, folder_ / "in",
                          [&](std::string_view piece) { output += piece; }),
              0)
        << output;
    return archive;
  }

  /// Writes a zip with one stored entry of this name byte by byte (7-Zip does not create invalid names).
  std::filesystem::path with_name(const std::string& name, std::uint32_t unix_mode = 0100644) {
    const auto& number = testing::zip_number;
    const std::string body = "evil";
    const std::string common = number(20, 2) + number(0, 2) + number(0, 2) + number(0, 4) + number(0x8dfb3152, 4) +
                               number(4, 4) + number(4, 4) + number(static_cast<std::uint32_t>(name.size()), 2);
    const std::string local = "PK\3\4" + common + number(0, 2) + name + body;
    const std::string central =
        "PK\1\2" + number(0x0314, 2) + common + number(0, 8) + number(unix_mode << 16, 4) + number(0, 4) + name;
    const std::string end = "PK\5\6" + number(0, 4) + number(1, 2) + number(1, 2) +
                            number(static_cast<std::uint32_t>(central.size()), 4) +
                            number(static_cast<std::uint32_t>(local.size()), 4) + number(0, 2);
    write_file(folder_ / "made.zip", local + central + end);
    return folder_ / "made.zip";
  }

  std::string error(const std::filesystem::path& archive) {
    return error_message([&] {
      Progress quiet;
      unpack_archive(archive, folder_ / "out", quiet);
    });
  }

  std::vector<std::string> unpacked() const {
    std::vector<std::string> names;
    if (!std::filesystem::exists(folder_ / "out")) return names;
    for (const auto& entry : std::filesystem::directory_iterator(folder_ / "out"))
      names.push_back(entry.path().filename());
    return names;
  }

  TemporaryFolder folder_;
};

TEST_F(Archive, UnpacksEveryCompressionThatFmaUses) {
  for (const char* method : {"Copy", "Deflate", "BZip2"}) {
    const auto archive = packed(method);
    Progress quiet;
    unpack_archive(archive, folder_ / "out", quiet);
    EXPECT_EQ(read_file(folder_ / "out/fma_small/000/000002.mp3"), std::string(200'000, 'a')) << method;
    EXPECT_EQ(read_file(folder_ / "out/fma_small/Ünïcode 音楽.txt"), "text") << method;
    EXPECT_THAT(unpacked(), ElementsAre("fma_small"));
    std::filesystem::remove_all(folder_ / "out");
  }
}

TEST_F(Archive, RefusesCompressionThatTakesAsMuchMemoryAsTheArchiveStates) {
  for (const char* method : {"LZMA", "PPMd"}) EXPECT_THAT(error(packed(method)), HasSubstr("another method")) << method;
}

TEST_F(Archive, IsNotUnpackedWhileAnotherRunDoes) {
  const auto archive = packed("Copy");
  struct : Progress {
    void begin(std::string_view, std::string_view, std::uint64_t bytes, std::uint64_t) override {
      EXPECT_EQ(bytes, 200'004u);
      error_of_second = second();
    }
    std::function<std::string()> second;
    std::string error_of_second;
  } first;
  first.second = [&] { return error(archive); };
  unpack_archive(archive, folder_ / "out", first);
  EXPECT_THAT(first.error_of_second, HasSubstr("another run works in this folder"));
  EXPECT_EQ(read_file(folder_ / "out/fma_small/000/000002.mp3"), std::string(200'000, 'a'));
  EXPECT_THAT(unpacked(), ElementsAre("fma_small"));
}

TEST_F(Archive, RefusesNamesThatLeaveTheFolder) {
  for (const char* name : {"../evil.txt", "a/../../evil.txt", "/tmp/evil.txt"}) {
    EXPECT_THAT(error(with_name(name)), HasSubstr("leads out of its folder")) << name;
    EXPECT_TRUE(unpacked().empty());
  }
  EXPECT_THAT(error(with_name("link", 0120777)), HasSubstr("link"));
  EXPECT_TRUE(unpacked().empty());
  Progress quiet;
  unpack_archive(with_name("good..name.txt"), folder_ / "out", quiet);  // shows that such archives can be read
  EXPECT_EQ(read_file(folder_ / "out/good..name.txt"), "evil");
}

TEST_F(Archive, LeavesNoFilesOfADamagedArchive) {
  const auto archive = packed("Copy");
  std::string bytes = read_file(archive);
  bytes[bytes.size() / 2] ^= 1;
  write_file(archive, bytes);
  EXPECT_THAT(error(archive), AllOf(HasSubstr("not a valid zip archive"), HasSubstr("Copy.zip")));
  EXPECT_TRUE(unpacked().empty());
}

TEST_F(Archive, RefusesMissingFilesAndOtherFormats) {
  write_file(folder_ / "text.zip", "this is no archive");
  EXPECT_THAT(error(folder_ / "text.zip"), HasSubstr("text.zip"));
  write_file(folder_ / "empty.zip", "");
  EXPECT_THAT(error(folder_ / "empty.zip"), HasSubstr("empty.zip"));
  EXPECT_THAT(error(folder_ / "missing.zip"), HasSubstr("no such file"));
}

TEST_F(Archive, DoesNotOverwriteExistingFiles) {
  make_folders(folder_ / "out/fma_small");
  EXPECT_THAT(error(packed("Copy")), HasSubstr("already exists"));
}

TEST_F(Archive, RemovesLeftoversOfAKilledRun) {
  make_folders(folder_ / "out/.Copy.zip.unpacking/fma_small/junk");
  Progress quiet;
  unpack_archive(packed("Copy"), folder_ / "out", quiet);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "out/fma_small/junk"));
  EXPECT_THAT(unpacked(), ElementsAre("fma_small"));
}

TEST_F(Archive, LeavesNoFilesWhenInterrupted) {
  const auto archive = packed("Copy");
  struct : Progress {
    void begin(std::string_view, std::string_view, std::uint64_t, std::uint64_t) override { request_interrupt(); }
  } interrupting;
  EXPECT_THROW(unpack_archive(archive, folder_ / "out", interrupting), Interrupted);
  EXPECT_TRUE(unpacked().empty());
}

TEST_F(Archive, InMemoryIsReadAsItIsOrRefused) {
  const std::string bytes = read_file(packed("Deflate"));
  EXPECT_THAT(error_message([&] { read_archive(bytes, "small.zip"); }), HasSubstr("compressed too much"));
  const std::string few = testing::write_zip({{"a/empty", ""}, {"a/numbers.txt", "1 2 3 4 5"}});
  EXPECT_THAT(read_archive(few, "few.zip"),
              ElementsAre(std::pair("a/empty", ""), std::pair("a/numbers.txt", "1 2 3 4 5")));
  for (std::size_t at = 0; at < few.size(); ++at) {
    std::string changed = few;
    changed[at] = static_cast<char>(~changed[at]);
    try {
      const ArchiveFiles files = read_archive(changed, "few.zip");
      const auto numbers = files.find("a/numbers.txt");
      EXPECT_TRUE(numbers == files.end() || numbers->second == "1 2 3 4 5") << at;
    } catch (const Error&) {  // expected where the byte matters
    }
    EXPECT_NE(error_message([&] { read_archive(std::string_view(few).substr(0, at), "few.zip"); }), "no error") << at;
  }
}

TEST(Process, PassesOnOutputAndExitCode) {
  std::string output;
  const auto collect = [&](std::string_view piece) { output += piece; };
  EXPECT_EQ(run_process({"sh", "-c", "echo out; echo err >&2; pwd; exit 7"}, "/", collect), 7);
  EXPECT_EQ(output, "out\nerr\n/\n");
  EXPECT_EQ(run_process({"sh", "-c", "kill -9 $$"}, {}, collect), 137);
  EXPECT_THROW(run_process({"no-such-program-anywhere"}, {}, collect), Error);
  EXPECT_FALSE(find_program("sh").empty());
  EXPECT_TRUE(find_program("no-such-program-anywhere").empty());
}

TEST(OwnPrograms, AreTakenFromTheVariableThenFromTheirFolderThenFromPath) {
  const TemporaryFolder folder;
  write_file(folder / "own", "#!/bin/sh\n");
  const char* variable = "GENREWISE_TEST_PROGRAM";
  ::setenv(variable, (folder / "own").c_str(), 1);
  EXPECT_THAT(error_message([&] { find_own_program("own", variable); }),
              ::testing::HasSubstr("GENREWISE_TEST_PROGRAM is not an executable program; set it to own, or unset it"));
  std::filesystem::permissions(folder / "own", std::filesystem::perms::owner_all);
  EXPECT_EQ(find_own_program("own", variable), folder / "own");
  ::setenv(variable, "", 1);
  EXPECT_EQ(find_own_program("test_storage", variable), testing::bin_folder() / "test_storage");
  EXPECT_EQ(find_own_program("sh", variable), find_program("sh"));
  EXPECT_EQ(find_own_program("no-such-program-anywhere", variable), "");
  ::unsetenv(variable);
}

TEST(OwnPrograms, AreSearchedInThePartsOfPathThatAreNotEmpty) {
  const TemporaryFolder folder;
  write_file(folder / "tool", "#!/bin/sh\n");
  std::filesystem::permissions(folder / "tool", std::filesystem::perms::owner_all);
  const std::string before = std::getenv("PATH");
  for (const std::string& path :
       {folder.path().string(), ":" + folder.path().string(), "/absent:" + folder.path().string() + ":"}) {
    ::setenv("PATH", path.c_str(), 1);
    EXPECT_EQ(find_program("tool"), folder / "tool") << path;
    EXPECT_EQ(find_program("sh"), "") << path;
  }
  ::unsetenv("PATH");
  EXPECT_NE(find_program("sh"), "");
  ::setenv("PATH", before.c_str(), 1);
}

}  // namespace
}  // namespace genrewise
