// PyTorch weight files: an uncompressed zip with a pickle that describes the tensors, and their values.
#include <fmt/format.h>

#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <variant>

#include "genrewise/base/error.hpp"
#include "genrewise/pretrained/weights/checked_bytes.hpp"
#include "genrewise/pretrained/weights/formats.hpp"
#include "genrewise/pretrained/weights/zip_file.hpp"

namespace genrewise {
namespace {

constexpr const char* kFormat = "PyTorch file";

[[noreturn]] void damaged(const std::string& name, const std::string& problem) {
  CheckedBytes({}, name, kFormat).damaged(problem);
}

struct Value;
using ValueRef = std::shared_ptr<Value>;
struct Nothing {};
struct Global {
  std::string name;  // "module.attribute"
};
struct Storage {
  std::string type, key;  // "torch.FloatStorage", "0"
};
struct TensorValue {
  Storage storage;
  std::uint64_t offset = 0;
  std::vector<std::size_t> shape, stride;
};
using List = std::vector<ValueRef>;  // tuples too
using Dictionary = std::vector<std::pair<std::string, ValueRef>>;
struct Value {
  std::variant<Nothing, std::int64_t, double, std::string, List, Dictionary, Global, Storage, TensorValue> is;
};

/// The few pickle operations that describe data.
class Unpickler {
 public:
  Unpickler(std::string_view pickle, const std::string& name) : file_(pickle, name, kFormat), name_(name) {}

  ValueRef run() {
    while (true) {
      const char code = file_.number<char>(at_++);
      if (code == '.') return pop();
      step(code);
    }
  }

 private:
  void step(char code) {
    switch (static_cast<unsigned char>(code)) {
      case 0x80:
        at_ += 1;
        break;  // PROTO
      case 0x95:
        at_ += 8;
        break;  // FRAME
      case '}':
        push({Dictionary()});
        break;
      case ']':
      case ')':
        push({List()});
        break;
      case '(':
        marks_.push_back(stack_.size());
        break;
      case 'N':
        push({Nothing()});
        break;
      case 0x88:
        push({std::int64_t{1}});
        break;
      case 0x89:
        push({std::int64_t{0}});
        break;
      case 'K':
        push({std::int64_t{take<std::uint8_t>()}});
        break;
      case 'M':
        push({std::int64_t{take<std::uint16_t>()}});
        break;
      case 'J':
        push({std::int64_t{take<std::int32_t>()}});
        break;
      case 0x8a:
        push({long_integer()});
        break;
      case 'G':
        push({big_endian_double()});
        break;
      case 'X':
        push({text(take<std::uint32_t>())});
        break;
      case 'U':
      case 0x8c:
        push({text(take<std::uint8_t>())});
        break;
      case 'c': {
        const std::string module = line();
        push({Global{module + "." + line()}});
        break;
      }
      case 'q':
        memo_[take<std::uint8_t>()] = top();
        break;
      case 'r':
        memo_[take<std::uint32_t>()] = top();
        break;
      case 0x94:
        memo_.emplace(memo_.size(), top());
        break;
      case 'h':
        recall(take<std::uint8_t>());
        break;
      case 'j':
        recall(take<std::uint32_t>());
        break;
      case 't':
        push({popped_to_mark()});
        break;
      case 0x85:
        tuple(1);
        break;
      case 0x86:
        tuple(2);
        break;
      case 0x87:
        tuple(3);
        break;
      case 'Q':
        persistent();
        break;
      case 'R':
        reduce();
        break;
      case 'b':
        pop();
        break;  // BUILD: attributes of a dictionary, ignored
      case 'a':
        append({pop()});
        break;
      case 'e':
        append(popped_to_mark());
        break;
      case 's': {
        ValueRef value = pop(), key = pop();
        set_items({key, value});
        break;
      }
      case 'u':
        set_items(popped_to_mark());
        break;
      default:
        damaged(name_, fmt::format("its pickle has the operation {:#04x}, which no dictionary of tensors needs",
                                   static_cast<unsigned char>(code)));
    }
  }

