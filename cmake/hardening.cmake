# Protections of the built programs against memory errors; tests/hardening.cmake looks for them. Compiler flags in
# Release alone, so that other builds stay comparable and share caches; with sanitizers none.
include(CheckPIESupported)
check_pie_supported()
if(NOT GENREWISE_SANITIZE)
  target_link_options(genrewise_options INTERFACE -Wl,-z,relro,-z,now,-z,noexecstack)
  target_compile_options(genrewise_options INTERFACE
    "$<$<CONFIG:Release>:-fstack-protector-strong;-fstack-clash-protection;-U_FORTIFY_SOURCE;-D_FORTIFY_SOURCE=2>")
endif()
