// Reading tags: each kind, and those whose encoding or length is not what they state.
#include "genrewise/audio/tags.hpp"

#include <gmock/gmock.h>

#include <algorithm>

#include "audio/audio_test_support.hpp"
#include "audio/ffmpeg_program.hpp"
#include "audio/tag_bytes.hpp"
#include "audio/wav_writer.hpp"
#include "genrewise/audio/isolation.hpp"
#include "genrewise/audio/tag_blocks.hpp"
#include "genrewise/base/runtime.hpp"
#include "support/stores_of_server.hpp"

namespace genrewise {
namespace {

using namespace testing;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

Tags tags_of(const std::string& bytes) {
  const TemporaryFolder folder;
  write_file(folder / "x", bytes);
  const auto tags = read_tags(folder / "x");
  EXPECT_TRUE(tags) << to_string(tags.error());
  return tags.value_or(Tags{});
}
std::vector<std::string> genres_in(int version, const std::string& body) {
  return tags_of(id3_tag(version, id3_frame(version, version == 2 ? "TCO" : "TCON", body))).genres;
}
std::string title_in(int version, const std::string& body) {
  return tags_of(id3_tag(version, id3_frame(version, version == 2 ? "TT2" : "TIT2", body))).title;
}
std::string wide(const std::u16string& text, bool big_endian) {
  std::string bytes;
  for (const char16_t unit : text) bytes += number(unit, 2, big_endian);
  return bytes;
}

TEST(Tags, OfEachFormatAreReadWithTheirFields) {
  REQUIRE_FFMPEG();
  const TemporaryFolder folder;
  for (const char* name :
       {"a.mp3", "a.flac", "a.ogg", "a.opus", "a.spx", "a.oga", "a.m4a", "a.wma", "a.aiff", "a.wav", "a.wv", "a.tta"}) {
    SCOPED_TRACE(name);
    const std::string ending = name + 2;
    const std::string options = ending == "ogg"    ? "-c:a libvorbis"
                                : ending == "oga"  ? "-c:a flac"
                                : ending == "spx"  ? "-ar 16000"
                                : ending == "aiff" ? "-write_id3v2 1"
                                                   : "";
    ASSERT_TRUE(make_with_ffmpeg("-f lavfi -i sine=d=1:r=48000 " + options +
                                     " -metadata genre='Électronique 日本' -metadata title=Täst -metadata artist=Me "
                                     "-metadata album=Alb -metadata album_artist=AA -metadata track=3/9 -metadata "
                                     "date=2001-02-03",
                                 folder / name));
    const auto tags = read_tags(folder / name);
    ASSERT_TRUE(tags);
    EXPECT_THAT(tags->genres, ElementsAre("Électronique 日本"));
    EXPECT_EQ(tags->title, "Täst");
    EXPECT_EQ(tags->artist, "Me");
    EXPECT_EQ(tags->album, "Alb");
    EXPECT_EQ(tags->album_artist, ending == "wav" ? "" : "AA");
    EXPECT_EQ(tags->track, 3);
    EXPECT_EQ(tags->year, 2001);
  }
}

TEST(Tags, AreEmptyWhereAFormatHasNoneAndFaultsWhereAFileCannotBeRead) {
  EXPECT_THAT(tags_of(wav_of(std::vector<std::int16_t>(99), 1, 8000)).genres, IsEmpty());
  EXPECT_THAT(tags_of("no music at all").genres, IsEmpty());
  EXPECT_THAT(tags_of("x").genres, IsEmpty());
  const TemporaryFolder folder;
  write_file(folder / "empty", "");
  EXPECT_EQ(read_tags(folder / "empty").error().reason, "empty file");
  EXPECT_EQ(read_tags(folder / "missing").error().reason, "cannot be opened");
  EXPECT_EQ(read_tags(folder.path()).error().reason, "cannot be opened");
}

TEST(Tags, ResolveTheNumbersOfId3Genres) {
  EXPECT_THAT(genres_in(3, "\0(17)"s), ElementsAre("Rock"));
  EXPECT_THAT(genres_in(4, "\3"s + "17"), ElementsAre("Rock"));
  EXPECT_THAT(genres_in(3, "\0(17)Rock"s), ElementsAre("Rock"));
  EXPECT_THAT(genres_in(3, "\0(4)Eurodisco"s), ElementsAre("Disco", "Eurodisco"));
  EXPECT_THAT(genres_in(3, "\0(17)(8)"s), ElementsAre("Rock", "Jazz"));
  EXPECT_THAT(genres_in(3, "\0(RX)(CR)"s), ElementsAre("Remix", "Cover"));
  EXPECT_THAT(genres_in(3, "\0((odd) name"s), ElementsAre("(odd) name"));
  EXPECT_THAT(genres_in(3, "\0(odd) name"s), ElementsAre("(odd) name"));
  EXPECT_THAT(genres_in(3, "\0(255)"s), IsEmpty());
  EXPECT_THAT(genres_in(2, "\0(17)"s), ElementsAre("Rock"));
  EXPECT_THAT(genres_in(4, "\0Rock; Pop"s), ElementsAre("Rock; Pop"));
  EXPECT_THAT(genres_in(4, "\3Rock\0Pop\0\0"s), ElementsAre("Rock", "Pop"));
  EXPECT_THAT(tags_of(id3v1_tag("T", 17)).genres, ElementsAre("Rock"));
  EXPECT_THAT(tags_of(id3v1_tag("T", 255)).genres, IsEmpty());
  EXPECT_THAT(tags_of(mp4_of(mp4_text("gnre", {"\0\x12"s}, 0))).genres, ElementsAre("Rock"));
}

TEST(Tags, HaveAllValuesOfAGenre) {
  EXPECT_THAT(tags_of(flac_of({"genre=Rock", "Artist=A", "GENRE=Pop", "ARTIST=B"})).genres, ElementsAre("Rock", "Pop"));
  EXPECT_EQ(tags_of(flac_of({"genre=Rock", "Artist=A", "GENRE=Pop", "ARTIST=B"})).artist, "A; B");
  EXPECT_THAT(tags_of(mp4_of(mp4_text("\251gen", {"Rock", "Pop"}))).genres, ElementsAre("Rock", "Pop"));
  EXPECT_THAT(tags_of(mp4_of(mp4_text("\251gen", {"Rock"}) + mp4_text("\251gen", {"Pop"}))).genres,
              ElementsAre("Rock", "Pop"));
  EXPECT_THAT(tags_of("audio" + ape_tag({ape_item("Genre", "Rock\0Pop"s)})).genres, ElementsAre("Rock", "Pop"));
  const auto frames = id3_frame(4, "TCON", "\3Rock") + id3_frame(4, "TCON", "\3Pop");
  EXPECT_THAT(tags_of(id3_tag(4, frames)).genres, ElementsAre("Rock", "Pop"));
  std::vector<std::string> many;
  for (int i = 0; i < 100; ++i) many.push_back("GENRE=g" + std::to_string(i));
  EXPECT_EQ(tags_of(flac_of(many)).genres.size(), 64u);
}

TEST(Tags, OfAsfObjectsThatNestAreReadWithoutRecursion) {
  const auto head = [](std::size_t size) {
    return std::string(audio::asf_object::kExtension) + number(size, 8, false) + std::string(22, '\0');
  };
  EXPECT_EQ(tags_of(asf_of(nested(100'000, head))).title, "");
}

TEST(Tags, OfOggFlacWhoseCommentsAreCutAreEmpty) {
  REQUIRE_FFMPEG();
  const TemporaryFolder folder;
  ASSERT_TRUE(make_with_ffmpeg("-f lavfi -i sine=d=0.3 -c:a flac -metadata title=T", folder / "a.oga"));
  std::string bytes = read_file(folder / "a.oga");
  const std::size_t second = bytes.find("OggS", 4);
  ASSERT_NE(second, bytes.npos);
  for (char size = 1; size < 6; ++size) {
    bytes[second + 26] = 1, bytes[second + 27] = size;
    EXPECT_EQ(tags_of(bytes).title, "");
  }
}

TEST(Tags, HaveTheYearOfADateInAnyForm) {
  for (const auto& [date, year] : std::initializer_list<std::pair<const char*, int>>{
           {"20210517", 2021}, {"17.05.2001", 2001}, {"2001-05-17T10:00", 2001}, {"20210517101500", 2021}, {"99", 0}})
    EXPECT_EQ(tags_of(flac_of({"DATE="s + date})).year, year) << date;
}

TEST(Tags, OfTensOfThousandsOfValuesAreReadInLinearTime) {
  std::vector<std::string> many;
  for (int i = 0; i < 70'000; ++i) many.push_back("GENRE=genre " + std::to_string(i));
  many.insert(many.begin(), "TITLE=T");
  const Tags tags = tags_of(flac_of(many));
  EXPECT_EQ(tags.title, "T");
  EXPECT_EQ(tags.genres.size(), 64u);
}

TEST(Tags, OfACutFlacBlockEndWithTheFile) {
  const std::string whole = flac_of({"TITLE=Long", "GENRE=Rock"});
  for (std::size_t cut = 1; cut < 20; ++cut) {
    const std::string bytes = whole.substr(0, whole.size() - cut);
    audio::ByteSource source(std::as_bytes(std::span(bytes)));
    const audio::FileTags found = audio::find_tags(source);
    const auto comments = std::ranges::find(found.blocks, audio::TagKind::vorbis, &audio::TagBlock::kind);
    ASSERT_NE(comments, found.blocks.end()) << cut;
    EXPECT_EQ(comments->end, static_cast<std::int64_t>(bytes.size())) << cut;
    EXPECT_FALSE(comments->is_whole) << cut;
  }
}

TEST(Tags, InAWrongEncodingAreRecognised) {
  const std::string little = wide(u"Jazz é", false), big = wide(u"Jazz é", true);
  EXPECT_EQ(title_in(3, "\1\xff\xfe" + little), "Jazz é");
  EXPECT_EQ(title_in(3, "\1\xfe\xff" + big), "Jazz é");
  EXPECT_EQ(title_in(3, "\1" + little), "Jazz é") << "without a byte order mark";
  EXPECT_EQ(title_in(3, "\1" + big), "Jazz é");
  EXPECT_EQ(title_in(4, "\2" + little), "Jazz é") << "little-endian stated as big-endian";
  EXPECT_EQ(title_in(4, "\2" + big + "\0\0"s), "Jazz é");
  EXPECT_EQ(title_in(4, "\2" + wide(u"日本", true)), "日本");
  EXPECT_EQ(title_in(3, "\1\xff\xfe" + wide(u"𝄞", false)), "𝄞");
  EXPECT_EQ(title_in(3, "\1\xff\xfe" + wide(u"\ud7ff\ue000", false)), "\ud7ff\ue000") << "beside the halves of pairs";
  EXPECT_EQ(title_in(3, "\1\xff\xfe" + wide(u"a\xd834", false)), "a\xef\xbf\xbd") << "half of a pair";
  EXPECT_EQ(title_in(4, "\3Caf\xe9"), "Café") << "Latin-1 stated as UTF-8";
  for (const std::string text : {"\xf0\x9f\x8e\xb5 𝄞 日本 é", "\xf4\x8f\xbf\xbf", "\xe0\xa0\x80", "\xf0\x90\x80\x80"})
    EXPECT_EQ(title_in(4, "\3" + text), text);
  // Not UTF-8, so Latin-1: longer than necessary, half of a pair, no code point, cut.
  for (const std::string text : {"\xc0\xaf", "\xe0\x9f\xbf", "\xf0\x8f\xbf\xbf", "\xed\xa0\x80", "\xf4\x90\x80\x80",
                                 "\xf5\x80\x80\x80", "\xe2\x82"})
    EXPECT_EQ(title_in(4, "\3a" + text).substr(0, 3), "a" + title_in(3, "\0"s + text.substr(0, 1)).substr(0, 2));
  EXPECT_EQ(title_in(3, "\0Caf\xe9"s), "Café");
  EXPECT_EQ(title_in(3, "\0Café"s), "Café") << "UTF-8 stated as Latin-1";
  EXPECT_EQ(title_in(4, "\3Caf\xc3\x83\xc2\xa9"), "Café") << "converted twice";
  EXPECT_EQ(tags_of(flac_of({"TITLE=Caf\xe9"})).title, "Café");
  EXPECT_EQ(tags_of("audio" + ape_tag({ape_item("Title", "Caf\xe9")})).title, "Café");
  EXPECT_EQ(tags_of(mp4_of(mp4_text("\251nam", {"Caf\xe9"}))).title, "Café");
  EXPECT_EQ(tags_of(id3v1_tag("Café", 0)).title, "Café");
}

TEST(Tags, AreWithoutControlCharactersAndBounded) {
  EXPECT_EQ(title_in(4, "\3  a\tb\nc\x7f\x01  "), "a b c");
  EXPECT_EQ(title_in(4, "\3\xef\xbb\xbfTitle\0leftover"s), "Title; leftover");
  EXPECT_EQ(tags_of(id3v1_tag("Title\0old text"s, 0)).title, "Title");
  EXPECT_EQ(title_in(4, "\3 \0 "s), "");
  std::string text;
  while (text.size() < 100'000) text += "日本";
  const std::string title = title_in(4, "\3" + text);
  EXPECT_GT(title.size(), 4000u);
  EXPECT_LE(title.size(), 4096u);
  EXPECT_EQ(title.size() % 3, 0u);
  EXPECT_EQ(title, text.substr(0, title.size()));
}

TEST(Tags, OfSeveralKindsAreTakenPerFieldInTheirOrder) {
  const std::string id3 = id3_tag(4, id3_frame(4, "TIT2",
                                               "\3"
                                               "2"));
  const std::string ape = ape_tag({ape_item("Title", "ape"), ape_item("Artist", "A")});
  const Tags all = tags_of(id3 + "audio" + ape + id3v1_tag("1", 17));
  EXPECT_EQ(all.title, "2");
  EXPECT_EQ(all.artist, "A");
  EXPECT_THAT(all.genres, ElementsAre("Rock"));
  EXPECT_EQ(tags_of("audio" + ape + id3v1_tag("1", 17)).title, "ape");
  const Tags flac = tags_of(id3_tag(4, id3_frame(4, "TIT2",
                                                 "\3"
                                                 "2") +
                                           id3_frame(4, "TPE1",
                                                     "\3"
                                                     "A")) +
                            flac_of({"TITLE=flac"}));
  EXPECT_EQ(flac.title, "flac");
  EXPECT_EQ(flac.artist, "A");
}

TEST(Tags, OfOddId3v2AreRead) {
  const std::string title = id3_frame(3, "TIT2", "\0T"s);
  EXPECT_EQ(tags_of(id3_tag(3, "\0\0\0\6\0\0\0\0\0\0"s + title, 0x40)).title, "T") << "extended header";
  EXPECT_EQ(tags_of(id3_tag(4, "\0\0\0\6\1\0"s + id3_frame(4, "TIT2", "\3T"), 0x40)).title, "T");
  EXPECT_EQ(tags_of(id3_tag(3, id3_frame(3, "TIT2", "\1\xff\xfe" + wide(u"T", false)).insert(12, 1, '\0'), 0x80)).title,
            "T")
      << "unsynchronised";
  EXPECT_EQ(tags_of(id3_tag(4, id3_frame(4, "TIT2", "\1\xff\0\xfeT\0"s, "\0\2"s))).title, "T");
  EXPECT_EQ(tags_of(id3_tag(3, id3_frame(3, "TT2\0"s, "\0T"s))).title, "T") << "an id of version 2.2";
  const std::string large = "TXXX" + number(300, 4, true) + "\0\0"s + "\3" + std::string(299, 'x');
  EXPECT_EQ(tags_of(id3_tag(4, large + id3_frame(4, "TIT2", "\3T"))).title, "T") << "plain sizes";
  EXPECT_EQ(tags_of(id3_tag(3, id3_frame(3, "TIT2", "zip", "\0\x80"s) + id3_frame(3, "TPE1", "\0A"s))).artist, "A");
  EXPECT_EQ(tags_of(id3_tag(3, title + "garbage, no frame")).title, "T");
  EXPECT_EQ(tags_of(id3_tag(3, title, 0x40)).title, "T") << "no extended header";
}

TEST(Tags, WithLargePicturesAndPaddingAreRead) {
  const TemporaryFolder folder;
  const std::string frames =
      id3_frame(4, "APIC", "\3image/png\0\3\0"s + std::string(10 << 20, 'p')) + id3_frame(4, "TIT2", "\3T");
  write_file(folder / "picture", id3_tag(4, frames));
  write_file(folder / "padding", id3_tag(4, id3_frame(4, "TIT2", "\3T"), 0, 100 << 20));
  EXPECT_EQ(read_tags(folder / "picture")->title, "T");
  EXPECT_EQ(read_tags(folder / "padding")->title, "T");
}

TEST(Tags, OfCutAndDamagedFilesNeverCrash) {
  REQUIRE_FFMPEG();
  const TemporaryFolder folder;
  for (const char* name : {"a.mp3", "a.flac", "a.ogg", "a.opus", "a.m4a", "a.wma", "a.aiff", "a.wav", "a.wv"}) {
    SCOPED_TRACE(name);
    ASSERT_TRUE(
        make_with_ffmpeg("-f lavfi -i sine=d=0.3:r=48000 -metadata genre=Rock -metadata title=T", folder / name));
    const std::string whole = read_file(folder / name);
    for (std::size_t i = 1; i <= 20; ++i) {
      std::string bytes = i < 11 ? whole.substr(0, whole.size() * i / 21 / (i < 5 ? 20 : 1)) : whole;
      for (std::size_t k = 0; i >= 11 && k < 40; ++k)
        bytes[(k * 37 + i * 11) % std::min<std::size_t>(900, bytes.size())] ^= static_cast<char>(k * i);
      if (bytes.empty()) continue;
      write_file(folder / "broken", bytes);
      EXPECT_TRUE(read_tags(folder / "broken"));
      static_cast<void>(audio_hash(folder / "broken"));
      const auto written = write_tag_copy(folder / "broken", folder / "copy", "genre", {"Pop"});
      EXPECT_EQ(file_exists(folder / "copy"), written.has_value());
      if (written) {
        EXPECT_THAT(*read_tag_field(folder / "copy", "genre"), ElementsAre("Pop"));
      }
      remove_file(folder / "copy");
    }
  }
}

TEST(Tags, AndHashesOfAWorkerAreTheSame) {
  Runtime runtime;
  const UseRuntime use(runtime);
  const TemporaryFolder folder;
  const auto tagged = id3_tag(4, id3_frame(4, "TCON", "\3Rock\0Pop"s) + id3_frame(4, "TIT2", "\3Täst"));
  const std::string wav = wav_of(std::vector<std::int16_t>(900, 7), 1, 8000);
  write_file(folder / "a.wav", wav + "id3 " + number(tagged.size(), 4, false) + tagged);
  write_file(folder / "text.mp3", "no music");
  write_file(folder / "crash.wav", wav + "FAULT crash");
  const auto hash = audio_hash(folder / "a.wav");
  const auto no_hash = audio_hash(folder / "text.mp3");
  isolate_decoding(DecodeIsolation{.worker = bin_folder() / "faulty_decode_worker"});
  const auto tags = read_tags(folder / "a.wav");
  ASSERT_TRUE(tags && hash && !no_hash);
  EXPECT_THAT(tags->genres, ElementsAre("Rock", "Pop"));
  EXPECT_EQ(tags->title, "Täst");
  EXPECT_EQ(*audio_hash(folder / "a.wav"), *hash);
  EXPECT_EQ(to_string(audio_hash(folder / "text.mp3").error()), to_string(no_hash.error()));
  EXPECT_EQ(read_tags(folder / "crash.wav").error().reason, "decoder crashed (signal 11)");
  EXPECT_EQ(audio_hash(folder / "crash.wav").error().reason, "decoder crashed (signal 11)");
  EXPECT_EQ(read_tags(folder / "a.wav")->title, "Täst");
}

TEST(Tags, OfAnObjectAreReadByRanges) {
  S3Server server;
  const StoresOfServer stores(server);
  std::string bytes = id3_tag(4, id3_frame(4, "TIT2", "\3T"), 0, 1 << 20) + std::string(8 << 20, 'x') +
                      ape_tag({ape_item("Genre", "Rock")});
  server.put("a.mp3", bytes);
  const std::uint64_t before = server.sent_bytes();
  const auto tags = read_tags("s3://music/a.mp3");
  ASSERT_TRUE(tags);
  EXPECT_EQ(tags->title, "T");
  EXPECT_THAT(tags->genres, ElementsAre("Rock"));
  EXPECT_LT(server.sent_bytes() - before, 400'000u);
}

TEST(AudioHash, IsThatOfTheAudioAlone) {
  const TemporaryFolder folder;
  const auto hash_of = [&](const std::string& bytes, std::uint64_t most = ~std::uint64_t{0}) {
    write_file(folder / "x", bytes);
    return audio_hash(folder / "x", most).value_or("fault");
  };
  const std::string mp3 = golden_bytes("long_no_xing.mp3"), hash = hash_of(mp3);
  EXPECT_EQ(hash.size(), 64u);
  const std::string id3 = id3_tag(4, id3_frame(4, "TIT2", "\3T"), 0, 3000);
  EXPECT_EQ(hash_of(id3 + mp3), hash);
  EXPECT_EQ(hash_of(mp3 + id3v1_tag("T", 1)), hash);
  EXPECT_EQ(hash_of(mp3 + ape_tag({ape_item("Genre", "Rock")}) + id3v1_tag("T", 1)), hash);
  std::string changed = mp3;
  changed[mp3.size() / 2] ^= 1;
  EXPECT_NE(hash_of(changed), hash);
  EXPECT_EQ(hash_of(changed, 1000), hash_of(mp3, 1000));
  EXPECT_NE(hash_of(mp3, 1000), hash);
  EXPECT_NE(hash_of(wav_of(std::vector<std::int16_t>(99), 1, 8000)),
            hash_of(wav_of(std::vector<std::int16_t>(99), 1, 9000)));
  EXPECT_EQ(hash_of("no music"), "fault");
}

}  // namespace
}  // namespace genrewise
