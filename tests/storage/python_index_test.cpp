// The Python package index: pip, its configuration, and plain HTTP where pip is missing.
#include "genrewise/storage/python_index.hpp"

#include <gmock/gmock.h>

#include "genrewise/base/error.hpp"
#include "genrewise/base/hash.hpp"
#include "genrewise/storage/download.hpp"
#include "genrewise/storage/files.hpp"
#include "storage/http_server.hpp"
#include "support/environment.hpp"
#include "support/ordinary_user.hpp"
#include "support/test_support.hpp"

namespace genrewise::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr char kFile[] = "tiny-1.0-py3-none-any.whl", kContent[] = "the content of a wheel";

TEST(PackageIndexPage, LinksAreResolvedWithoutTheirFragment) {
  const std::string page =
      "<a href='../other/tiny-1.0.tar.gz'>tiny-1.0.tar.gz</a> <a data-x=1 "
      "href=\"../../packages/ab/tiny-1.0-py3-none-any"
      ".whl#sha256=00\">tiny</a>";
  EXPECT_EQ(link_to_file(page, kFile, "https://index.example/root/simple/tiny/"),
            "https://index.example/root/packages/ab/tiny-1.0-py3-none-any.whl");
  EXPECT_EQ(link_to_file("<a href=\"https://files.example/p/tiny-1.0-py3-none-any.whl?a=1&amp;b=2#x\">", kFile,
                         "https://index.example/simple/tiny/"),
            "https://files.example/p/tiny-1.0-py3-none-any.whl?a=1&b=2");
  EXPECT_EQ(link_to_file("<a href=\"/p/tiny-1.0-py3-none-any.whl\">", kFile, "http://index.example:81/simple/tiny/"),
            "http://index.example:81/p/tiny-1.0-py3-none-any.whl");
  for (const char* other : {"", "href=", "href=\"", "<a href=\"not-tiny-1.0-py3-none-any.whl\">", "<a href=x>"})
    EXPECT_EQ(link_to_file(other, kFile, "https://index.example/simple/tiny/"), "") << other;
}

TEST(Addresses, AreShownWithoutCredentials) {
  EXPECT_EQ(without_credentials("https://me:secret@index.example/simple"), "https://index.example/simple");
  EXPECT_EQ(without_credentials("https://index.example/a@b"), "https://index.example/a@b");
  EXPECT_EQ(without_credentials("not an address"), "not an address");
}

/// PATH has only the scripts of the test, and pip's configuration is empty.
class PythonIndex : public ::testing::Test {
 protected:
  void SetUp() override { make_folders(folder_ / "bin"); }

  void program(const std::string& name, const std::string& body) {
    write_file(folder_ / "bin" / name, "#!/bin/sh\n" + body + "\n");
    fs::permissions(folder_ / "bin" / name, fs::perms::owner_all);
  }
  HttpResponse served(const HttpRequest& request) const {
    if (request.path == "/simple/tiny/")
      return {.status = 200, .headers = {}, .body = std::string("<a href=\"../../f/") + kFile + "#sha256=1\">x</a>"};
    if (request.path == std::string("/f/") + kFile) return {.status = 200, .headers = {}, .body = kContent};
    return {.status = 404, .headers = {}, .body = "no"};
  }
  fs::path get(const std::string& sha256 = sha256_hex(kContent)) {
    Progress quiet;
    return download_wheel({"tiny", "1.0", kFile, sha256}, folder_ / "to", quiet);
  }

  TemporaryFolder folder_;
  Environment path_{"PATH", (folder_ / "bin").string()};
  Environment home_{"HOME", (folder_ / "home").string()};
  Environment xdg_{"XDG_CONFIG_HOME", (folder_ / "home" / ".config").string()};
  Environment virtual_{"VIRTUAL_ENV", ""};
  Environment file_{"PIP_CONFIG_FILE", ""};
  Environment index_{"PIP_INDEX_URL", ""};
};

