#include "genrewise/pretrained/pretrained_networks.hpp"

#include <gmock/gmock.h>

#include "genrewise/base/error.hpp"
#include "genrewise/base/random.hpp"
#include "genrewise/storage/files.hpp"
#include "storage/http_server.hpp"
#include "support/neural_test_support.hpp"
#include "support/test_support.hpp"

namespace genrewise::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr char kPicturesFile[] = "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5";

std::string problem_of_fetching(std::string_view network, const fs::path& folder, const std::string& mirror) {
  return error_message([&] {
    Progress quiet;
    fetch_weights(network, folder, mirror, quiet);
  });
}

HttpResponse file_of(const HttpRequest& request) {
  return {.status = 200, .headers = {}, .body = "what lies at " + request.path};
}

TEST(FetchWeights, GetsTheOriginalFileOfANetworkOnce) {
  const std::string weights = random_weights("mobilenetv2", 1).serialise();
  HttpServer mirror([&](const HttpRequest& request) {
    const bool right = request.path == std::string("/keras/") + kPicturesFile;
    return HttpResponse{.status = right ? 200 : 404, .headers = {}, .body = weights};
  });
  TemporaryFolder folder;
  Progress quiet;
  const fs::path path = fetch_weights("mobilenetv2", folder / "new/weights", mirror.url("/keras"), quiet);
  EXPECT_EQ(path, folder / "new/weights" / kPicturesFile);
  EXPECT_EQ(read_file(path), weights);
  const std::size_t asked = mirror.requests().size();
  EXPECT_EQ(fetch_weights("mobilenetv2", folder / "new/weights", mirror.url("/keras"), quiet), path);
  EXPECT_EQ(mirror.requests().size(), asked);
}

TEST(FetchWeights, WithoutAPublishedChecksumAreNotKeptUnlessTheyAreTheNetworks) {
  Rng rng(1);
  std::string noise(5000, '\0');
  for (char& byte : noise) byte = static_cast<char>(rng.next());
  for (const std::string& body :
       {noise, std::string(), std::string("<html>moved</html>"), random_weights("efficientat", 1).serialise()}) {
    HttpServer mirror([&](const HttpRequest&) { return HttpResponse{.status = 200, .headers = {}, .body = body}; });
    TemporaryFolder folder;
    EXPECT_THAT(problem_of_fetching("mobilenetv2", folder.path(), mirror.url("/")),
                AllOf(HasSubstr("was not kept"), HasSubstr(mirror.url("/"))));
    EXPECT_TRUE(fs::is_empty(folder.path()));
  }
}

TEST(FetchWeights, ReportsAnExistingFileThatIsNotTheNetworks) {
  HttpServer mirror(file_of);
  TemporaryFolder folder;
  write_file(folder / kPicturesFile, "noise");
  EXPECT_THAT(problem_of_fetching("mobilenetv2", folder.path(), mirror.url("/")),
              AllOf(HasSubstr(kPicturesFile), HasSubstr("remove it and fetch it again")));
}

TEST(FetchWeights, RefusesAFileOfAnotherChecksumAndLeavesNothingThere) {
  HttpServer mirror(file_of);
  TemporaryFolder folder;
  EXPECT_THAT(problem_of_fetching("efficientat", folder.path(), mirror.url("/")),
              AllOf(HasSubstr("checksum"), HasSubstr("mn04_as_mAP_432.pt")));
  EXPECT_FALSE(fs::exists(folder / "mn04_as_mAP_432.pt"));
}

TEST(FetchWeights, ReportsWhatToPutWhereWhenTheDownloadFails) {
  HttpServer mirror([](const HttpRequest&) { return HttpResponse{.status = 404, .headers = {}, .body = "no"}; });
  TemporaryFolder folder;
  EXPECT_THAT(problem_of_fetching("musicnn_msd", folder.path(), mirror.url("/")),
              AllOf(HasSubstr("404"), HasSubstr("put musicnn-0.1.0-py3-none-any.whl from https://"),
                    HasSubstr(folder.path().string())));
}

TEST(FetchWeights, ListsTheNamesOfTheNetworks) {
  TemporaryFolder folder;
  EXPECT_THAT(problem_of_fetching("vggish", folder.path(), ""), AllOf(HasSubstr("vggish"), HasSubstr("efficientat")));
}

TEST(PretrainedNetworks, AreSelectedByTheirNameByTheirPackageOrAll) {
  const auto names = [](std::string_view name) {
    std::vector<std::string> all;
    for (const PretrainedNetwork* one : select_pretrained_networks(name)) all.push_back(one->name);
    return all;
  };
  EXPECT_EQ(names("efficientat"), std::vector<std::string>{"efficientat"});
  EXPECT_EQ(names("musicnn"), (std::vector<std::string>{"musicnn_msd", "musicnn_mtt"}));
  EXPECT_EQ(names("").size(), pretrained_networks().size());
  EXPECT_THROW(names("music"), Error);
}

}  // namespace
}  // namespace genrewise::testing
