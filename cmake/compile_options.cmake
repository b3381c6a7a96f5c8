# One set of compiler flags for every target, carried by the interface target genrewise_options.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()
set(CMAKE_CXX_FLAGS_RELWITHASSERT "-O2 -g1")
if(GENREWISE_SANITIZE)
  set(CMAKE_CXX_FLAGS_RELWITHASSERT "-O1 -g1")  # builds much faster; the reports name more of the stack
endif()
set(CMAKE_C_FLAGS_RELWITHASSERT "${CMAKE_CXX_FLAGS_RELWITHASSERT}")
set(CMAKE_CXX_FLAGS_RELEASE "-O3 -DNDEBUG")

find_program(GENREWISE_CCACHE ccache)
if(GENREWISE_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${GENREWISE_CCACHE})
endif()

add_library(genrewise_options INTERFACE)
target_include_directories(genrewise_options BEFORE INTERFACE ${PROJECT_SOURCE_DIR}/src/checked)
# Nothing reads errno of math functions or uses floating-point traps; these options allow vectorisation.
target_compile_options(genrewise_options INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor
                       -fno-math-errno -fno-trapping-math)
if(GENREWISE_WERROR)
  target_compile_options(genrewise_options INTERFACE -Werror)
endif()
if(GENREWISE_NATIVE)
  target_compile_options(genrewise_options INTERFACE -march=native)
endif()
if(GENREWISE_SANITIZE)
  # GCC 12's warnings of uninitialised values are wrong in instrumented code (std::regex, for one).
  target_compile_options(genrewise_options INTERFACE -fsanitize=${GENREWISE_SANITIZE} -fno-omit-frame-pointer
                         -Wno-maybe-uninitialized)
  target_link_options(genrewise_options INTERFACE -fsanitize=${GENREWISE_SANITIZE})
  if(GENREWISE_SANITIZE MATCHES "undefined")
    target_compile_options(genrewise_options INTERFACE -fno-sanitize-recover=undefined)
  endif()
endif()
