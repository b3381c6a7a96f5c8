// Record files: written, read, truncated and with flipped bits.
#include <gmock/gmock.h>

#include <algorithm>
#include <cstring>
#include <fstream>

#include "genrewise/base/error.hpp"
#include "genrewise/base/interrupt.hpp"
#include "genrewise/base/random.hpp"
#include "genrewise/records/crc32c.hpp"
#include "genrewise/records/framing.hpp"
#include "genrewise/records/record_reader.hpp"
#include "genrewise/records/record_writer.hpp"
#include "support/test_support.hpp"

namespace genrewise {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::TemporaryFolder;

struct Contents {
  std::vector<std::string> payloads;
  std::vector<std::uint64_t> offsets;
  std::vector<Fault> faults;
};

Contents read_all(const std::filesystem::path& path) {
  RecordReader reader(path.string());
  Contents contents;
  Record record;
  for (;;) {
    const auto more = reader.next(record);
    if (!more) {
      contents.faults.push_back(more.error());
    } else if (*more) {
      contents.payloads.emplace_back(as_text(record.payload));
      contents.offsets.push_back(record.offset);
    } else {
      return contents;
    }
  }
}

// Not write_file(), which flushes to disk and takes seconds here.
void put_file(const std::filesystem::path& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

std::string framed(std::string_view payload) {
  const auto header = record_header(payload.size());
  const auto trailer = record_trailer(payload);
  return std::string(header.data(), header.size()) + std::string(payload) + std::string(trailer.data(), trailer.size());
}

std::string random_text(Rng& rng, std::size_t size) {
  std::string text(size, '\0');
  for (char& c : text) c = static_cast<char>(rng.next());
  return text;
}

class RecordFiles : public ::testing::TestWithParam<Compression> {};

TEST_P(RecordFiles, ReadBackWhatWasWritten) {
  const TemporaryFolder folder;
  Rng rng(2);
  std::vector<std::string> payloads = {"", "a", random_text(rng, 3'000'000), std::string(2'000'000, 'z'), ""};
  for (int i = 0; i < 500; ++i) payloads.push_back(random_text(rng, rng.below(3'000)));
  RecordWriter writer(folder / "x.tfrec", GetParam());
  for (const auto& payload : payloads) writer.write(payload);
  writer.commit();
  const auto contents = read_all(folder / "x.tfrec");
  EXPECT_TRUE(contents.faults.empty());
  EXPECT_EQ(contents.payloads, payloads);
}

TEST_P(RecordFiles, LeaveNoFilesWithoutCommit) {
  const TemporaryFolder folder;
  {
    RecordWriter writer(folder / "x.tfrec", GetParam());
    writer.write("a");
  }
  EXPECT_TRUE(folder.names().empty());
}

TEST_P(RecordFiles, GiveAllCompleteRecordsAndAFaultWhenCutAtAnyByte) {
  const TemporaryFolder folder;
  const std::vector<std::string> payloads = {"first", "", "the third one", "4"};
  RecordWriter writer(folder / "x.tfrec", GetParam());
  for (const auto& payload : payloads) writer.write(payload);
  writer.commit();
  const auto whole = read_file(folder / "x.tfrec");
  for (std::size_t size = 0; size < whole.size(); ++size) {
    put_file(folder / "cut", whole.substr(0, size));
    const auto contents = read_all(folder / "cut");
    const bool between_records = contents.faults.empty();
    ASSERT_LE(contents.payloads.size(), payloads.size()) << size;
    ASSERT_TRUE(std::equal(contents.payloads.begin(), contents.payloads.end(), payloads.begin())) << size;
    if (GetParam() == Compression::none) {
      std::size_t bytes = 0;
      for (const auto& payload : contents.payloads) bytes += payload.size() + kRecordFrameBytes;
      ASSERT_EQ(between_records, bytes == size) << size;
    } else {
      ASSERT_EQ(between_records, size == 0) << size;  // every missing byte of the stream is detected
    }
    if (!between_records) {
      ASSERT_THAT(contents.faults[0].where, HasSubstr("cut @ ")) << size;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, RecordFiles, ::testing::Values(Compression::none, Compression::gzip, Compression::zlib),
                         [](const auto& each) { return std::string(to_string(each.param)); });

TEST(RecordReader, LosesOneRecordToAnyFlippedBit) {
  const TemporaryFolder folder;
  const std::vector<std::string> payloads = {"first one", "second one", "third one"};
  const std::string whole = framed(payloads[0]) + framed(payloads[1]) + framed(payloads[2]);
  const std::size_t second = framed(payloads[0]).size(), third = second + framed(payloads[1]).size();
  for (std::size_t bit = 8 * second; bit < 8 * third; ++bit) {
    std::string flipped = whole;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    put_file(folder / "flipped", flipped);
    const auto contents = read_all(folder / "flipped");
    ASSERT_THAT(contents.payloads, ElementsAre(payloads[0], payloads[2])) << "bit " << bit;
    ASSERT_EQ(contents.faults.size(), 1u) << "bit " << bit;
    const bool in_header = bit < 8 * (second + kRecordHeaderBytes);
    ASSERT_EQ(contents.faults[0].reason, in_header ? "damaged length" : "damaged data") << "bit " << bit;
    ASSERT_THAT(contents.faults[0].where, HasSubstr("flipped @ " + std::to_string(second)));
  }
}

TEST(RecordReader, RejectsAnImpossibleLength) {
  const TemporaryFolder folder;
  for (const std::uint64_t length : {std::uint64_t{1} << 63, ~std::uint64_t{0}, std::uint64_t{1} << 40,
                                     std::uint64_t{1} << 30, std::uint64_t{100}}) {
    const auto header = record_header(length);
    put_file(folder / "liar",
             framed("good") + std::string(header.data(), header.size()) + "some bytes" + framed("next"));
    const auto contents = read_all(folder / "liar");
    EXPECT_THAT(contents.payloads, ElementsAre("good", "next")) << length;
    ASSERT_EQ(contents.faults.size(), 1u);
    EXPECT_EQ(contents.faults[0].reason, length > RecordReader::kLongestPayload ? "record too long" : "truncated");
    EXPECT_THAT(contents.faults[0].detail, HasSubstr("continues at"));
  }
}

TEST(RecordReader, DoesNotReserveMemoryForAWrongLengthInACompressedFile) {
  const TemporaryFolder folder;
  const auto header = record_header(RecordReader::kLongestPayload);
  Deflater deflater(Compression::gzip);
  std::string stored;
  deflater.write(std::string(header.data(), header.size()) + "short", stored);
  deflater.finish(stored);
  put_file(folder / "liar", stored);
  const auto contents = read_all(folder / "liar");
  EXPECT_TRUE(contents.payloads.empty());
  ASSERT_EQ(contents.faults.size(), 1u);
  EXPECT_EQ(contents.faults[0].reason, "truncated");
}

TEST(RecordReader, ReportsOneFaultForManyLengthsThatExceedTheFile) {
  const TemporaryFolder folder;
  const auto header = record_header(RecordReader::kLongestPayload - 1);
  std::string lengths;
  for (int i = 0; i < 300'000; ++i) lengths.append(header.data(), header.size());
  Deflater deflater(Compression::gzip);
  std::string stored;
  deflater.write(framed("good") + lengths + framed("last"), stored);
  deflater.finish(stored);
  put_file(folder / "liar.gz", stored);
  put_file(folder / "liar", framed("good") + lengths + framed("last"));
  for (const char* name : {"liar.gz", "liar"}) {
    const auto contents = read_all(folder / name);
    EXPECT_THAT(contents.payloads, ElementsAre("good", "last")) << name;
    ASSERT_EQ(contents.faults.size(), 1u) << name;
    EXPECT_EQ(contents.faults[0].reason, "truncated") << name;
  }
}

TEST(RecordReader, IsInterruptedInDamage) {
  const TemporaryFolder folder;
  put_file(folder / "text", std::string(1000, 'x'));
  request_interrupt();
  EXPECT_THROW(read_all(folder / "text"), Interrupted);
  clear_interrupt();
}

TEST(RecordReader, ReportsOneFaultForAFileOfAnotherKind) {
  const TemporaryFolder folder;
  put_file(folder / "text", std::string(100'000, 'x'));
  const auto contents = read_all(folder / "text");
  EXPECT_TRUE(contents.payloads.empty());
  ASSERT_EQ(contents.faults.size(), 1u);
  EXPECT_EQ(contents.faults[0].reason, "damaged length");
  EXPECT_THAT(contents.faults[0].detail, HasSubstr("100000 bytes lost"));
}

TEST(RecordReader, LeavesPayloadChecksumsToTheCallerOnRequest) {
  const TemporaryFolder folder;
  std::string flipped = framed("good") + framed("bad") + framed("last");
  flipped[framed("good").size() + kRecordHeaderBytes] = 'B';
  put_file(folder / "x", flipped);
  RecordReader reader((folder / "x").string(), PayloadSum::left_to_caller);
  std::vector<std::string> sound, unsound;
  for (Record record; reader.next(record).value();) {
    (is_sum_of(crc32c(record.payload), record.trailer) ? sound : unsound).emplace_back(as_text(record.payload));
  }
  EXPECT_THAT(sound, ElementsAre("good", "last"));
  EXPECT_THAT(unsound, ElementsAre("Bad"));
}

TEST(RecordReader, ReadsFramesOfOneLengthFollowedByOthers) {
  const TemporaryFolder folder;
  Rng rng(8);
  std::string whole;
  std::vector<std::string> payloads;
  for (int i = 0; i < 200; ++i) {  // the read size follows the length of the last frame, which is misleading here
    const std::size_t size = i % 20 < 15 ? 30'000 + rng.below(3) : rng.below(700'000);
    whole += framed(payloads.emplace_back(random_text(rng, size)));
  }
  put_file(folder / "x", whole);
  const auto contents = read_all(folder / "x");
  EXPECT_TRUE(contents.faults.empty());
  EXPECT_TRUE(contents.payloads == payloads);
}

TEST(PageBuffer, IsPageAlignedAndKeepsItsContentWhenItGrows) {
  PageBuffer buffer(5'000);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(buffer.data()) % PageBuffer::kPageBytes, 0u);
  std::ranges::fill(buffer.all(), std::byte{7});
  buffer.grow();
  ASSERT_EQ(buffer.size(), 10'000u);
  EXPECT_TRUE(std::ranges::all_of(buffer.all().first(5'000), [](std::byte byte) { return byte == std::byte{7}; }));
  buffer.reserve(9'000);
  EXPECT_EQ(buffer.size(), 10'000u);
  PageBuffer other(std::move(buffer));
  EXPECT_EQ(other.size(), 10'000u);
  EXPECT_EQ(PageBuffer::offset_in_page(3 * PageBuffer::kPageBytes + 17), 17u);
}

TEST(RecordReader, RefusesAFolderAndAMissingFile) {
  const TemporaryFolder folder;
  EXPECT_THROW(RecordReader(folder.path().string()), Error);
  EXPECT_THROW(RecordReader((folder / "missing").string()), Error);
  put_file(folder / "empty", "");
  EXPECT_TRUE(read_all(folder / "empty").faults.empty());
}

TEST(RecordReader, ReadsARecordWhoseLengthLooksLikeTheMagicNumberOfGzip) {
  const TemporaryFolder folder;
  const std::string payload(0x8b1f, 'p');
  put_file(folder / "x", framed(payload));
  EXPECT_THAT(read_all(folder / "x").payloads, ElementsAre(payload));
}

TEST(RecordReader, DetectsAFlippedBitInACompressedFile) {
  const TemporaryFolder folder;
  RecordWriter writer(folder / "x", Compression::gzip);
  Rng rng(3);
  for (int i = 0; i < 20; ++i) writer.write(random_text(rng, 200));
  writer.commit();
  const auto whole = read_file(folder / "x");
  for (std::size_t byte = 10; byte < whole.size(); byte += 7) {
    std::string flipped = whole;
    flipped[byte] = static_cast<char>(flipped[byte] ^ 0x10);
    put_file(folder / "flipped", flipped);
    ASSERT_FALSE(read_all(folder / "flipped").faults.empty()) << byte;
  }
}

TEST(Compression, AllowsReadingFromARestartPoint) {
  const TemporaryFolder folder;
  for (const auto compression : {Compression::gzip, Compression::zlib}) {
    RecordWriter writer(folder / "x", compression);
    writer.write("before before before");
    const auto point = writer.restart_point();
    writer.write("behind");
    writer.commit();
    const auto stored = read_file(folder / "x");
    std::vector<std::byte> out(framed("behind").size());
    auto in = as_bytes(stored).subspan(point);
    std::span<std::byte> target(out);
    auto inflater = Inflater::raw();
    inflater.read(in, target);
    EXPECT_TRUE(target.empty());
    EXPECT_EQ(as_text(out), framed("behind"));
    EXPECT_THAT(read_all(folder / "x").payloads, ElementsAre("before before before", "behind"));
  }
}

TEST(Compression, ReadsSeveralGzipMembersAsOneStream) {
  const TemporaryFolder folder;
  std::string stored;
  for (const char* payload : {"one", "two"}) {
    Deflater deflater(Compression::gzip);
    deflater.write(framed(payload), stored);
    deflater.finish(stored);
  }
  put_file(folder / "x", stored);
  const auto contents = read_all(folder / "x");
  EXPECT_THAT(contents.payloads, ElementsAre("one", "two"));
  EXPECT_TRUE(contents.faults.empty());
}

TEST(Compression, ParsesItsOwnNames) {
  EXPECT_EQ(parse_compression("gzip"), Compression::gzip);
  EXPECT_EQ(parse_compression("none"), Compression::none);
  EXPECT_EQ(parse_compression("brotli"), std::nullopt);
}

}  // namespace
}  // namespace genrewise