  template <class T>
  T take() {
    const T value = file_.number<T>(at_);
    at_ += sizeof(T);
    return value;
  }
  std::string text(std::size_t size) {
    std::string value(file_.slice(at_, size));
    at_ += size;
    return value;
  }
  std::string line() {
    std::string value;
    for (char c = take<char>(); c != '\n'; c = take<char>()) value += c;
    return value;
  }
  std::int64_t long_integer() {
    const std::size_t size = take<std::uint8_t>();
    if (size > 8) damaged(name_, "a number is too large");
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

  void push(Value value) { stack_.push_back(std::make_shared<Value>(std::move(value))); }
  const ValueRef& top() {
    if (stack_.empty()) damaged(name_, "its pickle takes from an empty stack");
    return stack_.back();
  }
  ValueRef pop() {
    ValueRef value = top();
    stack_.pop_back();
    return value;
  }
  void recall(std::size_t slot) {
    const auto found = memo_.find(slot);
    if (found == memo_.end()) damaged(name_, "its pickle reads a memo entry that was never stored");
    stack_.push_back(found->second);
  }
  List popped_to_mark() {
    if (marks_.empty() || marks_.back() > stack_.size()) damaged(name_, "its pickle lacks a mark");
    List values(stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back()), stack_.end());
    stack_.resize(marks_.back());
    marks_.pop_back();
    return values;
  }
  void tuple(std::size_t size) {
    List values(size);
    for (std::size_t i = size; i-- > 0;) values[i] = pop();
    push({std::move(values)});
  }
  void append(const List& values) {
    if (auto* list = std::get_if<List>(&top()->is)) list->insert(list->end(), values.begin(), values.end());
  }
  void set_items(const List& items) {
    auto* dictionary = std::get_if<Dictionary>(&top()->is);
    if (!dictionary || items.size() % 2) damaged(name_, "its pickle adds items to something other than a dictionary");
    for (std::size_t i = 0; i < items.size(); i += 2) {
      if (const auto* key = std::get_if<std::string>(&items[i]->is)) dictionary->emplace_back(*key, items[i + 1]);
    }
  }

  /// ("storage", type, key, location, count)
  void persistent() {
    const ValueRef id = pop();
    const auto* parts = std::get_if<List>(&id->is);
    if (!parts || parts->size() < 3) damaged(name_, "a storage is not described as PyTorch does");
    const auto* type = std::get_if<Global>(&(*parts)[1]->is);
    const auto* key = std::get_if<std::string>(&(*parts)[2]->is);
    if (!type || !key) damaged(name_, "a storage is not described as PyTorch does");
    push({Storage{type->name, *key}});
  }

  std::vector<std::size_t> sizes(const ValueRef& value) {
    const auto* list = std::get_if<List>(&value->is);
    if (!list) damaged(name_, "a tensor has no shape");
    std::vector<std::size_t> result;
    for (const ValueRef& one : *list) {
      const auto* number = std::get_if<std::int64_t>(&one->is);
      if (!number || *number < 0) damaged(name_, "a tensor's shape is not a list of integers");
      result.push_back(static_cast<std::size_t>(*number));
    }
    return result;
  }

  void reduce() {
    const ValueRef arguments = pop(), function = pop();
    const auto* called = std::get_if<Global>(&function->is);
    const auto* values = std::get_if<List>(&arguments->is);
    if (!called || !values) damaged(name_, "its pickle calls something other than a function");
    if (called->name == "collections.OrderedDict") {
      push({Dictionary()});
    } else if (called->name == "torch._utils._rebuild_tensor_v2" && values->size() >= 4) {
      const auto* storage = std::get_if<Storage>(&(*values)[0]->is);
      const auto* offset = std::get_if<std::int64_t>(&(*values)[1]->is);
      if (!storage || !offset || *offset < 0) damaged(name_, "a tensor is not described as PyTorch does");
      push({TensorValue{*storage, static_cast<std::uint64_t>(*offset), sizes((*values)[2]), sizes((*values)[3])}});
    } else if (called->name == "torch._utils._rebuild_parameter" && !values->empty()) {
      stack_.push_back(values->front());
    } else {
      throw Error(fmt::format("asks to call {}, which no dictionary of tensors needs; it was not called", called->name),
                  name_, "save the network's state_dict() alone");
    }
  }

