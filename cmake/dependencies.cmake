# Everything comes from the distribution's packages (tools/install_packages.sh lists them); nothing is downloaded here.
# What the libraries link; genrewiseConfig.cmake.in finds the same for users of the installed libraries.
set(GENREWISE_PACKAGES Threads fmt nlohmann_json tl-expected CURL pugixml OpenSSL ZLIB PkgConfig)
# The target PkgConfig::<first word> is made of these pkg-config modules.
set(GENREWISE_PKG_CONFIG_TARGETS "mpg123 libmpg123" "ffmpeg libavformat libavcodec libavutil" "soxr soxr"
    "fftw3f fftw3f" "fftw3 fftw3" "openblas openblas")
foreach(package IN LISTS GENREWISE_PACKAGES)
  find_package(${package} REQUIRED)
endforeach()
foreach(target IN LISTS GENREWISE_PKG_CONFIG_TARGETS)
  separate_arguments(target)
  list(POP_FRONT target name)
  pkg_check_modules(${name} REQUIRED IMPORTED_TARGET ${target})
endforeach()
# Headers alone, of the modules' sources and of the program.
find_package(Eigen3 REQUIRED NO_MODULE)
find_package(CLI11 REQUIRED)
if(GENREWISE_TESTS)
  find_package(GTest REQUIRED)
  include(GoogleTest)
endif()
if(GENREWISE_BENCH)
  find_package(benchmark QUIET)
endif()

# The neural half: libtorch to train, HDF5 to read Keras' weights.
if(NOT GENREWISE_NEURAL STREQUAL "OFF")
  find_package(Torch QUIET)
  pkg_check_modules(hdf5 IMPORTED_TARGET hdf5)
  if(Torch_FOUND AND hdf5_FOUND)
    set(GENREWISE_NEURAL_FOUND TRUE)
  elseif(GENREWISE_NEURAL STREQUAL "ON")
    message(FATAL_ERROR "The neural half needs libtorch and HDF5 (tools/install_packages.sh neural); "
                        "-DGENREWISE_NEURAL=OFF leaves it out")
  endif()
endif()
if(GENREWISE_NEURAL_FOUND)
  message(STATUS "Neural half: yes (libtorch ${Torch_VERSION})")
else()
  message(STATUS "Neural half: no")
endif()
