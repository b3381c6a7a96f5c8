// Tests `cmake --install`, and examples/embed built against the installed files.
#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "cli/made_music.hpp"
#include "cli/program.hpp"
#include "genrewise/base/child_process.hpp"
#include "genrewise/storage/files.hpp"
#include "support/test_support.hpp"

namespace genrewise::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

/// The standard output and standard error of a command. The test fails if its exit code is not `code`.
std::string output_of(const std::vector<std::string>& command, int code = 0) {
  std::string output;
  EXPECT_EQ(run_process(command, {}, [&](std::string_view piece) { output += piece; }), code) << output;
  return output;
}

std::vector<std::string> configure_embed(const fs::path& prefix, const fs::path& build) {
  return {CMAKE,
          "-G",
          "Ninja",
          "-S",
          EMBED_FOLDER,
          "-B",
          build,
          "-DCMAKE_PREFIX_PATH=" + prefix.string(),
          "-DCMAKE_CXX_COMPILER=" COMPILER,
          "-DCMAKE_CXX_COMPILER_LAUNCHER=" COMPILER_LAUNCHER,
          "-DCMAKE_CXX_FLAGS=" COMPILER_FLAGS};
}

/// A source that includes every header of an include folder.
std::string source_of_all_headers(const fs::path& include) {
  std::vector<std::string> headers;
  for (const auto& entry : fs::recursive_directory_iterator(include)) {
    if (entry.is_regular_file()) headers.push_back(fs::relative(entry.path(), include));
  }
  std::ranges::sort(headers);
  std::string source;
  for (const std::string& header : headers) source += "#include \"" + header + "\"\n";
  return source;
}

// One test, because all steps need the same installation.
TEST(Install, ASmallProgramIsBuiltAgainstTheInstalledLibrariesAndPredictsGenres) {
  const fs::path home = fs::path(BUILD_FOLDER) / "install_test", prefix = home / "prefix", build = home / "embed";
  fs::remove_all(home);
  output_of({CMAKE, "--install", BUILD_FOLDER, "--prefix", prefix});
  EXPECT_THAT(output_of({prefix / "bin/genrewise", "--version"}), HasSubstr("genrewise"));

  write_file(home / "all_headers.cpp", source_of_all_headers(prefix / "include"));
  output_of({COMPILER, "-std=c++20", "-fsyntax-only", "-I", prefix / "include", home / "all_headers.cpp"});

  output_of(configure_embed(prefix, build));
  output_of({CMAKE, "--build", build});
  make_music(home / "music", 4, 2);
  const fs::path model = home / "model.gwm";
  const Ran trained = run_program({"train", home / "music", "--features", "fma518", "--model", "logreg", "-o", model});
  ASSERT_EQ(trained.code, 0) << trained.err;
  for (const char* genre : kMadeGenres) {
    const fs::path track = home / (std::string("new ") + genre + ".wav");
    write_file(track, made_wav(genre, 77, 3));
    EXPECT_THAT(output_of({build / "genres", model, track}), HasSubstr(track.string() + ": " + genre + " "));
  }
  write_file(home / "no.mp3", "this is no audio");
  EXPECT_THAT(output_of({build / "genres", model, home / "no.mp3"}, 3), HasSubstr("not audio"));
}

}  // namespace
}  // namespace genrewise::testing
