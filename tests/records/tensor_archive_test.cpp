#include "genrewise/records/tensor_archive.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <fstream>

#include "genrewise/base/error.hpp"
#include "support/test_support.hpp"

namespace genrewise {
namespace {

using ::testing::ElementsAre;
using testing::error_message;
using ::testing::HasSubstr;

std::string file_of(const std::string& header, std::size_t data_bytes = 0) {
  std::string bytes(8, '\0');
  const std::uint64_t size = header.size();
  std::memcpy(bytes.data(), &size, 8);
  return bytes + header + std::string(data_bytes, '\0');
}

std::string parse_error(const std::string& bytes) {
  return error_message([&] { TensorArchive::parse(bytes, "x.safetensors"); });
}

TEST(TensorArchiveFile, ReadsBackWhatItWrote) {
  TensorArchive archive;
  archive.metadata["words"] = "a \"quoted\"\n text ü";
  archive.put("f", std::vector<float>{1.5f, -2, 3, 4, 5, 6}, {2, 3});
  archive.put("d", std::vector<double>{0.1});
  archive.put("i", std::vector<std::int64_t>{-7, 1L << 60});
  archive.put("none", std::vector<float>{});
  const TensorArchive back = TensorArchive::parse(archive.serialise(), "back");
  EXPECT_EQ(back.metadata, archive.metadata);
  EXPECT_EQ(back.matrix("f", 3), Matrix(2, 3, {1.5f, -2, 3, 4, 5, 6}));
  EXPECT_EQ(back.number("d"), 0.1);
  EXPECT_THAT(back.integers("i", 2), ElementsAre(-7, 1L << 60));
  EXPECT_EQ(back.count("none"), 0);
  EXPECT_EQ(back.tensors().size(), 4);
}

TEST(TensorArchiveFile, ReadsAFileAsTheReferenceLibraryWritesIt) {
  const std::string header = R"({"__metadata__":{"format":"pt"},"b":{"dtype":"F16","shape":[2],"data_offsets":[4,8]},)"
                             R"("a":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}   )";
  const TensorArchive archive = TensorArchive::parse(file_of(header, 8), "x");
  EXPECT_EQ(archive.metadata.at("format"), "pt");
  EXPECT_THAT(archive.floats("a", 1), ElementsAre(0));
  EXPECT_EQ(archive.tensor("b").dtype, "F16");
  EXPECT_EQ(archive.tensor("b").bytes.size(), 4);
}

TEST(TensorArchiveFile, StaysValidWhenItMoves) {
  TensorArchive archive;
  archive.put("a", std::vector<float>{1});
  TensorArchive moved = std::move(archive);
  moved.put("b", std::vector<float>{2});
  EXPECT_THAT(moved.floats("a", 1), ElementsAre(1));
}

TEST(TensorArchiveFile, ChecksEveryNumberOfAForeignHeader) {
  const auto tensor = [](const std::string& dtype, const std::string& shape, const std::string& offsets) {
    return R"({"t":{"dtype":")" + dtype + R"(","shape":)" + shape + R"(,"data_offsets":)" + offsets + "}}";
  };
  EXPECT_EQ(parse_error(file_of(tensor("F32", "[2]", "[0,8]"), 8)), "no error");
  EXPECT_THAT(parse_error(file_of(tensor("F32", "[2]", "[0,8]"), 7)), HasSubstr("outside"));
  EXPECT_THAT(parse_error(file_of(tensor("F32", "[2]", "[0,8]"), 9)), HasSubstr("1 bytes after the last"));
  EXPECT_THAT(parse_error(file_of(tensor("F32", "[3]", "[0,8]"), 8)), HasSubstr("does not match"));
  EXPECT_THAT(parse_error(file_of(tensor("F32", "[4611686018427387904,4]", "[0,0]"))), HasSubstr("does not match"));
  EXPECT_THAT(parse_error(file_of(tensor("F32", "[-2]", "[0,8]"), 8)), HasSubstr("whole numbers"));
  EXPECT_THAT(parse_error(file_of(tensor("F32", "[2.5]", "[0,8]"), 8)), HasSubstr("whole numbers"));
  EXPECT_THAT(parse_error(file_of(tensor("F32", "2", "[0,8]"), 8)), HasSubstr("not a list"));
  EXPECT_THAT(parse_error(file_of(tensor("F32", "[2]", "[8,0]"), 8)), HasSubstr("outside"));
  EXPECT_THAT(parse_error(file_of(tensor("F32", "[2]", "[-8,0]"), 8)), HasSubstr("outside"));
  EXPECT_THAT(parse_error(file_of(tensor("F32", "[2]", "[0]"), 8)), HasSubstr("outside"));
  EXPECT_THAT(parse_error(file_of(tensor("F31", "[2]", "[0,8]"), 8)), HasSubstr("unknown dtype"));
  EXPECT_THAT(parse_error(file_of(R"({"t":{"dtype":"F32","shape":[2]}})", 8)), HasSubstr("lacks"));
  EXPECT_THAT(parse_error(file_of(R"({"t":7})")), HasSubstr("lacks"));
  EXPECT_THAT(parse_error(file_of(R"({"__metadata__":{"a":1}})")), HasSubstr("not text"));
  EXPECT_THAT(parse_error(file_of("[1]")), HasSubstr("not a JSON object"));
  EXPECT_THAT(parse_error(file_of("{")), HasSubstr("not a JSON object"));
  EXPECT_THAT(parse_error(file_of(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},)"
                                  R"("b":{"dtype":"U8","shape":[4],"data_offsets":[2,6]}})",
                                  6)),
              HasSubstr("overlap"));
  EXPECT_THAT(parse_error(std::string(8, '\xff') + "{}"), HasSubstr("not a header length"));
  EXPECT_THAT(parse_error(std::string("\x10\0\0\0\0\0\0\0{}", 10)), HasSubstr("truncated in its header"));
  EXPECT_THAT(parse_error("short"), HasSubstr("5 bytes"));
}

