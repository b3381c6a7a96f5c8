// Audio in an object store: read by ranges, with the same result as from local files.
#include <gmock/gmock.h>

#include "audio/audio_test_support.hpp"
#include "audio/wav_writer.hpp"
#include "genrewise/base/interrupt.hpp"
#include "support/stores_of_server.hpp"

namespace genrewise {
namespace {

using ::testing::HasSubstr;
using namespace testing;

class RemoteAudio : public ::testing::Test {
 protected:
  ~RemoteAudio() override { clear_interrupt(); }

  /// Bytes that the server sent for `work`, relative to the size of the object.
  template <class Work>
  double share(const std::string& key, Work&& work) {
    const std::uint64_t before = server_.sent_bytes();
    work();
    return static_cast<double>(server_.sent_bytes() - before) / static_cast<double>(server_.get(key).size());
  }
  /// An MP3 of several minutes without a header that states its length.
  static std::string long_mp3() {
    std::string bytes;
    while (bytes.size() < 4'000'000) bytes += golden_bytes("long_no_xing.mp3");
    return bytes;
  }
  static std::string long_wav() {
    std::vector<std::int16_t> samples(4'000'000);
    for (std::size_t i = 0; i < samples.size(); ++i) samples[i] = static_cast<std::int16_t>(i * i >> 7);
    return wav_of(std::span<const std::int16_t>(samples), 1, 44'100);
  }

  S3Server server_;
  StoresOfServer stores_{server_};
};

TEST_F(RemoteAudio, IsTheSameAsFromALocalFile) {
  for (const auto& entry : std::filesystem::directory_iterator(golden_audio(""))) {
    if (!looks_like_audio(entry.path())) continue;
    const std::string name = entry.path().filename().string();
    server_.put(name, read_file(entry.path()));
    for (const DecodeOptions& options : {DecodeOptions{}, window(0.3, 0.5)}) {
      const auto here = decode_file(entry.path(), options), there = decode_file("s3://music/" + name, options);
      ASSERT_TRUE(here && there) << name;
      EXPECT_EQ(here->samples, there->samples) << name;
    }
    const auto here = probe_file(entry.path()), there = probe_file("s3://music/" + name);
    ASSERT_TRUE(here && there) << name;
    EXPECT_EQ(here->duration_s, there->duration_s) << name;
    EXPECT_EQ(here->codec, there->codec) << name;
  }
}

TEST_F(RemoteAudio, ProbingFetchesASmallPartOfALongFile) {
  server_.put("long.wav", long_wav());
  EXPECT_LT(share("long.wav", [] { EXPECT_NEAR(probe_file("s3://music/long.wav")->duration_s, 90.7, 0.1); }), 0.1);
  // A cover picture of 3 MB precedes the audio.
  std::string tagged("ID3\4\0\0", 6);
  const std::size_t cover = 3'000'000;
  for (const int shift : {21, 14, 7, 0}) tagged += static_cast<char>(cover >> shift & 0x7f);
  tagged += std::string(cover, 'c') + golden_bytes("long.mp3");
  server_.put("tagged.mp3", tagged);
  const double duration_s = probe_file(golden_audio("long.mp3"))->duration_s;
  EXPECT_LT(share("tagged.mp3", [&] { EXPECT_EQ(probe_file("s3://music/tagged.mp3")->duration_s, duration_s); }), 0.1);
}

TEST_F(RemoteAudio, DecodingAClipFetchesOnlyAPartOfALongFile) {
  const std::string wav = long_wav(), mp3 = long_mp3();
  server_.put("long.wav", wav);
  server_.put("long.mp3", mp3);
  const auto same = [](const std::string& bytes, const std::string& key, const DecodeOptions& options) {
    const auto here = decode_text(bytes, options), there = decode_file("s3://music/" + key, options);
    ASSERT_TRUE(here && there);
    EXPECT_EQ(here->samples, there->samples);
  };
  EXPECT_LT(share("long.wav", [&] { same(wav, "long.wav", window(60, 2)); }), 0.2);
  EXPECT_LT(share("long.mp3", [&] { same(mp3, "long.mp3", window(0, 3)); }), 0.2);
  EXPECT_LT(share("long.mp3", [&] { same(mp3, "long.mp3", window(30, 3)); }), 0.5);
}

TEST_F(RemoteAudio, ALongFileTakesFewRequests) {
  const std::string mp3 = long_mp3();
  server_.put("long.mp3", mp3);
  const double late_s = 0.8 * probe_file("s3://music/long.mp3")->duration_s;  // only headers are read before
  for (const DecodeOptions& options : {DecodeOptions{}, window(late_s, 30)}) {
    const std::size_t before = server_.requests().size();
    EXPECT_TRUE(decode_file("s3://music/long.mp3", options));
    EXPECT_LE(server_.requests().size() - before, 10u);
  }
}

TEST_F(RemoteAudio, AMissingOrChangedFileIsAFault) {
  EXPECT_EQ(decode_file("s3://music/none.mp3").error().reason, "cannot be opened");
  EXPECT_THAT(probe_file("s3://music/none.mp3").error().detail, HasSubstr("no such object"));
  server_.put("empty.mp3", "");
  EXPECT_EQ(decode_file("s3://music/empty.mp3").error().reason, "empty file");
  server_.put("x.wav", long_wav());
  int reads = 0;
  server_.tamper = [&](const S3Request& request, S3Response& response) {
    if (request.method == "GET" && ++reads == 3) response.headers["ETag"] = "\"other\"";
  };
  const auto changed = decode_file("s3://music/x.wav");
  ASSERT_FALSE(changed);
  EXPECT_EQ(changed.error().reason, "cannot be read");
  EXPECT_THAT(changed.error().detail, HasSubstr("was changed while it was read"));
}

TEST_F(RemoteAudio, AFailingStoreThrows) {
  server_.put("x.wav", long_wav());
  int reads = 0;
  server_.tamper = [&](const S3Request& request, S3Response& response) {
    if (request.method == "GET" && ++reads >= 3) {
      response = {.status = 403, .headers = {}, .body = "<Error><Code>AccessDenied</Code></Error>"};
    }
  };
  EXPECT_THROW(decode_file("s3://music/x.wav"), Error);
  reads = 0;
  server_.tamper = [&](const S3Request& request, S3Response&) {
    if (request.method == "GET" && ++reads >= 3) request_interrupt();
  };
  EXPECT_THROW(decode_file("s3://music/x.wav"), Interrupted);
}

}  // namespace
}  // namespace genrewise
