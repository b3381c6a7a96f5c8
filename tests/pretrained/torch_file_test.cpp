// PyTorch files that were made to take the reader's memory, time or stack.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "genrewise/base/error.hpp"
#include "genrewise/pretrained/weights/formats.hpp"
#include "support/test_support.hpp"
#include "support/zip_writer.hpp"

namespace genrewise {
namespace {

using testing::error_message;
using ::testing::HasSubstr;
using testing::write_zip;

template <class Value>
std::string little_endian(Value value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

TensorArchive read_torch_file(const std::string& bytes) {
  return parse_torch_file(read_archive(bytes, "made.pt"), "made.pt");
}

std::string message(const std::string& pickle, const std::string& values = std::string(400, '\0')) {
  return error_message([&] { read_torch_file(write_zip({{"a/data.pkl", pickle}, {"a/data/0", values}})); });
}

std::string repeated(std::string_view text, std::size_t count) {
  std::string all;
  all.reserve(text.size() * count);
  for (std::size_t i = 0; i < count; ++i) all += text;
  return all;
}

std::string pickled_text(std::string_view text) {
  return std::string("\x8c") + static_cast<char>(text.size()) + std::string(text);
}

/// A tensor of 100 values of the storage "0".
std::string tensor() {
  return "ctorch._utils\n_rebuild_tensor_v2\n((" + pickled_text("storage") + "ctorch\nFloatStorage\n" +
         pickled_text("0") + pickled_text("cpu") + "KdtQK" + std::string(1, '\0') + "Kd\x85K\x01\x85\x89)tR";
}

TEST(MadeTorchFile, IsReadWhenItHoldsATensor) {
  const std::string pickle = "\x80\x02}" + pickled_text("weight") + tensor() + "s.";
  const TensorArchive archive =
      read_torch_file(write_zip({{"a/data.pkl", pickle}, {"a/data/0", std::string(400, '\0')}}));
  EXPECT_EQ(archive.tensor("weight").shape, std::vector<std::size_t>{100});
}

TEST(MadeTorchFile, WithAFlippedBitInItsValuesIsRefused) {
  std::string bytes = write_zip(
      {{"a/data.pkl", "\x80\x02}" + pickled_text("weight") + tensor() + "s."}, {"a/data/0", std::string(400, '\1')}});
  bytes[bytes.find(std::string(400, '\1')) + 17] = '\3';
  EXPECT_THAT(error_message([&] { read_torch_file(bytes); }), HasSubstr("CRC"));
}

TEST(MadeTorchFile, OfAMillionNestedTuplesIsRefusedWithoutRecursion) {
  EXPECT_THAT(message("\x80\x02)" + repeated("\x85", 1'000'000) + "."), HasSubstr("no dictionary"));
  EXPECT_THAT(message("\x80\x02)" + repeated("\x85", 2'000'000) + "."), HasSubstr("more than a million values"));
}

TEST(MadeTorchFile, OfSharedDictionariesIsRefusedAfterABoundedNumberOfVisits) {
  // Eight levels, each of 100 references to the one below: 10^16 visits.
  std::string pickle = "\x80\x02}" + pickled_text("weight") + tensor() + "sq" + std::string(1, '\0');
  for (char level = 0; level < 7; ++level) {
    pickle += "}(";
    for (int i = 0; i < 100; ++i) pickle += pickled_text("k" + std::to_string(i)) + "h" + level;
    pickle += std::string("uq") + static_cast<char>(level + 1);
  }
  EXPECT_THAT(message(pickle + "."), HasSubstr("made.pt: is not a valid PyTorch file"));
}

TEST(MadeTorchFile, OfASharedStorageTakesAtMostTwiceItsSize) {
  const std::string values(4'000'000, '\0');
  std::string pickle = "\x80\x02}(";
  std::string large = tensor();
  large.replace(large.find("Kd\x85"), 2, "J" + little_endian(std::int32_t{1'000'000}));
  pickle += pickled_text("w") + large + "q" + std::string(1, '\0');
  for (int i = 0; i < 1000; ++i) pickle += pickled_text("w" + std::to_string(i)) + "h" + std::string(1, '\0');
  EXPECT_THAT(message(pickle + "u.", values), HasSubstr("share so many values"));
}

TEST(MadeTorchFile, ThatRefersToALongTextAMillionTimesCopiesItNowhere) {
  std::string pickle = "\x80\x02}(X" + little_endian(std::uint32_t{4'000'000}) + std::string(4'000'000, 'x') + "q" +
                       std::string(1, '\0') + tensor();
  for (int i = 0; i < 100'000; ++i) pickle += std::string("h\0N", 3);
  EXPECT_THAT(message(pickle + "u."), HasSubstr("name is too long"));
}

TEST(MadeTorchFile, OfMembersThatShareTheirBytesIsRefused) {
  std::string bytes = write_zip({{"a/data.pkl", "."}, {"a/1", std::string(1000, 'x')}});
  const std::size_t entry = bytes.rfind("PK\x01\x02"), end = bytes.rfind("PK\x05\x06");
  const std::string again = repeated(bytes.substr(entry, end - entry), 100);
  bytes.insert(end, again);
  const auto count = static_cast<std::uint16_t>(102);
  for (const std::size_t at : {8, 10}) bytes.replace(end + again.size() + at, 2, little_endian(count));
  EXPECT_THAT(error_message([&] { read_torch_file(bytes); }), HasSubstr("is not a valid zip archive"));
}

TEST(MadeTorchFile, OfTooManyMarksOrMemoEntriesIsRefused) {
  EXPECT_THAT(message("\x80\x02" + repeated("(", 2'000'000) + "."), HasSubstr("million marks"));
  EXPECT_THAT(message("\x80\x02N" + repeated("\x94", 2'000'000) + "."), HasSubstr("million memo entries"));
  EXPECT_THAT(message(std::string(17 << 20, 'N')), HasSubstr("over 16 MiB"));
}

/// The description of a storage of floats, with its key pushed by `key`.
std::string storage_by(const std::string& key) {
  return "((" + pickled_text("storage") + "ctorch\nFloatStorage\n" + key + pickled_text("cpu") + "KdtQ";
}

TEST(MadeTorchFile, IsReadWithEveryOperationThatPicklesOfTensorsUse) {
  // 100 values 0, 1, ...; the tensor begins at value 3 (as a long integer), has 2 rows and 5 columns (as a two-byte
  // number), and rows lie 10 apart. Names and the storage are also remembered under long numbers and recalled.
  std::string values;
  for (int i = 0; i < 100; ++i) values += little_endian(static_cast<float>(i));
  const std::string slot = little_endian(std::uint32_t{300}), unused = "G" + std::string(8, '\0') + "\x88\x89N";
  const std::string built = "ctorch._utils\n_rebuild_tensor_v2\n" + storage_by(std::string("U\x01") + "0") + "r" +
                            slot + "\x8a\x01\x03K\x02M" + std::string("\x05\0", 2) + "\x86K\nK\x01\x86\x89)tR";
  const std::string pickle = "\x80\x02\x95" + std::string(8, '\0') + "}(" + pickled_text("weight") + built +
                             pickled_text("unused") + "](" + unused + "e" + "u.";
  const TensorArchive archive = read_torch_file(write_zip({{"a/data.pkl", pickle}, {"a/data/0", values}}));
  EXPECT_EQ(archive.tensor("weight").shape, (std::vector<std::size_t>{2, 5}));
  EXPECT_EQ(archive.floats("weight"), (std::vector<float>{3, 4, 5, 6, 7, 13, 14, 15, 16, 17}));
  const std::string twice =
      "\x80\x02}(" + pickled_text("one") + tensor() + "r" + slot + pickled_text("two") + "j" + slot + "u.";
  const TensorArchive both = read_torch_file(write_zip({{"a/data.pkl", twice}, {"a/data/0", values}}));
  EXPECT_EQ(both.floats("one"), both.floats("two"));
  EXPECT_EQ(both.floats("two", 100)[99], 99);
}

TEST(MadeTorchFile, WithAnInvalidPickleIsRefusedWithTheReason) {
  const std::string start = "\x80\x02";
  EXPECT_THAT(message(start + "\x8a\x09" + std::string(9, '\0') + "."), HasSubstr("a number is too large"));
  EXPECT_THAT(message(start + "h\x07."), HasSubstr("memo entry that was never stored"));
  EXPECT_THAT(message(start + "j" + little_endian(std::uint32_t{7}) + "."), HasSubstr("never stored"));
  EXPECT_THAT(message(start + "."), HasSubstr("empty stack"));
  EXPECT_THAT(message(start + "t."), HasSubstr("lacks a mark"));
  EXPECT_THAT(message(start + "(N0."), HasSubstr("has the operation 0x30"));
  EXPECT_THAT(message(start + "N)NsN."), HasSubstr("something other than a dictionary"));
  EXPECT_THAT(message(start + "NQ."), HasSubstr("not described as PyTorch does"));
  EXPECT_THAT(message(start + "NN\x86Q."), HasSubstr("not described as PyTorch does"));
  EXPECT_THAT(message(start + "NNN\x87Q."), HasSubstr("not described as PyTorch does"));
  EXPECT_THAT(message(start + "NNR."), HasSubstr("calls something other than a function"));
  EXPECT_THAT(message(start + "cos\nsystem\n)R."), HasSubstr("asks to call os.system"));
}

TEST(MadeTorchFile, WithATensorThatDoesNotFitItsStorageIsRefused) {
  const auto with = [](const std::string& from, const std::string& to) {
    std::string changed = tensor();
    changed.replace(changed.rfind(from), from.size(), to);
    return message("\x80\x02}" + pickled_text("weight") + changed + "s.");
  };
  const std::string shape = "Kd\x85K\x01\x85";
  EXPECT_EQ(with(shape, shape), "no error");
  EXPECT_THAT(with(shape, "Ke\x85K\x01\x85"), HasSubstr("beyond its storage"));
  EXPECT_THAT(with(shape, "Kd\x85K\x02\x85"), HasSubstr("beyond its storage"));
  EXPECT_THAT(with(shape, "Kd\x85K\x01K\x01\x86"), HasSubstr("strides do not match"));
  EXPECT_THAT(with(shape, "N\x85K\x01\x85"), HasSubstr("not a list of integers"));
  EXPECT_THAT(with(shape, "NK\x01\x85"), HasSubstr("no shape"));
  const std::string nine = "(" + repeated("K\x01", 9) + "t", eight = "(" + repeated("K\x01", 8) + "t";
  EXPECT_EQ(with(shape, eight + eight), "no error");
  EXPECT_THAT(with(shape, nine + nine), HasSubstr("more than 8 dimensions"));
  const std::string huge = "\x8a\x08" + little_endian(std::int64_t{1} << 62);
  EXPECT_THAT(with(shape, huge + huge + "\x86K\x01K\x01\x86"), HasSubstr("too large"));
}

}  // namespace
}  // namespace genrewise
