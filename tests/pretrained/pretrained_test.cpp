#include "genrewise/pretrained/pretrained_networks.hpp"

#include <gmock/gmock.h>

#include "genrewise/base/error.hpp"
#include "genrewise/storage/files.hpp"
#include "storage/http_server.hpp"
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
  HttpServer mirror(file_of);
  TemporaryFolder folder;
  Progress quiet;
  const fs::path path = fetch_weights("mobilenetv2", folder / "new/weights", mirror.url("/keras"), quiet);
  EXPECT_EQ(path, folder / "new/weights" / kPicturesFile);
  EXPECT_EQ(read_file(path), std::string("what lies at /keras/") + kPicturesFile);
  const std::size_t asked = mirror.requests().size();
  EXPECT_EQ(fetch_weights("mobilenetv2", folder / "new/weights", mirror.url("/keras"), quiet), path);
  EXPECT_EQ(mirror.requests().size(), asked);
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

}  // namespace
}  // namespace genrewise::testing