  CheckedBytes file_;
  const std::string& name_;
  std::size_t at_ = 0;
  std::vector<ValueRef> stack_;
  std::vector<std::size_t> marks_;
  std::map<std::size_t, ValueRef> memo_;
};

/// The values of a tensor in row-major order, for any strides.
std::vector<float> tensor_values(const TensorValue& tensor, std::string_view storage, const std::string& name) {
  const std::size_t available = storage.size() / sizeof(float);
  std::size_t count = 1;
  std::uint64_t last = tensor.offset;
  for (std::size_t i = 0; i < tensor.shape.size(); ++i) {
    if (__builtin_mul_overflow(count, tensor.shape[i], &count)) damaged(name, "a tensor is too large");
    std::uint64_t reach = 0;
    if (tensor.shape[i] > 0 && (__builtin_mul_overflow(tensor.shape[i] - 1, tensor.stride[i], &reach) ||
                                __builtin_add_overflow(last, reach, &last)))
      damaged(name, "a tensor is too large");
  }
  if (count > 0 && last >= available) damaged(name, "a tensor reaches beyond its storage (truncated?)");
  if (count > available) damaged(name, "a tensor has more values than its storage");
  std::vector<float> values(count);
  std::vector<std::size_t> index(tensor.shape.size());
  for (float& value : values) {
    std::size_t at = tensor.offset;
    for (std::size_t i = 0; i < index.size(); ++i) at += index[i] * tensor.stride[i];
    std::memcpy(&value, storage.data() + at * sizeof(float), sizeof(float));
    for (std::size_t i = index.size(); i-- > 0 && ++index[i] == tensor.shape[i];) index[i] = 0;
  }
  return values;
}

}  // namespace

TensorArchive parse_torch_file(std::string_view bytes, const std::string& name) {
  const ZipFile zip(bytes, name);
  const std::string pickle = zip.path_ending_in("data.pkl");
  if (pickle.empty()) damaged(name, "it holds no data.pkl");
  const std::string folder = pickle.substr(0, pickle.size() - std::string_view("data.pkl").size());
  const ValueRef root = Unpickler(zip.stored(pickle), name).run();
  TensorArchive archive(name);
  const auto add = [&](const auto& self, const Dictionary& dictionary, const std::string& prefix, int depth) -> void {
    if (depth > 8) damaged(name, "its dictionaries are nested too deeply");
    for (const auto& [key, value] : dictionary) {
      if (const auto* inner = std::get_if<Dictionary>(&value->is)) self(self, *inner, prefix + key + ".", depth + 1);
      const auto* tensor = std::get_if<TensorValue>(&value->is);
      if (!tensor || tensor->storage.type != "torch.FloatStorage") continue;
      if (tensor->shape.size() != tensor->stride.size()) damaged(name, "a tensor's strides do not match its shape");
      const std::string storage = folder + "data/" + tensor->storage.key;
      if (!zip.contains(storage)) damaged(name, "the values of '" + prefix + key + "' are missing");
      const auto values = tensor_values(*tensor, zip.stored(storage), name);
      if (tensor->shape.empty()) continue;  // scalars: no network uses any
      archive.put(prefix + key, std::span<const float>(values), tensor->shape);
    }
  };
  const auto* dictionary = std::get_if<Dictionary>(&root->is);
  if (!dictionary) damaged(name, "it holds no dictionary of tensors");
  add(add, *dictionary, "", 0);
  return archive;
}

}  // namespace genrewise
