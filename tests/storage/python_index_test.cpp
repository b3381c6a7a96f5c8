// Python packages by pip.
#include "genrewise/storage/python_index.hpp"

#include <gmock/gmock.h>

#include "genrewise/base/error.hpp"
#include "genrewise/base/hash.hpp"
#include "genrewise/storage/download.hpp"
#include "genrewise/storage/files.hpp"
#include "support/environment.hpp"
#include "support/test_support.hpp"

namespace genrewise::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr char kFile[] = "tiny-1.0-py3-none-any.whl", kContent[] = "the content of a wheel";

TEST(Addresses, AreShownWithoutCredentials) {
  EXPECT_EQ(without_credentials("https://me:secret@index.example/simple"), "https://index.example/simple");
  EXPECT_EQ(without_credentials("https://index.example/a@b"), "https://index.example/a@b");
  EXPECT_EQ(without_credentials("not an address"), "not an address");
}

/// PATH has only the scripts of the test.
class PythonIndex : public ::testing::Test {
 protected:
  void SetUp() override { make_folders(folder_ / "bin"); }

  void program(const std::string& name, const std::string& body) {
    write_file(folder_ / "bin" / name, "#!/bin/sh\n" + body + "\n");
    fs::permissions(folder_ / "bin" / name, fs::perms::owner_all);
  }
  fs::path get(const std::string& sha256 = sha256_hex(kContent)) {
    Progress quiet;
    return download_wheel({"tiny", "1.0", kFile, sha256}, folder_ / "to", quiet);
  }

  TemporaryFolder folder_;
  Environment path_{"PATH", (folder_ / "bin").string()};
};
TEST_F(PythonIndex, IsLeftToPip) {
  program("python3", "echo /usr/bin/python3: No module named pip; exit 1");
  program("pip3", "echo \"$@\" > " + (folder_ / "arguments").string() + "; printf '" + kContent + "' > " + kFile);
  EXPECT_EQ(read_file(get()), kContent);
  EXPECT_THAT(read_file(folder_ / "arguments"), AllOf(HasSubstr("download --no-deps"), HasSubstr("tiny==1.0")));
}

TEST_F(PythonIndex, WithAnotherFileOfThatNameIsRefused) {
  program("pip", std::string("printf other > ") + kFile);
  EXPECT_THAT(error_message([&] { get(); }), AllOf(HasSubstr("pip"), HasSubstr("wrong checksum")));
  EXPECT_THAT(fs::is_empty(folder_ / "to"), true);
}

TEST_F(PythonIndex, KeepsAFileThatIsThere) {
  make_folders(folder_ / "to");
  write_file(folder_ / "to" / kFile, kContent);
  EXPECT_EQ(read_file(get()), kContent);
}

TEST_F(PythonIndex, WithoutThePackageIsAnErrorWithPipsReason) {
  program("python3", "echo Looking...; echo 'ERROR: no network'; exit 1");
  EXPECT_THAT(error_message([&] { get(); }), AllOf(HasSubstr("no network"), HasSubstr("--mirror")));
}

TEST_F(PythonIndex, WithoutPipIsAnErrorWithTheNameOfItsPackage) {
  EXPECT_THAT(error_message([&] { get(); }), AllOf(HasSubstr("pip is not installed"), HasSubstr("python3-pip")));
}

}  // namespace
}  // namespace genrewise::testing
