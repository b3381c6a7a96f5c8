#include "genrewise/records/event_file.hpp"

#include <gmock/gmock.h>
#include <zlib.h>

#include "genrewise/base/error.hpp"
#include "genrewise/records/framing.hpp"
#include "genrewise/records/protobuf_wire.hpp"
#include "genrewise/records/record_reader.hpp"
#include "support/test_support.hpp"

namespace genrewise {
namespace {

using testing::TemporaryFolder;
using wire::Field;

// The fields of a message by their numbers; the last of each.
std::map<std::uint32_t, Field> fields_of(std::span<const std::byte> message) {
  std::map<std::uint32_t, Field> fields;
  wire::Reader reader(message);
  Field field;
  while (!reader.at_end() && reader.next(field)) fields[field.number] = field;
  EXPECT_TRUE(reader.at_end());
  return fields;
}

std::vector<std::string> events_of(const std::filesystem::path& path) {
  RecordReader reader(path.string());
  std::vector<std::string> events;
  for (Record record; reader.next(record).value();) events.emplace_back(as_text(record.payload));
  return events;
}

TEST(EventFile, StartsWithItsVersionAndHoldsScalarsAtOnce) {
  const TemporaryFolder folder;
  EventWriter writer(folder / "run" / "train");
  writer.add_scalar("loss", 7, 0.25F);
  const auto events = events_of(writer.path());  // while the writer is still open
  ASSERT_EQ(events.size(), 2u);
  auto first = fields_of(as_bytes(events[0]));
  EXPECT_EQ(as_text(first[3].body), "brain.Event:2");
  EXPECT_GT(std::bit_cast<double>(first[1].value), 1.6e9);
  auto second = fields_of(as_bytes(events[1]));
  EXPECT_EQ(second[2].value, 7u);
  auto value = fields_of(fields_of(second[5].body)[1].body);
  EXPECT_EQ(as_text(value[1].body), "loss");
  EXPECT_EQ(std::bit_cast<float>(static_cast<std::uint32_t>(value[2].value)), 0.25F);
  EXPECT_THAT(writer.path().filename().string(), ::testing::StartsWith("events.out.tfevents."));
}

TEST(EventFile, HoldsTextAsAStringTensor) {
  const TemporaryFolder folder;
  EventWriter writer(folder.path());
  writer.add_text("notes", 0, "**bold**");
  const auto events = events_of(writer.path());  // outlives the views of it below
  auto value = fields_of(fields_of(fields_of(as_bytes(events.at(1)))[5].body)[1].body);
  auto tensor = fields_of(value[8].body);
  EXPECT_EQ(tensor[1].value, 7u);
  EXPECT_EQ(as_text(tensor[8].body), "**bold**");
  EXPECT_EQ(as_text(fields_of(fields_of(value[9].body)[1].body)[1].body), "text");
}

TEST(EventFile, TwoInOneFolderHaveNamesOfTheirOwn) {
  const TemporaryFolder folder;
  const EventWriter one(folder.path()), two(folder.path());
  EXPECT_NE(one.path(), two.path());
}

TEST(EventFile, HoldsImagesAsPng) {
  const TemporaryFolder folder;
  const std::vector<std::uint8_t> pixels = {255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 9, 9, 8, 8, 8, 7, 7, 7};
  EventWriter writer(folder.path());
  writer.add_image("confusion", 3, {.width = 3, .height = 2, .pixels = pixels});
  const auto events = events_of(writer.path());  // outlives the views of it below
  auto value = fields_of(fields_of(fields_of(as_bytes(events.at(1)))[5].body)[1].body);
  auto image = fields_of(value[4].body);
  EXPECT_EQ(image[1].value, 2u);
  EXPECT_EQ(image[2].value, 3u);
  const auto png = as_text(image[4].body);
  ASSERT_TRUE(png.starts_with("\x89PNG\r\n\x1a\n"));
  // IDAT follows the signature (8) and IHDR (25): length, type, data.
  const auto idat = png.substr(8 + 25);
  ASSERT_EQ(idat.substr(4, 4), "IDAT");
  std::vector<Bytef> rows(2 * (1 + 9));
  uLongf size = rows.size();
  const auto length = static_cast<unsigned char>(idat[3]);
  ASSERT_EQ(uncompress(rows.data(), &size, reinterpret_cast<const Bytef*>(idat.data() + 8), length), Z_OK);
  EXPECT_THAT(rows, ::testing::ElementsAre(0, 255, 0, 0, 0, 255, 0, 0, 0, 255, 0, 9, 9, 9, 8, 8, 8, 7, 7, 7));
}

TEST(EventFile, RefusesAnImageWhosePixelsDoNotFit) {
  const std::vector<std::uint8_t> pixels(5);
  EXPECT_THROW(encode_png({.width = 1, .height = 2, .pixels = pixels}), Error);
  EXPECT_THROW(encode_png({.width = 0, .height = 2, .pixels = {}}), Error);
}

}  // namespace
}  // namespace genrewise
