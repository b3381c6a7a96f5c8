// Writing a tag field into a copy: it holds the values, and everything else stays what it was.
#include <gmock/gmock.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "audio/audio_test_support.hpp"
#include "audio/ffmpeg_program.hpp"
#include "audio/mp3_bytes.hpp"
#include "audio/tag_bytes.hpp"
#include "audio/wav_writer.hpp"
#include "genrewise/audio/tag_blocks.hpp"
#include "genrewise/audio/tags.hpp"

namespace genrewise {
namespace {

using namespace testing;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const std::vector<std::string> kThree{"Rock", "Jazz & Blues", "Électronique 日本"};

struct Format {
  std::string name, options;
  bool takes_picture = false;
};
std::ostream& operator<<(std::ostream& out, const Format& format) {
  return out << format.name;
}

class WriteTags : public ::testing::TestWithParam<Format> {
 protected:
  void SetUp() override {
    REQUIRE_FFMPEG();
    const Format& format = GetParam();
    const std::string picture =
        " -f lavfi -i color=red:s=64x64:d=1 -map 0 -map 1 -frames:v 1 -c:v png -disposition:v attached_pic ";
    ASSERT_TRUE(
        make_with_ffmpeg("-f lavfi -i sine=d=1:r=48000 " + (format.takes_picture ? picture : " ") + format.options +
                             " -metadata genre=Old -metadata title=Täst -metadata artist=Me -metadata track=3/9",
                         original()));
  }
  std::filesystem::path original() const { return folder_ / ("a." + GetParam().name); }
  std::filesystem::path copy() const { return folder_ / ("copy." + GetParam().name); }

