// PyTorch weight files: an uncompressed zip with a pickle that describes the tensors, and their values.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <deque>
#include <map>
#include <span>
#include <variant>

#include "genrewise/base/error.hpp"
#include "genrewise/pretrained/weights/formats.hpp"

namespace genrewise {
namespace {

constexpr std::size_t kMostDimensions = 8, kLargestPickle = std::size_t{16} << 20;

[[noreturn]] void damaged_torch_file(const std::string& name, const std::string& problem) {
  throw Error("is not a valid PyTorch file: " + problem, name, "get the file again");
}

/// Views the bytes of a file; both must outlive it. Numbers are little-endian.
class CheckedBytes {
 public:
  CheckedBytes(std::string_view bytes, const std::string& name) : bytes_(bytes), name_(name) {}
  [[noreturn]] void damaged(const std::string& problem) const { damaged_torch_file(name_, problem); }
  /// Throws Error if the range is not inside the file.
  std::string_view slice(std::uint64_t at, std::uint64_t count) const {
    if (at > bytes_.size() || count > bytes_.size() - at) damaged("it is truncated");
    return bytes_.substr(static_cast<std::size_t>(at), static_cast<std::size_t>(count));
  }
  template <class T>
  T number(std::uint64_t at) const {
    static_assert(std::endian::native == std::endian::little);
    T value;
    std::memcpy(&value, slice(at, sizeof(T)).data(), sizeof(T));
    return value;
  }

 private:
  std::string_view bytes_;
  const std::string& name_;
};

// Values point to each other and live as long as their Unpickler; names and texts are views of the file. So nothing is
// copied however often it is referred to, and destruction does not recurse.
struct Value;
using ValueRef = const Value*;
struct Nothing {};
struct Global {
  std::string_view module, attribute;
  bool is(std::string_view in, std::string_view name) const { return module == in && attribute == name; }
};
struct Storage {
  Global type;  // torch.FloatStorage
  std::string_view key;
};
struct Sizes {
  std::array<std::size_t, kMostDimensions> values{};
  std::size_t count = 0;
  std::span<const std::size_t> all() const { return std::span(values).first(count); }
};
struct TensorValue {
  Storage storage;
  std::uint64_t offset = 0;
  Sizes shape, stride;
};
using List = std::vector<ValueRef>;  // tuples too
using Dictionary = std::vector<std::pair<std::string_view, ValueRef>>;
struct Value {
  std::variant<Nothing, std::int64_t, double, std::string_view, List, Dictionary, Global, Storage, TensorValue> is;
};

/// The few pickle operations that describe data.
class Unpickler {
 public:
  Unpickler(std::string_view pickle, const std::string& name) : file_(pickle, name), name_(name) {}

  /// The value is valid while the Unpickler exists.
  ValueRef run() {
    while (true) {
      const char code = file_.number<char>(at_++);
      if (code == '.') return pop();
      step(code);
    }
  }

