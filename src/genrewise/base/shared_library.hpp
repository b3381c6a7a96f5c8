/// @file
/// Functions of shared libraries that are loaded when the first of them is called, so that a program starts without the
/// libraries that it does not use. CMake's `LOADS` (cmake/modules.cmake) defines their files' names.
/// @code{.cpp}
/// #include <curl/curl.h>
/// constexpr genrewise::SharedLibrary kCurl{GENREWISE_LIBCURL, "curl"};
/// GENREWISE_LOADED_FUNCTION(kCurl, curl_easy_init);  // hides the declared function in this namespace
/// CURL* curl = curl_easy_init();                     // loads the library; throws Error if it is missing
/// @endcode
#pragma once

#include <atomic>

namespace genrewise {

struct SharedLibrary {
  const char* file;  ///< the name by which the dynamic linker finds it: "libcurl.so.4"
  const char* name;  ///< in messages: "curl"

  /// The address of a function; loads the library if necessary, and never unloads it. Throws Error if either is
  /// missing.
  void* find(const char* function) const;
};

/// Is called like a function of type `Function`. Thread-safe.
template <class Function>
class LoadedFunction {
 public:
  constexpr LoadedFunction(const SharedLibrary& library, const char* name) : library_(library), name_(name) {}
  operator Function*() const {  // NOLINT: meant to convert
    void* address = address_.load(std::memory_order_acquire);
    if (address == nullptr) address_.store(address = library_.find(name_), std::memory_order_release);
    return reinterpret_cast<Function*>(address);
  }

 private:
  const SharedLibrary& library_;
  const char* name_;
  mutable std::atomic<void*> address_{nullptr};
};

/// Only its type is used: that of a function without its attributes.
template <class Function>
LoadedFunction<Function> loaded_like(Function* function);

}  // namespace genrewise

/// Defines the LoadedFunction of a C function that is declared in the global namespace.
#define GENREWISE_LOADED_FUNCTION(library, function) \
  inline constinit const decltype(::genrewise::loaded_like(::function)) function(library, #function)
