# deferd_add_plugin(NAME SOURCES a.cc module.cc ... [LINK target ...])
#
# Builds the plugin NAME.so. All sources but module.cc also go into the library NAME-objects, which tests link. Works the same in
# deferd's own tree and, after find_package(deferd), anywhere else.
function(deferd_add_plugin name)
  cmake_parse_arguments(arg "" "" "SOURCES;LINK" ${ARGN})
  set(logic ${arg_SOURCES})
  list(FILTER logic EXCLUDE REGEX "(^|/)module\\.cc$")
  set(module ${arg_SOURCES})
  list(FILTER module INCLUDE REGEX "(^|/)module\\.cc$")

  add_library(${name}-objects STATIC ${logic})
  target_include_directories(${name}-objects PUBLIC ${CMAKE_CURRENT_SOURCE_DIR})
  target_link_libraries(${name}-objects PUBLIC deferd::sdk ${arg_LINK})
  set_target_properties(${name}-objects PROPERTIES POSITION_INDEPENDENT_CODE ON CXX_VISIBILITY_PRESET hidden)

  add_library(${name} MODULE ${module})
  target_link_libraries(${name} PRIVATE ${name}-objects)
  # The SDK's symbols stay the plugin's own: nothing but deferd_plugin is seen from outside.
  target_link_options(${name} PRIVATE -Wl,--version-script=${CMAKE_CURRENT_FUNCTION_LIST_DIR}/deferd-plugin.map)
  if(NOT DEFERD_SANITIZE AND NOT CMAKE_SYSTEM_NAME STREQUAL OpenBSD) # whose libraries do not name libc
    target_link_options(${name} PRIVATE -Wl,-z,defs)
  endif()
  set_target_properties(${name} PROPERTIES PREFIX "" SUFFIX ".so" CXX_VISIBILITY_PRESET hidden LIBRARY_OUTPUT_DIRECTORY
                                           ${CMAKE_BINARY_DIR}/plugins)
  if(TARGET deferd-options)
    target_link_libraries(${name}-objects PRIVATE deferd-options)
    target_link_libraries(${name} PRIVATE deferd-options)
    target_precompile_headers(${name}-objects REUSE_FROM plugin-headers)
    target_precompile_headers(${name} REUSE_FROM plugin-headers)
  endif()
  install(TARGETS ${name} LIBRARY DESTINATION ${DEFERD_PLUGIN_DESTINATION})
endfunction()
