# All dependencies are packages of the distribution (tools/install_packages.sh lists them); nothing is downloaded.
# Packages that the libraries link; genrewiseConfig.cmake.in finds the same for users of the installed libraries.
set(GENREWISE_PACKAGES Threads fmt nlohmann_json tl-expected pugixml OpenSSL ZLIB PkgConfig)
# Each item defines the target PkgConfig::<first word> from the pkg-config modules that follow.
set(GENREWISE_PKG_CONFIG_TARGETS "mpg123 libmpg123" "soxr soxr" "sqlite3 sqlite3" "zstd libzstd" "taglib taglib"
    "yaml yaml-cpp")
# The same for libraries that are not linked but loaded when they are first used (LOADS in modules.cmake).
set(loaded_targets "curl libcurl" "libarchive libarchive" "openblas openblas" "highway libhwy")
if(GENREWISE_GPL)
  list(APPEND loaded_targets "ffmpeg libavformat libavcodec libavutil")
  list(APPEND GENREWISE_PKG_CONFIG_TARGETS "fftw3f fftw3f" "fftw3 fftw3")
else()  # in their place: libsndfile, and Eigen's FFT
  list(APPEND GENREWISE_PKG_CONFIG_TARGETS "sndfile sndfile")
  find_package(Eigen3 REQUIRED NO_MODULE)
endif()
foreach(package IN LISTS GENREWISE_PACKAGES)
  find_package(${package} REQUIRED)
endforeach()
foreach(target IN LISTS GENREWISE_PKG_CONFIG_TARGETS loaded_targets)
  separate_arguments(target)
  list(POP_FRONT target name)
  pkg_check_modules(${name} REQUIRED IMPORTED_TARGET ${target})
endforeach()
# Vector kernels are compiled for plain x86-64, SSE4, AVX2 and AVX-512, or for NEON; vectors of SVE cannot be members of
# arrays. The bug of GCC before 12.3 for which Highway avoids EMU128 (GCC 106322) concerns MulHigh(), which no kernel uses.
set_property(TARGET PkgConfig::highway PROPERTY INTERFACE_LINK_LIBRARIES)  # see base/vector_targets.cpp
set(GENREWISE_DISABLED_TARGETS "HWY_SSSE3|HWY_SVE|HWY_SVE2|HWY_SVE_256|HWY_SVE2_128")
if(GENREWISE_SANITIZE)
  # Instrumented kernels take minutes to compile: AVX2 and plain x86-64 only, which come from the same sources.
  string(APPEND GENREWISE_DISABLED_TARGETS "|HWY_SSE4|HWY_AVX3")
  target_compile_definitions(PkgConfig::highway INTERFACE HWY_IS_DEBUG_BUILD=0)  # its checks would need libhwy
endif()
target_compile_definitions(PkgConfig::highway INTERFACE HWY_BROKEN_EMU128=0
  "HWY_DISABLED_TARGETS=(${GENREWISE_DISABLED_TARGETS})")
# Header-only libraries, used in sources of the modules and in the program.
find_package(CLI11 REQUIRED)
pkg_check_modules(httplib REQUIRED IMPORTED_TARGET cpp-httplib)  # of the server
if(GENREWISE_TESTS)
  find_package(GTest REQUIRED)
  include(GoogleTest)
endif()
if(GENREWISE_BENCH)
  find_package(benchmark QUIET)
endif()

# Training of networks: libtorch, and HDF5 to read Keras weights.
if(NOT GENREWISE_NEURAL STREQUAL "OFF")
  find_package(Torch QUIET)
  pkg_check_modules(hdf5 IMPORTED_TARGET hdf5)
  if(Torch_FOUND AND hdf5_FOUND)
    set(GENREWISE_NEURAL_FOUND TRUE)
  elseif(GENREWISE_NEURAL STREQUAL "ON")
    message(FATAL_ERROR "Network training requires libtorch and HDF5 (tools/install_packages.sh neural); "
                        "-DGENREWISE_NEURAL=OFF builds without it")
  endif()
endif()
if(GENREWISE_NEURAL_FOUND)
  message(STATUS "Network training: yes (libtorch ${Torch_VERSION})")
else()
  message(STATUS "Network training: no (libtorch or HDF5 not found, or GENREWISE_NEURAL is OFF)")
endif()
