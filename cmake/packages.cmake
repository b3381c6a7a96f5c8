# `cpack` in a build folder (Release, prefix /usr) writes Debian packages: genrewise (program),
# genrewise-neural (training of networks, needs libtorch) and libgenrewise-dev (libraries and headers).
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME genrewise)
set(CPACK_PACKAGE_VENDOR genrewise)
set(CPACK_PACKAGE_CONTACT "genrewise developers <developers@genrewise.invalid>" CACHE STRING
    "Maintainer of the packages, as NAME <ADDRESS>")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
    OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_PRE_BUILD_SCRIPTS ${CMAKE_CURRENT_LIST_DIR}/debian_files.cmake)

set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_ALL program dev)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)

set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "music-genre classification: features, models, predictions")
set(about "genrewise decodes audio, computes features and embeddings, compares\n\
classifiers on splits that keep artists apart, and predicts genres.")
set(CPACK_DEBIAN_PROGRAM_PACKAGE_NAME genrewise)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_SECTION sound)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_SUGGESTS "genrewise-neural")
set(CPACK_COMPONENT_PROGRAM_DESCRIPTION "${about}")
# OpenBLAS is loaded when it is used, so its package is no dependency that the linker knows.
set(CPACK_DEBIAN_PROGRAM_PACKAGE_DEPENDS "libopenblas0, ca-certificates")

set(CPACK_DEBIAN_DEV_PACKAGE_NAME libgenrewise-dev)
set(CPACK_DEBIAN_DEV_PACKAGE_SECTION libdevel)
set(CPACK_COMPONENT_DEV_DESCRIPTION
    "${about}\nThese are the static libraries, their headers and the files for CMake.")
set(media libsndfile1-dev)
set(CPACK_GENREWISE_LICENCE "This build links no libraries under the GPL, but some under the LGPL.")
if(GENREWISE_GPL)
  set(CPACK_GENREWISE_LICENCE "The programs link FFmpeg and FFTW, so they may be passed on under the GPL, version 3.")
  set(media "libavformat-dev, libavcodec-dev, libavutil-dev, libfftw3-dev")
endif()
set(CPACK_DEBIAN_DEV_PACKAGE_DEPENDS "${media}, libmpg123-dev, libsoxr-dev, libtag1-dev, libcurl4-openssl-dev, libarchive-dev, \
libpugixml-dev, libssl-dev, libfmt-dev, nlohmann-json3-dev, libexpected-dev, zlib1g-dev, libsqlite3-dev, libzstd-dev, \
libyaml-cpp-dev, libhwy-dev, libopenblas0, pkg-config")
if(XGBOOST_LIBRARY)
  string(APPEND CPACK_DEBIAN_DEV_PACKAGE_DEPENDS ", libxgboost-dev")
endif()

if(TARGET genrewise_neural_program)
  list(APPEND CPACK_COMPONENTS_ALL neural)
  set(CPACK_DEBIAN_NEURAL_PACKAGE_NAME genrewise-neural)
  set(CPACK_DEBIAN_NEURAL_PACKAGE_SECTION sound)
  set(CPACK_DEBIAN_NEURAL_PACKAGE_DEPENDS "genrewise (= ${PROJECT_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE})")
  set(CPACK_COMPONENT_NEURAL_DESCRIPTION
      "${about}\nThis is the program that trains networks, with libtorch; genrewise starts it.")
endif()
include(CPack)
