// Arbitrary bytes as a file of records (plain or compressed) and as one Example: no crash, no endless loop, no view
// outside the input.
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "genrewise/records/example.hpp"
#include "genrewise/records/framing.hpp"
#include "genrewise/records/record_reader.hpp"

namespace {

using namespace genrewise;

class Memory final : public FileReader {
 public:
  explicit Memory(std::span<const std::byte> bytes) : info_{"input", bytes.size(), {}, {}}, bytes_(bytes) {}
  const FileInfo& info() const override { return info_; }
  std::size_t read_at(std::uint64_t offset, std::span<std::byte> into) const override {
    if (offset >= bytes_.size()) return 0;
    const auto part = bytes_.subspan(offset, std::min<std::size_t>(into.size(), bytes_.size() - offset));
    std::ranges::copy(part, into.begin());
    return part.size();
  }

 private:
  FileInfo info_;
  std::span<const std::byte> bytes_;
};

void require(bool good) {
  if (!good) std::abort();
}

template <class T>
void copy_all(const FeatureView& feature, FeatureKind kind) {
  if (feature.kind() != kind) return;
  std::vector<T> values(feature.size());
  require(feature.copy(std::span<T>(values)) == values.size());
}

void use_example(std::span<const std::byte> payload) {
  ExampleView view;
  if (!view.parse(payload)) return;
  for (const auto& entry : view.entries()) {
    require(entry.feature.size() <= payload.size());
    const auto floats = entry.feature.floats_in_one_piece();
    require(floats.empty() ||
            (floats.data() >= payload.data() && floats.data() + floats.size() <= payload.data() + payload.size()));
    copy_all<float>(entry.feature, FeatureKind::floats);
    copy_all<std::int64_t>(entry.feature, FeatureKind::ints);
    copy_all<std::string_view>(entry.feature, FeatureKind::bytes);
    require(view.find(entry.key) != nullptr);
  }
}

// The payload of the first record without checking its checksums, which mutated bytes would not pass.
std::span<const std::byte> first_payload(std::span<const std::byte> bytes) {
  if (bytes.size() < kRecordHeaderBytes) return {};
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), sizeof length);
  const auto rest = bytes.subspan(kRecordHeaderBytes);
  return rest.first(static_cast<std::size_t>(std::min<std::uint64_t>(length, rest.size())));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  use_example(bytes);
  use_example(first_payload(bytes));
  RecordReader reader(RecordSource(std::make_unique<Memory>(bytes)));
  Record record;
  for (std::size_t calls = 0;; ++calls) {
    require(calls < (std::size_t{1} << 24));  // each call advances by at least one decompressed byte
    const auto more = reader.next(record);
    if (!more) continue;
    if (!*more) return 0;
    use_example(record.payload);
  }
}
