# What `cmake --install` puts where, besides programs and plugins, which their own folders install.
include(CMakePackageConfigHelpers)

# The SDK: headers, the library each plugin links its own copy of, the fakes for its tests, the CMake package.
set(DEFERD_PLUGIN_DIR ${DEFERD_PLUGIN_DESTINATION})
set(package ${CMAKE_INSTALL_LIBDIR}/cmake/deferd)
install(DIRECTORY core/include/deferd DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
install(DIRECTORY tests/support/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/deferd/testing FILES_MATCHING PATTERN "fake_*.h"
                                                                                                           PATTERN "readme_rows.h")
install(TARGETS deferd-sdk deferd-testing EXPORT deferd-targets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(EXPORT deferd-targets NAMESPACE deferd:: DESTINATION ${package})
configure_package_config_file(cmake/deferd-config.cmake.in ${CMAKE_BINARY_DIR}/cmake/deferd-config.cmake
                              INSTALL_DESTINATION ${package} PATH_VARS DEFERD_PLUGIN_DIR)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/cmake/deferd-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/cmake/deferd-config.cmake ${CMAKE_BINARY_DIR}/cmake/deferd-config-version.cmake
              cmake/DeferdPlugin.cmake cmake/deferd-plugin.map DESTINATION ${package})

# For people.
file(GLOB manuals CONFIGURE_DEPENDS docs/man/*.[1-8])
foreach(manual ${manuals})
  string(REGEX REPLACE ".*\\." "" section ${manual})
  install(FILES ${manual} DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section})
endforeach()
install(DIRECTORY conf/ DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples)
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY docs/ DESTINATION ${CMAKE_INSTALL_DOCDIR} FILES_MATCHING PATTERN "*.md" PATTERN man EXCLUDE)
