#include "genrewise/records/event_file.hpp"

#include <gmock/gmock.h>

#include "genrewise/base/error.hpp"
#include "genrewise/records/framing.hpp"
#include "genrewise/records/protobuf_wire.hpp"
#include "genrewise/records/record_reader.hpp"
#include "support/test_support.hpp"

namespace genrewise {
namespace {

using testing::TemporaryFolder;
using wire::Field;

// The fields of a message by number; the last one of each.
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

TEST(EventFile, StartsWithItsVersionAndContainsScalarsImmediately) {
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

TEST(EventFile, HasAUniqueNameInItsFolder) {
  const TemporaryFolder folder;
  const EventWriter one(folder.path()), two(folder.path());
  EXPECT_NE(one.path(), two.path());
}

}  // namespace
}  // namespace genrewise