TEST(TensorArchiveFile, HasNoMatrixOfMoreRowsThanValues) {
  const TensorArchive archive = TensorArchive::parse(
      file_of(R"({"t":{"dtype":"F32","shape":[4611686018427387904,0],"data_offsets":[0,0]}})"), "x");
  EXPECT_THAT(error_message([&] { archive.matrix("t", 0); }), HasSubstr("not a matrix of 0 columns"));
}

TEST(TensorArchiveFile, IsSealedOnRequestAndAnyFlippedBitOfItsValuesBreaksTheSeal) {
  TensorArchive archive("m");
  archive.metadata["step"] = "3";
  archive.put("f", std::vector<float>{1, 2}, {1, 2});
  EXPECT_EQ(TensorArchive::parse(archive.serialise(), "m").seal(), Seal::absent);
  const std::string bytes = archive.serialise_sealed();
  const TensorArchive read = TensorArchive::parse(bytes, "m");
  EXPECT_EQ(read.seal(), Seal::sound);
  EXPECT_EQ(read.floats("f", 2), (std::vector<float>{1, 2}));
  for (std::size_t at = bytes.size() - 8; at < bytes.size(); ++at) {
    std::string flipped = bytes;
    flipped[at] = static_cast<char>(flipped[at] ^ 1);
    EXPECT_EQ(TensorArchive::parse(flipped, "m").seal(), Seal::broken) << at;
  }
  std::string edited = bytes;
  edited.replace(edited.find(R"("step":"3")"), 10, R"("step":"4")");
  EXPECT_EQ(TensorArchive::parse(edited, "m").seal(), Seal::broken);
}

TEST(TensorArchiveFile, RefusesMissingTensorsAndOtherTypesOrShapes) {
  TensorArchive archive("m.gwm");
  archive.put("f", std::vector<float>{1, 2}, {1, 2});
  EXPECT_THROW(archive.tensor("g"), Error);
  EXPECT_THROW(archive.doubles("f", 2), Error);
  EXPECT_THROW(archive.floats("f", 3), Error);
  EXPECT_THROW(archive.matrix("f", 1), Error);
  EXPECT_THROW(archive.put("h", std::vector<float>{1, 2}, {3}), Error);
  archive.metadata["bad"] = "\xff";
  EXPECT_THROW(archive.serialise(), Error);
}

