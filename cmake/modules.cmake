# Modules and the boundaries between them. Headers are included as "genrewise/<module>/<header>.hpp", but src/ is not an
# include folder: each module has two trees of links to its headers in the build folder,
#   include/<module>/    its PUBLIC_HEADERS, for modules above it, programs and users of the installed library,
#   internals/<module>/  all of its headers, for the module itself and its own tests (INTERNALS).
# So including a module that is not below, or a private header of another module, does not compile ("No such file or
# directory"); the tests walls.* check that.

# genrewise_link_headers(TREE header...)
# Fills the folder TREE with links to these headers (paths relative to src/) and removes everything else.
function(genrewise_link_headers tree)
  list(TRANSFORM ARGN PREPEND ${tree}/ OUTPUT_VARIABLE expected)
  file(GLOB_RECURSE present ${tree}/*)
  list(FILTER present EXCLUDE REGEX "/loaded_libraries.hpp$")
  list(REMOVE_ITEM present ${expected})
  if(present)
    file(REMOVE ${present})
  endif()
  foreach(header IN LISTS ARGN)
    cmake_path(GET header PARENT_PATH folder)
    file(MAKE_DIRECTORY ${tree}/${folder})
    file(CREATE_LINK ${PROJECT_SOURCE_DIR}/src/${header} ${tree}/${header} SYMBOLIC)
  endforeach()
endfunction()

# genrewise_load_later(MODULE library...)
# The module loads these libraries (paths) when it first calls them (base/shared_library.hpp). Its private header
# loaded_libraries.hpp has their SONAMEs, by which the dynamic linker finds them: GENREWISE_LIBCURL is "libcurl.so.4".
# The global property GENREWISE_LOADED lists them for packages, which contain or name what the linker does not see.
function(genrewise_load_later module)
  set(lines "#pragma once\n")
  foreach(library IN LISTS ARGN)
    execute_process(COMMAND ${CMAKE_OBJDUMP} -p ${library} OUTPUT_VARIABLE headers COMMAND_ERROR_IS_FATAL ANY)
    string(REGEX MATCH "SONAME +([^\n]+)" soname "${headers}")
    cmake_path(GET library STEM name)
    string(TOUPPER ${name} name)
    string(APPEND lines "#define GENREWISE_${name} \"${CMAKE_MATCH_1}\"\n")
    set_property(GLOBAL APPEND PROPERTY GENREWISE_LOADED ${CMAKE_MATCH_1})
  endforeach()
  file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/internals/${module}/genrewise/${module}/loaded_libraries.hpp
       CONTENT "${lines}" @ONLY)
endfunction()

# genrewise_module(NAME USES module... PUBLIC_HEADERS header... LIBRARIES target... [WITHOUT prefix] [NOT_INSTALLED])
# Defines the static library genrewise_NAME (genrewise::NAME) from all sources of the calling folder (including
# sub-folders without a CMakeLists.txt). USES: modules below it, visible to users of this module. PUBLIC_HEADERS:
# headers that other modules may include, relative to the calling folder. LIBRARIES: third-party targets (PRIVATE).
# PUBLIC_LIBRARIES: third-party targets whose headers appear in this module's public headers. LOADS: libraries that are
# loaded when they are first used, as targets of pkg-config (without PkgConfig::) or paths. WITHOUT: sources whose names
# begin so are left out.
function(genrewise_module name)
  cmake_parse_arguments(PARSE_ARGV 1 ARG "NOT_INSTALLED" "WITHOUT" "USES;PUBLIC_HEADERS;LIBRARIES;PUBLIC_LIBRARIES;LOADS")
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  if(ARG_WITHOUT)
    list(FILTER sources EXCLUDE REGEX "/${ARG_WITHOUT}[^/]*$")
  endif()
  file(GLOB_RECURSE headers CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR}/src ${CMAKE_CURRENT_SOURCE_DIR}/*.hpp)
  cmake_path(RELATIVE_PATH CMAKE_CURRENT_SOURCE_DIR BASE_DIRECTORY ${PROJECT_SOURCE_DIR}/src OUTPUT_VARIABLE here)
  file(GLOB inner_modules CONFIGURE_DEPENDS RELATIVE ${CMAKE_CURRENT_SOURCE_DIR} ${CMAKE_CURRENT_SOURCE_DIR}/*/CMakeLists.txt)
  foreach(inner_module IN LISTS inner_modules)
    cmake_path(GET inner_module PARENT_PATH inner_module)
    list(FILTER sources EXCLUDE REGEX "^${CMAKE_CURRENT_SOURCE_DIR}/${inner_module}/")
    list(FILTER headers EXCLUDE REGEX "^${here}/${inner_module}/")
  endforeach()
  list(TRANSFORM ARG_PUBLIC_HEADERS PREPEND ${here}/)
  foreach(header IN LISTS ARG_PUBLIC_HEADERS)
    if(NOT header IN_LIST headers)
      message(FATAL_ERROR "PUBLIC_HEADERS of the module ${name} lists ${header}, which does not exist in src/")
    endif()
  endforeach()
  foreach(used IN LISTS ARG_USES)
    if(NOT TARGET genrewise_${used})
      message(FATAL_ERROR "The module ${name} USES ${used}, which is not below it (GENREWISE_MODULES gives the order)")
    endif()
  endforeach()
  genrewise_link_headers(${PROJECT_BINARY_DIR}/include/${name} ${ARG_PUBLIC_HEADERS})
  # Sources too: one with vector kernels includes itself for each instruction set (hwy/foreach_target.h).
  list(TRANSFORM sources REPLACE "^${PROJECT_SOURCE_DIR}/src/" "" OUTPUT_VARIABLE own_sources)
  genrewise_link_headers(${PROJECT_BINARY_DIR}/internals/${name} ${headers} ${own_sources})

  add_library(genrewise_${name} STATIC ${sources})
  add_library(genrewise::${name} ALIAS genrewise_${name})
  target_include_directories(genrewise_${name}
    PRIVATE ${PROJECT_BINARY_DIR}/internals/${name}
    PUBLIC $<BUILD_INTERFACE:${PROJECT_BINARY_DIR}/include/${name}> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  target_compile_features(genrewise_${name} PUBLIC cxx_std_20)
  list(TRANSFORM ARG_USES PREPEND genrewise_)
  target_link_libraries(genrewise_${name} PUBLIC $<BUILD_INTERFACE:genrewise_options> ${ARG_USES} ${ARG_PUBLIC_LIBRARIES}
                        PRIVATE ${ARG_LIBRARIES})
  set(loaded "")
  foreach(one IN LISTS ARG_LOADS)
    if(TARGET PkgConfig::${one})
      target_include_directories(genrewise_${name} SYSTEM PRIVATE ${${one}_INCLUDE_DIRS})
      list(APPEND loaded ${${one}_LINK_LIBRARIES})
    else()
      list(APPEND loaded ${one})
    endif()
  endforeach()
  if(loaded)
    genrewise_load_later(${name} ${loaded})
  endif()
  set_target_properties(genrewise_${name} PROPERTIES EXPORT_NAME ${name} GENREWISE_HEADERS "${headers}"
                        GENREWISE_PUBLIC_HEADERS "${ARG_PUBLIC_HEADERS}")
  if(NOT ARG_NOT_INSTALLED)
    install(TARGETS genrewise_${name} EXPORT genrewise)
    foreach(header IN LISTS ARG_PUBLIC_HEADERS)
      cmake_path(GET header PARENT_PATH folder)
      install(FILES ${PROJECT_SOURCE_DIR}/src/${header} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/${folder})
    endforeach()
  endif()
endfunction()

# genrewise_embed(TARGET FUNCTION FILE)
# Compiles the text of a file (relative to the repository) into the target as `std::string_view genrewise::FUNCTION()`.
function(genrewise_embed target function file)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${file})
  file(READ ${PROJECT_SOURCE_DIR}/${file} text)
  configure_file(${PROJECT_SOURCE_DIR}/cmake/embedded_text.cpp.in ${CMAKE_CURRENT_BINARY_DIR}/${function}.cpp @ONLY)
  target_sources(${target} PRIVATE ${CMAKE_CURRENT_BINARY_DIR}/${function}.cpp)
endfunction()

# genrewise_internals(TARGET SCOPE module...)
# Allows a test or benchmark to include all headers of these modules.
function(genrewise_internals target scope)
  foreach(module IN LISTS ARGN)
    target_include_directories(${target} BEFORE ${scope} ${PROJECT_BINARY_DIR}/internals/${module})
  endforeach()
endfunction()

# genrewise_test(NAME USES module... INTERNALS module... LIBRARIES target...)
# Defines the test program test_NAME from all sources of the calling folder; each case is a CTest test. INTERNALS:
# modules whose private headers it tests.
function(genrewise_test name)
  cmake_parse_arguments(PARSE_ARGV 1 ARG "" "" "USES;INTERNALS;LIBRARIES")
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  add_executable(test_${name} ${sources})
  list(TRANSFORM ARG_USES PREPEND genrewise_)
  target_link_libraries(test_${name} PRIVATE ${ARG_USES} genrewise_test_support GTest::gmock GTest::gtest_main ${ARG_LIBRARIES})
  genrewise_internals(test_${name} PRIVATE ${ARG_INTERNALS})
  gtest_discover_tests(test_${name} DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 120 TEST_PREFIX ${name}.)
endfunction()