 private:
  void step(char code) {
    using Operation = void (*)(Unpickler&);
    static const std::map<unsigned char, Operation> operations = {
        {0x80, [](Unpickler& of) { of.at_ += 1; }},  // PROTO
        {0x95, [](Unpickler& of) { of.at_ += 8; }},  // FRAME
        {'}', [](Unpickler& of) { of.push({Dictionary()}); }},
        {']', [](Unpickler& of) { of.push({List()}); }},
        {')', [](Unpickler& of) { of.push({List()}); }},
        {'(', [](Unpickler& of) { of.mark(); }},
        {'N', [](Unpickler& of) { of.push({Nothing()}); }},
        {0x88, [](Unpickler& of) { of.push({std::int64_t{1}}); }},
        {0x89, [](Unpickler& of) { of.push({std::int64_t{0}}); }},
        {'K', [](Unpickler& of) { of.push({std::int64_t{of.take<std::uint8_t>()}}); }},
        {'M', [](Unpickler& of) { of.push({std::int64_t{of.take<std::uint16_t>()}}); }},
        {'J', [](Unpickler& of) { of.push({std::int64_t{of.take<std::int32_t>()}}); }},
        {0x8a, [](Unpickler& of) { of.push({of.long_integer()}); }},
        {'G', [](Unpickler& of) { of.push({of.big_endian_double()}); }},
        {'X', [](Unpickler& of) { of.push({of.text(of.take<std::uint32_t>())}); }},
        {'U', [](Unpickler& of) { of.push({of.text(of.take<std::uint8_t>())}); }},
        {0x8c, [](Unpickler& of) { of.push({of.text(of.take<std::uint8_t>())}); }},
        {'c', [](Unpickler& of) { of.global(); }},
        {'q', [](Unpickler& of) { of.remember(of.take<std::uint8_t>()); }},
        {'r', [](Unpickler& of) { of.remember(of.take<std::uint32_t>()); }},
        {0x94, [](Unpickler& of) { of.remember(of.memo_.size()); }},
        {'h', [](Unpickler& of) { of.recall(of.take<std::uint8_t>()); }},
        {'j', [](Unpickler& of) { of.recall(of.take<std::uint32_t>()); }},
        {'t', [](Unpickler& of) { of.push({of.popped_to_mark()}); }},
        {0x85, [](Unpickler& of) { of.push({of.popped(1)}); }},
        {0x86, [](Unpickler& of) { of.push({of.popped(2)}); }},
        {0x87, [](Unpickler& of) { of.push({of.popped(3)}); }},
        {'Q', [](Unpickler& of) { of.persistent(); }},
        {'R', [](Unpickler& of) { of.reduce(); }},
        {'b', [](Unpickler& of) { of.pop(); }},  // BUILD: attributes of a dictionary, ignored
        {'a', [](Unpickler& of) { of.append({of.pop()}); }},
        {'e', [](Unpickler& of) { of.append(of.popped_to_mark()); }},
        {'s', [](Unpickler& of) { of.set_items(of.popped(2)); }},
        {'u', [](Unpickler& of) { of.set_items(of.popped_to_mark()); }},
    };
    const auto number = static_cast<unsigned char>(code);
    const auto found = operations.find(number);
    if (found == operations.end())
      file_.damaged(fmt::format("its pickle has the operation {:#04x}, which no dictionary of tensors needs", number));
    found->second(*this);
  }

  template <class T>
  T take() {
    const T value = file_.number<T>(at_);
    at_ += sizeof(T);
    return value;
  }
  std::string_view text(std::size_t size) {
    const std::string_view value = file_.slice(at_, size);
    at_ += size;
    return value;
  }
  std::string_view line() {
    const std::size_t start = at_;
    while (take<char>() != '\n') continue;
    return file_.slice(start, at_ - start - 1);
  }
  std::int64_t long_integer() {
    const std::size_t size = take<std::uint8_t>();
    if (size > 8) file_.damaged("a number is too large");
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < size; ++i) value |= std::uint64_t{take<std::uint8_t>()} << (8 * i);
    if (size > 0 && size < 8 && value >> (8 * size - 1)) value |= ~std::uint64_t{0} << (8 * size);
    return static_cast<std::int64_t>(value);
  }
  double big_endian_double() {
    const auto bits = __builtin_bswap64(take<std::uint64_t>());
    double value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
  }

  void push(Value value) {
    if (values_.size() == kMostValues) file_.damaged("its pickle has more than a million values");
    values_.push_back(std::move(value));
    refer(&values_.back());
  }
  void refer(Value* value) {
    if (stack_.size() == kMostValues) file_.damaged("its pickle has more than a million values");
    stack_.push_back(value);
  }
  Value* top() {
    if (stack_.empty()) file_.damaged("its pickle takes from an empty stack");
    return stack_.back();
  }
  Value* pop() {
    Value* value = top();
    stack_.pop_back();
    return value;
  }
  void remember(std::size_t slot) {
    if (memo_.size() == kMostValues) file_.damaged("its pickle has more than a million memo entries");
    memo_[slot] = top();
  }
  void recall(std::size_t slot) {
    const auto found = memo_.find(slot);
    if (found == memo_.end()) file_.damaged("its pickle reads a memo entry that was never stored");
    refer(found->second);
  }
  void mark() {
    if (marks_.size() == kMostValues) file_.damaged("its pickle has more than a million marks");
    marks_.push_back(stack_.size());
  }
  void global() {
    const std::string_view module = line();
    push({Global{module, line()}});
  }
  List popped_to_mark() {
    if (marks_.empty() || marks_.back() > stack_.size()) file_.damaged("its pickle lacks a mark");
    List values(stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back()), stack_.end());
    stack_.resize(marks_.back());
    marks_.pop_back();
    return values;
  }
  List popped(std::size_t count) {
    List values(count);
    for (std::size_t i = count; i-- > 0;) values[i] = pop();
    return values;
  }
  void append(const List& values) {
    if (auto* list = std::get_if<List>(&top()->is)) list->insert(list->end(), values.begin(), values.end());
  }
  void set_items(const List& items) {
    auto* dictionary = std::get_if<Dictionary>(&top()->is);
    if (!dictionary || items.size() % 2) file_.damaged("its pickle adds items to something other than a dictionary");
    for (std::size_t i = 0; i < items.size(); i += 2) {
      if (const auto* key = std::get_if<std::string_view>(&items[i]->is)) dictionary->emplace_back(*key, items[i + 1]);
    }
  }