TEST(TensorArchiveFile, KnowsTheSizeOfEveryTypeOfNumber) {
  const std::pair<const char*, int> sizes[] = {{"BOOL", 1}, {"U8", 1},   {"I8", 1},  {"I16", 2}, {"U16", 2},
                                               {"F16", 2},  {"BF16", 2}, {"I32", 4}, {"U32", 4}, {"F32", 4},
                                               {"F64", 8},  {"I64", 8},  {"U64", 8}};
  for (const auto& [dtype, size] : sizes) {
    const std::string bytes = std::to_string(3 * size);
    const std::string header =
        std::string(R"({"t":{"dtype":")") + dtype + R"(","shape":[3],"data_offsets":[0,)" + bytes + "]}}";
    EXPECT_EQ(parse_error(file_of(header, static_cast<std::size_t>(3 * size))), "no error") << dtype;
  }
}

TEST(TensorArchiveFile, HasAtMostSixteenDimensions) {
  const auto error = [](int dimensions) {
    std::string shape = "1";
    for (int i = 1; i < dimensions; ++i) shape += ",1";
    return parse_error(file_of(R"({"t":{"dtype":"U8","shape":[)" + shape + R"(],"data_offsets":[0,1]}})", 1));
  };
  EXPECT_EQ(error(16), "no error");
  EXPECT_THAT(error(17), HasSubstr("at most 16 sizes"));
}

TEST(TensorArchiveFile, MayHaveNoTensorsButNoGapsBetweenThem) {
  EXPECT_EQ(parse_error(file_of("{}")), "no error");
  EXPECT_THAT(parse_error(std::string(7, '\0')), HasSubstr("it has only 7 bytes"));
  EXPECT_THAT(parse_error(std::string(8, '\0')), HasSubstr("its header is not a JSON object (is empty)"));
  EXPECT_THAT(parse_error(file_of(R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}})", 3)), HasSubstr("gaps"));
  std::string longest(8, '\0');  // a header length of 100,000,000 and of one more
  const std::uint64_t allowed = 100'000'000, refused = allowed + 1;
  std::memcpy(longest.data(), &allowed, 8);
  EXPECT_THAT(parse_error(longest), HasSubstr("truncated in its header"));
  std::memcpy(longest.data(), &refused, 8);
  EXPECT_THAT(parse_error(longest), HasSubstr("not a header length"));
}

TEST(TensorArchiveFile, IsReadFromAPathAndRefusedIfItWasEditedAfterItWasSealed) {
  const testing::TemporaryFolder folder;
  TensorArchive archive;
  archive.put("m", Matrix(2, 3, {1, 2, 3, 4, 5, 6}));
  archive.put("copy", archive.tensor("m"));
  const std::string sealed = archive.serialise_sealed();
  const auto path = folder / "m.gwm";
  std::ofstream(path, std::ios::binary) << sealed;
  EXPECT_EQ(TensorArchive::read_sealed(path, "train again").matrix("copy", 3), Matrix(2, 3, {1, 2, 3, 4, 5, 6}));
  std::string edited = sealed;
  edited.back() = static_cast<char>(edited.back() ^ 1);
  std::ofstream(path, std::ios::binary) << edited;
  EXPECT_EQ(TensorArchive::read(path).seal(), Seal::broken);
  EXPECT_EQ(error_message([&] { TensorArchive::read_sealed(path, "train again"); }),
            path.string() + ": was changed or damaged (its checksum does not fit); train again");
  std::ofstream(path, std::ios::binary) << archive.serialise();
  EXPECT_EQ(TensorArchive::read_sealed(path, "").matrix("m", 3).rows(), 2u);  // one without a checksum
}

}  // namespace
}  // namespace genrewise
