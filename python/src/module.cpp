// genrewise._core: the extension module.
#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>

#include "bindings.hpp"
#include "genrewise/base/error.hpp"

namespace nb = nanobind;

namespace genrewise::python {
namespace {

void raise(const Error& error, const char* type) {
  const nb::object made = nb::module_::import_("genrewise._errors")
                              .attr(type)(text_of(error.problem()), text_of(error.where()), text_of(error.remedy()));
  PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(made.ptr())), made.ptr());
}

void translate(const std::exception_ptr& thrown, void*) {
  try {
    std::rethrow_exception(thrown);
  } catch (const Interrupted&) {
    PyErr_SetNone(PyExc_KeyboardInterrupt);
  } catch (const UsageError& error) {
    raise(error, "UsageError");
  } catch (const Error& error) {
    raise(error, "Error");
  }
}

}  // namespace
}  // namespace genrewise::python

NB_MODULE(_core, module) {
  nb::register_exception_translator(genrewise::python::translate);
  genrewise::python::bind_features(module);
  genrewise::python::bind_jobs(module);
  genrewise::python::bind_records(module);
  genrewise::python::bind_classifiers(module);
}