  /// ("storage", type, key, location, count)
  void persistent() {
    const ValueRef id = pop();
    const auto* parts = std::get_if<List>(&id->is);
    if (!parts || parts->size() < 3) file_.damaged("a storage is not described as PyTorch does");
    const auto* type = std::get_if<Global>(&(*parts)[1]->is);
    const auto* key = std::get_if<std::string_view>(&(*parts)[2]->is);
    if (!type || !key) file_.damaged("a storage is not described as PyTorch does");
    push({Storage{*type, *key}});
  }

  Sizes sizes(ValueRef value) {
    const auto* list = std::get_if<List>(&value->is);
    if (!list || list->size() > kMostDimensions) file_.damaged("a tensor has no shape, or more than 8 dimensions");
    Sizes result;
    for (const ValueRef one : *list) {
      const auto* number = std::get_if<std::int64_t>(&one->is);
      if (!number || *number < 0) file_.damaged("a tensor's shape is not a list of integers");
      result.values[result.count++] = static_cast<std::size_t>(*number);
    }
    return result;
  }

  void reduce() {
    const Value *arguments = pop(), *function = pop();
    const auto* called = std::get_if<Global>(&function->is);
    const auto* values = std::get_if<List>(&arguments->is);
    if (!called || !values) file_.damaged("its pickle calls something other than a function");
    if (called->is("collections", "OrderedDict")) {
      push({Dictionary()});
    } else if (called->is("torch._utils", "_rebuild_tensor_v2") && values->size() >= 4) {
      const auto* storage = std::get_if<Storage>(&(*values)[0]->is);
      const auto* offset = std::get_if<std::int64_t>(&(*values)[1]->is);
      if (!storage || !offset || *offset < 0) file_.damaged("a tensor is not described as PyTorch does");
      push({TensorValue{*storage, static_cast<std::uint64_t>(*offset), sizes((*values)[2]), sizes((*values)[3])}});
    } else if (called->is("torch._utils", "_rebuild_parameter") && !values->empty()) {
      refer(const_cast<Value*>(values->front()));  // a value of values_
    } else {
      throw Error(fmt::format("asks to call {}.{}, which no dictionary of tensors needs; it was not called",
                              called->module, called->attribute),
                  name_, "save the network's state_dict() alone");
    }
  }

  static constexpr std::size_t kMostValues = std::size_t{1} << 20;  // a network has some thousands

  CheckedBytes file_;
  const std::string& name_;
  std::size_t at_ = 0;
  std::deque<Value> values_;
  std::vector<Value*> stack_;
  std::vector<std::size_t> marks_;
  std::map<std::size_t, Value*> memo_;
};

