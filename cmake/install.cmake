# `cmake --install`: programs, static libraries, public headers, and the package for find_package(genrewise).
# genrewise::genrewise contains all modules, genrewise::<module> one module and its dependencies.
add_library(genrewise_all INTERFACE)
add_library(genrewise::genrewise ALIAS genrewise_all)
set_target_properties(genrewise_all PROPERTIES EXPORT_NAME genrewise)
list(TRANSFORM GENREWISE_MODULES PREPEND genrewise_ OUTPUT_VARIABLE module_targets)
target_link_libraries(genrewise_all INTERFACE ${module_targets})
install(TARGETS genrewise_all EXPORT genrewise)

include(CMakePackageConfigHelpers)
list(JOIN GENREWISE_PACKAGES " " GENREWISE_PACKAGE_ITEMS)
list(TRANSFORM GENREWISE_PKG_CONFIG_TARGETS REPLACE "(.+)" "\"\\1\"" OUTPUT_VARIABLE GENREWISE_PKG_CONFIG_ITEMS)
list(JOIN GENREWISE_PKG_CONFIG_ITEMS " " GENREWISE_PKG_CONFIG_ITEMS)
set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/genrewise)
install(EXPORT genrewise NAMESPACE genrewise:: DESTINATION ${package_folder} FILE genrewiseTargets.cmake)
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/genrewiseConfig.cmake.in ${PROJECT_BINARY_DIR}/genrewiseConfig.cmake
                              INSTALL_DESTINATION ${package_folder})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/genrewiseConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/genrewiseConfig.cmake ${PROJECT_BINARY_DIR}/genrewiseConfigVersion.cmake
        DESTINATION ${package_folder})