TEST_F(PythonIndex, IsTheOneThatPipIsConfiguredFor) {
  make_folders(folder_ / "home/.config/pip");
  write_file(folder_ / "home/.config/pip/pip.conf",
             "[install]\nindex-url = http://other/\n[global]\n# index-url = x\nindex-url: http://user/\n");
  EXPECT_EQ(package_index(), "http://user/");
  write_file(folder_ / "pip.conf", "[global]\nindex-url=http://global/\n[download]\nindex-url = http://download/ \n");
  const Environment file("PIP_CONFIG_FILE", (folder_ / "pip.conf").string());
  EXPECT_EQ(package_index(), "http://download/");
  const Environment given("PIP_INDEX_URL", "http://given/");
  EXPECT_EQ(package_index(), "http://given/");
}

TEST_F(PythonIndex, NeedsNoHomeFolderThatItMayRead) {
  make_folders(folder_ / "home");
  AS_ORDINARY_USER(folder_.path());
  fs::permissions(folder_ / "home", fs::perms::none);
  EXPECT_NE(package_index(), "");
  fs::permissions(folder_ / "home", fs::perms::owner_all);
}

TEST_F(PythonIndex, IsReadWithoutPip) {
  HttpServer server([&](const HttpRequest& request) { return served(request); });
  const Environment given("PIP_INDEX_URL", server.url("/simple"));
  EXPECT_EQ(read_file(get()), kContent);
  EXPECT_EQ(server.requests().size(), 2u);
  get();  // only verified
  EXPECT_EQ(server.requests().size(), 2u);
  EXPECT_EQ(fs::directory_iterator(folder_ / "to")->path().filename(), kFile);
}

TEST_F(PythonIndex, IsLeftToPipWhereItIsInstalled) {
  program("python3", "echo /usr/bin/python3: No module named pip; exit 1");
  program("pip3", "echo \"$@\" > " + (folder_ / "arguments").string() + "; printf '" + kContent + "' > " + kFile);
  EXPECT_EQ(read_file(get()), kContent);
  EXPECT_THAT(read_file(folder_ / "arguments"), AllOf(HasSubstr("download --no-deps"), HasSubstr("tiny==1.0")));
}

TEST_F(PythonIndex, IsReadWithoutPipWhereItFails) {
  program("python3", "echo Looking...; echo 'ERROR: No matching distribution found for tiny==1.0'; exit 1");
  HttpServer server([&](const HttpRequest& request) { return served(request); });
  const Environment given("PIP_INDEX_URL", server.url("/simple/"));
  EXPECT_EQ(read_file(get()), kContent);
}

TEST_F(PythonIndex, WithAnotherFileOfThatNameIsRefused) {
  program("pip", std::string("printf other > ") + kFile);
  EXPECT_THAT(error_message([&] { get(); }), AllOf(HasSubstr("pip"), HasSubstr("wrong checksum")));
  fs::remove(folder_ / "bin/pip");
  HttpServer server([&](const HttpRequest& request) { return served(request); });
  const Environment given("PIP_INDEX_URL", server.url("/simple"));
  EXPECT_THAT(error_message([&] { get(sha256_hex("other")); }), HasSubstr("wrong checksum"));
  EXPECT_THAT(fs::is_empty(folder_ / "to"), true);
}

TEST_F(PythonIndex, WithoutThePackageIsAnErrorWithPipsReasonAndWithoutThePassword) {
  program("python3", "echo 'ERROR: no network'; exit 1");
  HttpServer server([&](const HttpRequest&) { return HttpResponse{.status = 404, .headers = {}, .body = "no"}; });
  std::string index = server.url("/simple");
  index.insert(std::string_view("http://").size(), "me:secret@");
  const Environment given("PIP_INDEX_URL", index);
  EXPECT_THAT(error_message([&] { get(); }),
              AllOf(HasSubstr("404"), HasSubstr("python3 -m pip: no network"), Not(HasSubstr("secret"))));
}

}  // namespace
}  // namespace genrewise::testing