/// The values of a tensor in row-major order, for any strides.
std::vector<float> tensor_values(const TensorValue& tensor, std::string_view storage, const std::string& name) {
  const std::size_t available = storage.size() / sizeof(float);
  const auto shape = tensor.shape.all(), stride = tensor.stride.all();
  std::size_t count = 1;
  std::uint64_t last = tensor.offset;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (__builtin_mul_overflow(count, shape[i], &count)) damaged_torch_file(name, "a tensor is too large");
    std::uint64_t reach = 0;
    if (shape[i] > 0 &&
        (__builtin_mul_overflow(shape[i] - 1, stride[i], &reach) || __builtin_add_overflow(last, reach, &last)))
      damaged_torch_file(name, "a tensor is too large");
  }
  if (count > 0 && last >= available) damaged_torch_file(name, "a tensor reaches beyond its storage (truncated?)");
  if (count > available) damaged_torch_file(name, "a tensor has more values than its storage");
  std::vector<float> values(count);
  std::vector<std::size_t> index(shape.size());
  for (float& value : values) {
    std::size_t at = tensor.offset;
    for (std::size_t i = 0; i < index.size(); ++i) at += index[i] * stride[i];
    std::memcpy(&value, storage.data() + at * sizeof(float), sizeof(float));
    for (std::size_t i = index.size(); i-- > 0 && ++index[i] == shape[i];) index[i] = 0;
  }
  return values;
}

/// Collects the float tensors of nested dictionaries. Dictionaries and storages may be shared, so visits and bytes are
/// bounded.
class Collector {
 public:
  /// `folder`: of the archive, with its slash.
  Collector(const ArchiveFiles& files, const std::string& folder, const std::string& name)
      : files_(files), folder_(folder), name_(name), archive_(name) {
    for (const auto& [path, content] : files) most_bytes_ += 2 * content.size();
  }

  TensorArchive run(const Dictionary& dictionary) {
    add(dictionary, "", 0);
    return std::move(archive_);
  }

 private:
  static constexpr std::size_t kMostVisits = 100'000, kDeepest = 8, kLongestName = 1000;

  void add(const Dictionary& dictionary, const std::string& prefix, std::size_t depth) {
    if (depth > kDeepest) damaged_torch_file(name_, "its dictionaries are nested too deeply");
    for (const auto& [key, value] : dictionary) {
      if (++visits_ > kMostVisits) damaged_torch_file(name_, "its dictionaries have more than 100,000 entries");
      const auto* inner = std::get_if<Dictionary>(&value->is);
      const auto* tensor = std::get_if<TensorValue>(&value->is);
      if (!inner && !tensor) continue;
      if (prefix.size() + key.size() > kLongestName) damaged_torch_file(name_, "a tensor's name is too long");
      const std::string full = prefix + std::string(key);
      if (inner) {
        add(*inner, full + ".", depth + 1);
      } else if (tensor->storage.type.is("torch", "FloatStorage")) {
        add(*tensor, full);
      }
    }
  }

  void add(const TensorValue& tensor, const std::string& full) {
    if (tensor.shape.count != tensor.stride.count)
      damaged_torch_file(name_, "a tensor's strides do not match its shape");
    const auto storage = files_.find(folder_ + "data/" + std::string(tensor.storage.key));
    if (storage == files_.end()) damaged_torch_file(name_, "the values of '" + full + "' are missing");
    const auto values = tensor_values(tensor, storage->second, name_);
    if (tensor.shape.count == 0) return;  // scalars: no network uses any
    bytes_ += values.size() * sizeof(float);
    if (bytes_ > most_bytes_)
      damaged_torch_file(name_, "its tensors share so many values that they are larger than the file");
    const auto shape = tensor.shape.all();
    archive_.put(full, std::span<const float>(values), {shape.begin(), shape.end()});
  }

  const ArchiveFiles& files_;
  const std::string& folder_;
  std::size_t most_bytes_ = 0, bytes_ = 0, visits_ = 0;
  const std::string& name_;
  TensorArchive archive_;
};

}  // namespace

TensorArchive parse_torch_file(const ArchiveFiles& files, const std::string& name) {
  constexpr std::string_view kPickle = "data.pkl";
  const auto found = std::ranges::find_if(files, [&](const auto& file) { return file.first.ends_with(kPickle); });
  if (found == files.end()) damaged_torch_file(name, "it holds no data.pkl");
  const auto& [path, pickle] = *found;
  if (pickle.size() > kLargestPickle) damaged_torch_file(name, "its data.pkl is over 16 MiB");
  Unpickler unpickler(pickle, name);
  const auto* dictionary = std::get_if<Dictionary>(&unpickler.run()->is);
  if (!dictionary) damaged_torch_file(name, "it holds no dictionary of tensors");
  const std::string folder = path.substr(0, path.size() - kPickle.size());
  return Collector(files, folder, name).run(*dictionary);
}

}  // namespace genrewise
