// libcurl's functions, loaded when the first of them is called. Internal to storage.
#pragma once

#include <curl/curl.h>

#include "genrewise/base/shared_library.hpp"
#include "genrewise/storage/loaded_libraries.hpp"

namespace genrewise {

// These macros only check the number of arguments.
#undef curl_easy_getinfo
#undef curl_easy_setopt
#undef curl_share_setopt

inline constexpr SharedLibrary kCurl{GENREWISE_LIBCURL, "curl"};

GENREWISE_LOADED_FUNCTION(kCurl, curl_easy_cleanup);
GENREWISE_LOADED_FUNCTION(kCurl, curl_easy_escape);
GENREWISE_LOADED_FUNCTION(kCurl, curl_easy_getinfo);
GENREWISE_LOADED_FUNCTION(kCurl, curl_easy_init);
GENREWISE_LOADED_FUNCTION(kCurl, curl_easy_perform);
GENREWISE_LOADED_FUNCTION(kCurl, curl_easy_setopt);
GENREWISE_LOADED_FUNCTION(kCurl, curl_easy_strerror);
GENREWISE_LOADED_FUNCTION(kCurl, curl_easy_unescape);
GENREWISE_LOADED_FUNCTION(kCurl, curl_free);
GENREWISE_LOADED_FUNCTION(kCurl, curl_getdate);
GENREWISE_LOADED_FUNCTION(kCurl, curl_global_init);
GENREWISE_LOADED_FUNCTION(kCurl, curl_share_cleanup);
GENREWISE_LOADED_FUNCTION(kCurl, curl_share_init);
GENREWISE_LOADED_FUNCTION(kCurl, curl_share_setopt);
GENREWISE_LOADED_FUNCTION(kCurl, curl_slist_append);
GENREWISE_LOADED_FUNCTION(kCurl, curl_slist_free_all);
GENREWISE_LOADED_FUNCTION(kCurl, curl_url);
GENREWISE_LOADED_FUNCTION(kCurl, curl_url_cleanup);
GENREWISE_LOADED_FUNCTION(kCurl, curl_url_get);
GENREWISE_LOADED_FUNCTION(kCurl, curl_url_set);

}  // namespace genrewise
