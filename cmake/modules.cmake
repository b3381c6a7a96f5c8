# genrewise_module(NAME USES module... LIBRARIES target...)
# One static library genrewise_NAME from all sources of the calling folder (sub-folders that have no CMakeLists.txt of
# their own included). USES: modules below it, visible to users of this module. LIBRARIES: third-party targets; they stay
# inside (PRIVATE). PUBLIC_LIBRARIES: those whose headers appear in this module's headers.
function(genrewise_module name)
  cmake_parse_arguments(PARSE_ARGV 1 ARG "" "" "USES;LIBRARIES;PUBLIC_LIBRARIES")
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  file(GLOB inner_modules CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*/CMakeLists.txt)
  foreach(inner_module IN LISTS inner_modules)
    cmake_path(GET inner_module PARENT_PATH inner_module)
    list(FILTER sources EXCLUDE REGEX "^${inner_module}/")
  endforeach()
  add_library(genrewise_${name} STATIC ${sources})
  list(TRANSFORM ARG_USES PREPEND genrewise_)
  target_link_libraries(genrewise_${name} PUBLIC genrewise_options ${ARG_USES} ${ARG_PUBLIC_LIBRARIES}
                        PRIVATE ${ARG_LIBRARIES})
endfunction()

# genrewise_test(NAME USES module... LIBRARIES target...)
# The test program test_NAME from all sources of the calling folder; CTest sees each of its cases.
function(genrewise_test name)
  cmake_parse_arguments(PARSE_ARGV 1 ARG "" "" "USES;LIBRARIES")
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  add_executable(test_${name} ${sources})
  list(TRANSFORM ARG_USES PREPEND genrewise_)
  target_link_libraries(test_${name} PRIVATE ${ARG_USES} genrewise_test_support GTest::gmock GTest::gtest_main ${ARG_LIBRARIES})
  gtest_discover_tests(test_${name} DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 120 TEST_PREFIX ${name}.)
endfunction()
