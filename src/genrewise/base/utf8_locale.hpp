// The C library's multi-byte characters as UTF-8, whatever the user's locale is.
#pragma once

#include <locale.h>

namespace genrewise {

/// While it exists, mbrtowc() and its like read and write UTF-8 in this thread, if the system has the locale C.UTF-8.
class Utf8Locale {
 public:
  Utf8Locale() : before_(::uselocale(utf8())) {}
  ~Utf8Locale() { ::uselocale(before_); }
  Utf8Locale(const Utf8Locale&) = delete;
  Utf8Locale& operator=(const Utf8Locale&) = delete;

 private:
  static locale_t utf8() {
    static const locale_t locale = ::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
    return locale;
  }
  locale_t before_;
};

}  // namespace genrewise
