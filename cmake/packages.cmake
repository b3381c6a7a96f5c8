# `cpack` in a build folder (Release, prefix /usr) writes Debian packages: genrewise (program), libgenrewise-dev
# (libraries and headers), genrewise-neural (training of networks) if libtorch was found, and python3-genrewise with
# -DGENREWISE_PYTHON=ON.
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
# The packages of the libraries that are loaded when they are used, which dpkg-shlibdeps does not see. The file
# loaded_libraries names them for other packages (tools/make_archive.sh, tools/python.sh).
get_property(loaded GLOBAL PROPERTY GENREWISE_LOADED)
list(REMOVE_DUPLICATES loaded)
list(JOIN loaded "\n" lines)
file(WRITE ${PROJECT_BINARY_DIR}/loaded_libraries "${lines}\n")
set(loaded_packages)
find_program(dpkg_query dpkg-query)
foreach(library IN LISTS loaded)
  if(dpkg_query)
    execute_process(COMMAND ${dpkg_query} --search */${CMAKE_LIBRARY_ARCHITECTURE}/${library} OUTPUT_VARIABLE owner
                    ERROR_QUIET)
    if(owner MATCHES "^([^:, ]+)")
      list(APPEND loaded_packages ${CMAKE_MATCH_1})
    endif()
  endif()
endforeach()
if("libopenblas.so.0" IN_LIST loaded)
  list(APPEND loaded_packages libopenblas0)  # of several packages that contain the file
endif()
list(JOIN loaded_packages ", " loaded_packages)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_DEPENDS "${loaded_packages}, ca-certificates")

set(CPACK_DEBIAN_DEV_PACKAGE_NAME libgenrewise-dev)
set(CPACK_DEBIAN_DEV_PACKAGE_SECTION libdevel)
set(CPACK_COMPONENT_DEV_DESCRIPTION
    "${about}\nThese are the static libraries, their headers and the files for CMake.")
set(media "libsndfile1-dev")
set(CPACK_GENREWISE_LICENCE "This build links no libraries under the GPL, but some under the LGPL.")
if(GENREWISE_GPL)
  set(CPACK_GENREWISE_LICENCE "The programs link FFmpeg and FFTW, so they may be passed on under the GPL, version 3.")
  set(media "libfftw3-dev")
endif()
set(CPACK_DEBIAN_DEV_PACKAGE_DEPENDS "${media}, libmpg123-dev, libsoxr-dev, libtag1-dev, libpugixml-dev, libssl-dev, \
libfmt-dev, nlohmann-json3-dev, libexpected-dev, zlib1g-dev, libsqlite3-dev, libzstd-dev, libyaml-cpp-dev, \
pkg-config, ${loaded_packages}")

if(TARGET genrewise_neural_program)
  list(APPEND CPACK_COMPONENTS_ALL neural)
  set(CPACK_DEBIAN_NEURAL_PACKAGE_NAME genrewise-neural)
  set(CPACK_DEBIAN_NEURAL_PACKAGE_SECTION sound)
  set(CPACK_DEBIAN_NEURAL_PACKAGE_DEPENDS "genrewise (= ${PROJECT_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE})")
  set(CPACK_COMPONENT_NEURAL_DESCRIPTION
      "${about}\nThis is the program that trains networks, with libtorch; genrewise starts it.")
endif()

if(GENREWISE_PYTHON)
  list(APPEND CPACK_COMPONENTS_ALL python)
  set(CPACK_DEBIAN_PYTHON_PACKAGE_NAME python3-genrewise)
  set(CPACK_DEBIAN_PYTHON_PACKAGE_SECTION python)
  list(GET GENREWISE_PYTHON_VERSION 0 major)
  list(GET GENREWISE_PYTHON_VERSION 1 minor)
  math(EXPR next_minor "${minor} + 1")
  set(CPACK_DEBIAN_PYTHON_PACKAGE_DEPENDS "python3 (>= ${major}.${minor}), python3 (<< ${major}.${next_minor}), \
python3-numpy, python3-pandas, ${loaded_packages}")
  set(CPACK_DEBIAN_PYTHON_PACKAGE_SUGGESTS "genrewise, python3-sklearn, python3-tqdm, beets")
  # Compiled modules, which dpkg does not know, are written after installation and removed before removal.
  file(WRITE ${PROJECT_BINARY_DIR}/postinst "#!/bin/sh\nset -e\n[ \"$1\" != configure ] || py3compile -p python3-genrewise\n")
  file(WRITE ${PROJECT_BINARY_DIR}/prerm "#!/bin/sh\nset -e\npy3clean -p python3-genrewise\n")
  set(CPACK_DEBIAN_PYTHON_PACKAGE_CONTROL_EXTRA ${PROJECT_BINARY_DIR}/postinst ${PROJECT_BINARY_DIR}/prerm)
  set(CPACK_COMPONENT_PYTHON_DESCRIPTION "${about}\nThis is the Python package with its plugin for beets.")
endif()
include(CPack)
