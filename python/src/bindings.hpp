// What the parts of the Python extension share. Each bind_NAME.cpp defines one of the functions bind_NAME() below,
// which the module calls. Functions of the extension take plain arguments; python/genrewise/*.py add defaults and
// types.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/string_view.h>

#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "genrewise/audio/isolation.hpp"
#include "genrewise/base/error.hpp"
#include "genrewise/base/matrix.hpp"
#include "genrewise/base/runtime.hpp"

namespace genrewise::python {

void bind_features(nanobind::module_& module);
void bind_jobs(nanobind::module_& module);
void bind_records(nanobind::module_& module);
void bind_classifiers(nanobind::module_& module);

/// Runs `work` on a thread of its own, with a runtime of `threads` threads (0: all processors), and without the GIL.
/// Meanwhile the calling thread handles signals: Ctrl-C interrupts the runtime, and the exception of the signal
/// handler (KeyboardInterrupt) is thrown once the work has stopped. `progress`: None, or an object with the functions
/// of _progress.Bars, which are called from the calling thread.
void run(const std::function<void(Runtime&)>& work, nanobind::handle progress = nanobind::none(), int threads = 0);

/// From now on run() decodes in worker processes; nothing: in this process. Throws Error as isolate_decoding() does.
void set_decode_isolation(const std::optional<DecodeIsolation>& isolation);

/// The same with a runtime that exists already; `meanwhile` is called from the calling thread, with the GIL, from time
/// to time and at the end.
void run_with(Runtime& runtime, const std::function<void()>& work, const std::function<void()>& meanwhile = {});

/// The value; throws a Fault as Error.
template <class Value>
Value require(Expected<Value> value) {
  if (value) {
    if constexpr (std::is_void_v<Value>)
      return;
    else
      return std::move(*value);
  }
  const Fault& fault = value.error();
  throw Error(fault.reason + (fault.detail.empty() ? "" : " (" + fault.detail + ")"), fault.where);
}

/// A text that may hold names of any bytes: those that are no UTF-8 are lone surrogates, as in os.fsdecode().
inline nanobind::str text_of(std::string_view text) {
  return nanobind::steal<nanobind::str>(
      PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), "surrogateescape"));
}
/// The bytes of such a text.
inline std::string bytes_of(const nanobind::str& text) {
  PyObject* const made = PyUnicode_AsEncodedString(text.ptr(), "utf-8", "surrogateescape");
  if (made == nullptr) throw nanobind::python_error();
  const auto bytes = nanobind::steal<nanobind::bytes>(made);
  return {bytes.c_str(), bytes.size()};
}
inline std::vector<std::string> bytes_of(const std::vector<nanobind::str>& texts) {
  std::vector<std::string> result;
  for (const nanobind::str& text : texts) result.push_back(bytes_of(text));
  return result;
}
inline std::vector<nanobind::str> texts_of(const std::vector<std::string>& texts) {
  std::vector<nanobind::str> result;
  for (const std::string& text : texts) result.push_back(text_of(text));
  return result;
}

/// Arguments: C-ordered and of this type, else TypeError; nothing is copied.
using Vector = nanobind::ndarray<const float, nanobind::ndim<1>, nanobind::c_contig, nanobind::device::cpu>;
using Rows = nanobind::ndarray<const float, nanobind::ndim<2>, nanobind::c_contig, nanobind::device::cpu>;
/// A returned array.
template <class Value>
using Array = nanobind::ndarray<nanobind::numpy, Value>;

/// An array of memory that `values` (a vector, a Matrix) holds, which it then owns. Nothing is copied.
template <class Values>
auto as_array(Values values, std::initializer_list<std::size_t> shape) {
  using Value = std::remove_reference_t<decltype(*values.data())>;
  auto* kept = new Values(std::move(values));
  const nanobind::capsule owner(kept, [](void* memory) noexcept { delete static_cast<Values*>(memory); });
  return Array<Value>(kept->data(), shape, owner);
}
inline Array<float> as_array(Matrix matrix) {
  const std::size_t rows = matrix.rows(), cols = matrix.cols();
  return as_array(std::move(matrix), {rows, cols});
}

}  // namespace genrewise::python