  TemporaryFolder folder_;
};

TEST_P(WriteTags, StoresSeveralGenresAndKeepsEverythingElse) {
  const auto written = write_tag_copy(original(), copy(), "genre", kThree);
  ASSERT_TRUE(written) << to_string(written.error());
  EXPECT_EQ(*read_tag_field(copy(), "genre"), kThree);
  const auto tags = read_tags(copy());
  EXPECT_EQ(tags->title, "Täst");
  EXPECT_EQ(tags->artist, "Me");
  EXPECT_EQ(tags->track, 3);
  EXPECT_EQ(*audio_hash(copy()), *audio_hash(original()));
  EXPECT_EQ(decode_file(copy())->samples, decode_file(original())->samples);
  EXPECT_EQ(*read_tag_field(original(), "genre"), std::vector<std::string>{"Old"});
  if (GetParam().takes_picture) {
    const std::string bytes = read_file(original());
    const std::size_t begin = bytes.find("\x89PNG"), end = bytes.find("IEND");
    ASSERT_LT(end, bytes.size());
    EXPECT_THAT(read_file(copy()), HasSubstr(bytes.substr(begin, end - begin)));
  }
}

TEST_P(WriteTags, ReplacesAndRemovesWhatWasWritten) {
  const auto second = folder_ / "second", third = folder_ / "third";
  for (const std::string_view field : writable_tag_fields()) {
    SCOPED_TRACE(field);
    ASSERT_TRUE(write_tag_copy(original(), copy(), field, kThree));
    ASSERT_TRUE(write_tag_copy(copy(), second, field, {"日"}));
    EXPECT_THAT(*read_tag_field(second, field), ElementsAre("日"));
    ASSERT_TRUE(write_tag_copy(second, third, field, {}));
    EXPECT_THAT(*read_tag_field(third, field), IsEmpty());
    EXPECT_EQ(*audio_hash(third), *audio_hash(original()));
    for (const auto& file : {copy(), second, third}) remove_file(file);
  }
}

TEST_P(WriteTags, LeavesNoCopyWhereTheDiskIsFull) {
  const std::uint64_t size = read_file(original()).size();
  for (const std::uint64_t limit : {std::uint64_t{10}, size / 2, size - 1}) {
    const pid_t child = ::fork();
    if (child == 0) {
      const rlimit small{limit, limit};
      ::signal(SIGXFSZ, SIG_IGN);
      ::setrlimit(RLIMIT_FSIZE, &small);
      const auto problem =
          error_message([&] { static_cast<void>(write_tag_copy(original(), copy(), "genre", kThree)); });
      ::_exit(problem.find("cannot write") != std::string::npos ? 0 : 1);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << limit;
    EXPECT_THAT(folder_.names(), ElementsAre("a." + GetParam().name));
  }
}

INSTANTIATE_TEST_SUITE_P(Formats, WriteTags,
                         ::testing::Values(Format{"mp3", "", true}, Format{"mp3", "-id3v2_version 4 -write_id3v1 1"},
                                           Format{"flac", "", true}, Format{"ogg", "-c:a libvorbis"},
                                           Format{"opus", ""}, Format{"spx", "-ar 16000"}, Format{"oga", "-c:a flac"},
                                           Format{"m4a", "", true}, Format{"m4a", "-movflags +faststart"},
                                           Format{"wma", ""}, Format{"wav", ""}, Format{"wav", "-write_bext 1"},
                                           Format{"aiff", "-write_id3v2 1"}, Format{"wv", ""}, Format{"tta", ""}));

class WriteOne : public ::testing::Test {
 protected:
  /// The copy's bytes, or the fault's reason.
  std::string write(const std::string& bytes, std::string_view field, const std::vector<std::string>& values) {
    write_file(folder_ / "a", bytes);
    remove_file(folder_ / "b");
    const auto written = write_tag_copy(folder_ / "a", folder_ / "b", field, values);
    EXPECT_EQ(file_exists(folder_ / "b"), written.has_value());
    return written ? read_file(folder_ / "b") : written.error().reason;
  }
  static std::string frames() { return golden_bytes("long_no_xing.mp3"); }

  TemporaryFolder folder_;
};

TEST_F(WriteOne, KeepsTheVersionOfId3v2AndAllOtherFrames) {
  const std::string title = id3_frame(3, "TIT2",
                                      "\1"
                                      "no mark"s),
                    sort = id3_frame(3, "TSOP", "\0Sort"s, "\x40\0"s),
                    priv = id3_frame(3, "PRIV", "\0\xff\xe0\0binary"s, "\0\x20"s);
  const std::string old = id3_tag(3, title + id3_frame(3, "TCON", "\0Old"s) + sort + priv, 0, 500) + frames();
  const std::string written = write(old, "genre", {"A", "B"});
  EXPECT_EQ(written.size(), old.size()) << "the padding is used";
  EXPECT_THAT(written, HasSubstr(title + sort + priv + id3_frame(3, "TCON", "\0A/B"s)));
  EXPECT_EQ(written.substr(0, 4), "ID3\3");
  EXPECT_THAT(write(old, "genre", {"日"}), HasSubstr(id3_frame(3, "TCON", "\1\xff\xfe\xe5\x65"s)));
  EXPECT_THAT(
      write(id3_tag(2, id3_frame(2, "TT2", "\0T"s) + id3_frame(2, "TCO", "\0Old"s)) + frames(), "genre", {"A", "B"}),
      HasSubstr("ID3\2\0\0"s + syncsafe(2 * 6 + 2 + 4) + id3_frame(2, "TT2", "\0T"s) + id3_frame(2, "TCO", "\0A/B"s)));
  EXPECT_EQ(write(id3_tag(2, id3_frame(2, "TT2", "\0T"s)) + frames(), "mood", {"A"}), "value cannot be stored");
}

TEST_F(WriteOne, UndoesUnsynchronisationAndDropsAnExtendedHeader) {
  const std::string priv = id3_frame(3, "PRIV", "\xff\xe0");
  const std::string coded = id3_frame(3, "PRIV", "\xff\xe0").insert(11, 1, '\0');
  EXPECT_THAT(write(id3_tag(3, "\0\0\0\6\0\0\0\0\0\0"s + coded, 0xc0) + frames(), "genre", {"A"}),
              ::testing::StartsWith("ID3\3\0\0"s + syncsafe(12 + 12 + 1024) + priv + id3_frame(3, "TCON", "\0A"s)));
}

TEST_F(WriteOne, KeepsTheFramesBehindAnExtendedHeaderThatIsNotThere) {
  const std::string title = id3_frame(3, "TIT2", "\0T"s);
  EXPECT_THAT(write(id3_tag(3, title, 0x40) + frames(), "genre", {"A"}), HasSubstr(title));
}

TEST_F(WriteOne, FollowsBoxesThatNestOnlyToTheOffsets) {
  REQUIRE_FFMPEG();
  ASSERT_TRUE(make_with_ffmpeg("-f lavfi -i sine=d=1 -metadata genre=Rock", folder_ / "x.m4a"));
  const auto head = [](std::size_t size) { return number(size, 4, true) + "trak"; };
  const std::string more = mp4_box("moov", nested(200'000, head));
  EXPECT_EQ(write(read_file(folder_ / "x.m4a") + more, "genre", {"A"}), "value cannot be stored");
}

TEST_F(WriteOne, RefusesObjectsThatAreTooShort) {
  for (const std::size_t size : {0, 15, 23}) {
    const std::string objects = asf_object(audio::asf_object::kExtended, "\0\0"s) +
                                asf_object(audio::asf_object::kFile, std::string(size, '\0'));
    EXPECT_EQ(write(asf_of(objects), "genre", {"A"}), "damaged") << size;
  }
}

TEST_F(WriteOne, SetsTheTagsThatAnMp3HasAndAddsNoOther) {
  const std::string ape = ape_tag({ape_item("Title", "T"), ape_item("genre", "Old"), ape_item("Cover", "\0\1"s, 2)});
  const std::string both = write(frames() + ape + id3v1_tag("T", 3), "genre", {"A", "Rock"});
  EXPECT_EQ(both, frames() +
                      ape_tag({ape_item("Title", "T"), ape_item("Cover", "\0\1"s, 2), ape_item("GENRE", "A\0Rock"s)}) +
                      id3v1_tag("T", 17));
  EXPECT_THAT(write(frames() + id3v1_tag("T", 3), "genre", {"Odd"}), ::testing::StartsWith("ID3\4"));
  EXPECT_THAT(write(frames() + id3v1_tag("T", 3), "genre", {"Odd"}), ::testing::EndsWith(id3v1_tag("T", 255)));
  EXPECT_THAT(write(frames(), "genre", {"A", "B"}), HasSubstr(id3_frame(4, "TCON", "\3A\0B"s)));
  EXPECT_EQ(write(frames(), "genre", {}), frames());
  EXPECT_EQ(write(id3_tag(4, id3_frame(4, "TCON",
                                       "\3"
                                       "A")) +
                      frames(),
                  "genre", {}),
            frames());
}

TEST_F(WriteOne, KeepsCommentsOfOtherKinds) {
  const std::string tunes = id3_frame(3, "COMM", "\0engiTunNORM\0 0000"s), own = id3_frame(3, "COMM", "\0eng\0Mine"s);
  const std::string written = write(id3_tag(3, tunes + own) + frames(), "comment", {"New"});
  EXPECT_THAT(written, HasSubstr(tunes + id3_frame(3, "COMM", "\0XXX\0New"s)));
  EXPECT_THAT(written, ::testing::Not(HasSubstr("Mine")));
}

TEST_F(WriteOne, KeepsCommentsOfFlacByteForByteAndId3BeforeIt) {
  REQUIRE_FFMPEG();
  ASSERT_TRUE(make_with_ffmpeg("-f lavfi -i sine=d=1 -map_metadata -1", folder_ / "x.flac"));
  std::string flac = read_file(folder_ / "x.flac");
  const auto block = [](const std::vector<std::string>& comments) {
    const std::string bytes = flac_comments(comments);
    return "\4" + number(bytes.size(), 3, true) + bytes;
  };
  const std::size_t begin = 42, size = 4 + (read_big_endian(flac, begin) & 0xffffff);
  flac.replace(begin, size, block({"Title=Caf\xe9", "genre=Old", "odd", "Artist=a\1b"}));
  const std::string id3 = id3_tag(4, id3_frame(4, "TIT2", "\3T"));
  const std::string written = write(id3 + flac, "genre", {"A", "B"});
  EXPECT_THAT(written, HasSubstr(block({"Title=Caf\xe9", "odd", "Artist=a\1b", "GENRE=A", "GENRE=B"})));
  EXPECT_THAT(written, HasSubstr(id3_frame(4, "TIT2", "\3T")));
  EXPECT_TRUE(decode_file(folder_ / "b"));
}

TEST_F(WriteOne, RemovesAnMp4GenreNumberAndMovesTheOffsets) {
  REQUIRE_FFMPEG();
  ASSERT_TRUE(make_with_ffmpeg("-f lavfi -i sine=d=1 -movflags +faststart -metadata genre=Rock", folder_ / "x.m4a"));
  std::string bytes = read_file(folder_ / "x.m4a");
  const std::string text = mp4_text("\251gen", {"Rock"}), genre = mp4_text("gnre", {"\0\x12\0\0"s}, 0);
  ASSERT_EQ(text.size(), genre.size());
  ASSERT_NE(bytes.find(text), bytes.npos);
  bytes.replace(bytes.find(text), text.size(), genre);
  const std::string written = write(bytes, "genre", kThree);
  EXPECT_EQ(*read_tag_field(folder_ / "a", "genre"), std::vector<std::string>{"Rock"});
  EXPECT_EQ(written.find("gnre"), written.npos);
  EXPECT_EQ(decode_file(folder_ / "b")->samples, decode_file(folder_ / "a")->samples);
}

TEST_F(WriteOne, MovesTheChunkOffsetsOf64BitsThatLargeMp4sHave) {
  REQUIRE_FFMPEG();
  ASSERT_TRUE(make_with_ffmpeg("-f lavfi -i sine=d=3 -movflags +faststart -metadata genre=Rock", folder_ / "x.m4a"));
  std::string bytes = read_file(folder_ / "x.m4a");
  const std::size_t box = bytes.find("stco") - 4, size = read_big_endian(bytes, box), count = (size - 16) / 4;
  ASSERT_LT(box, bytes.find("mdat"));
  ASSERT_GE(count, 1u);
  std::string large = number(count, 4, true);
  for (std::size_t i = 0; i < count; ++i)
    large += number(read_big_endian(bytes, box + 16 + 4 * i) + 4 * count, 8, true);
  bytes.replace(box, size, mp4_box("co64", std::string(4, '\0') + large));
  for (const char* outer : {"moov", "trak", "mdia", "minf", "stbl"}) {
    const std::size_t at = bytes.find(outer) - 4;
    write_big_endian(bytes, at, static_cast<std::uint32_t>(read_big_endian(bytes, at) + 4 * count));
  }
  write(bytes, "genre", kThree);
  EXPECT_EQ(decode_file(folder_ / "a")->samples, decode_file(folder_ / "x.m4a")->samples);
  EXPECT_EQ(decode_file(folder_ / "b")->samples, decode_file(folder_ / "a")->samples);
}

TEST_F(WriteOne, MakesTheBoxesThatAnMp4LacksBeforeTheEndOfItsUserData) {
  REQUIRE_FFMPEG();
  ASSERT_TRUE(make_with_ffmpeg("-f lavfi -i sine=d=1 -fflags +bitexact -map_metadata -1", folder_ / "x.m4a"));
  std::string bytes = read_file(folder_ / "x.m4a");
  const std::size_t user = bytes.find("udta"), moov = bytes.find("moov");
  ASSERT_LT(moov, user);  // the last box of the last box
  ASSERT_EQ(user - 4 + read_big_endian(bytes, user - 4), bytes.size());
  bytes.resize(user - 4);
  bytes += mp4_box("udta", mp4_box("name", "kept") + std::string(4, '\0'));
  write_big_endian(bytes, moov - 4, static_cast<std::uint32_t>(bytes.size() - moov + 4));
  const std::string written = write(bytes, "genre", kThree);
  EXPECT_EQ(*read_tag_field(folder_ / "b", "genre"), kThree);
  EXPECT_THAT(written, HasSubstr("name"
                                 "kept"));
  EXPECT_THAT(written, ::testing::EndsWith(std::string(4, '\0')));
}

TEST_F(WriteOne, AddsPagesToOggAndNumbersTheOthers) {
  REQUIRE_FFMPEG();
  ASSERT_TRUE(make_with_ffmpeg("-f lavfi -i sine=d=2 -c:a libvorbis", folder_ / "x.ogg"));
  const std::string ogg = read_file(folder_ / "x.ogg");
  std::vector<std::string> many;
  for (int i = 0; i < 60; ++i) many.push_back(std::to_string(i) + std::string(4000, 'g'));
  const std::string large = write(ogg, "genre", many);
  EXPECT_GT(large.size(), ogg.size() + 200'000);
  EXPECT_EQ(decode_file(folder_ / "b")->samples, decode_file(folder_ / "a")->samples);
  EXPECT_LT(write(large, "genre", {"A"}).size(), ogg.size() + 100);
  EXPECT_EQ(write(ogg + ogg.substr(0, 10), "genre", {"A"}).substr(0, 4), "OggS");
}

TEST_F(WriteOne, RefusesWhatCannotBeWritten) {
  EXPECT_EQ(write("no music at all", "genre", {"A"}), "format has no writable tags");
  EXPECT_EQ(write(frames(), "genre", {"a\nb"}), "value cannot be stored");
  EXPECT_EQ(write(frames(), "genre", {""}), "value cannot be stored");
  EXPECT_EQ(write(frames(), "genre", {"\xff"}), "value cannot be stored");
  EXPECT_EQ(write(frames(), "genre", {"17"}), "value cannot be stored") << "the number of a genre";
  EXPECT_EQ(write(frames(), "genre", {std::string(5000, 'x')}), "value cannot be stored");
  EXPECT_EQ(write(id3_tag(3, "TIT2" + number(99, 4, true) + "\0\0"s) + frames(), "genre", {"A"}), "damaged");
  EXPECT_EQ(write_tag_copy(folder_ / "missing", folder_ / "c", "genre", {"A"}).error().reason, "cannot be opened");
  write_file(folder_ / "c", "kept");
  write_file(folder_ / "a", frames());
  EXPECT_THROW(static_cast<void>(write_tag_copy(folder_ / "a", folder_ / "c", "genre", {"A"})), WriteConflict);
  EXPECT_EQ(read_file(folder_ / "c"), "kept");
  EXPECT_THROW(static_cast<void>(write_tag_copy(folder_ / "a", folder_ / "d", "rating", {"A"})), Error);
}

}  // namespace
}  // namespace genrewise
