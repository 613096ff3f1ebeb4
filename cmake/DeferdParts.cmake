# The parts of the daemon. A part's headers are included as "<part>/x.h" and are seen only by targets that link the part: who may
# include whom is who links whom (docs/architecture.md).

add_library(deferd-options INTERFACE)
target_compile_options(deferd-options INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -fvisibility-inlines-hidden)
if(DEFERD_SANITIZE)
  target_compile_options(deferd-options INTERFACE -fsanitize=${DEFERD_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(deferd-options INTERFACE -fsanitize=${DEFERD_SANITIZE})
  if(DEFERD_SANITIZE MATCHES undefined)
    # That check opens a descriptor, and takes its failing for a broken object: tests run out of descriptors on purpose.
    target_compile_options(deferd-options INTERFACE -fno-sanitize=vptr)
  endif()
endif()

# deferd_part(NAME SOURCES a.cc ... [LINK target ...] [PRIVATE_LINK target ...])
function(deferd_part name)
  cmake_parse_arguments(arg "" "" "SOURCES;LINK;PRIVATE_LINK" ${ARGN})
  set(view ${CMAKE_BINARY_DIR}/include/${name})
  file(MAKE_DIRECTORY ${view})
  file(CREATE_LINK ${CMAKE_CURRENT_SOURCE_DIR} ${view}/${name} SYMBOLIC)
  add_library(deferd-${name} STATIC ${arg_SOURCES})
  target_include_directories(deferd-${name} PUBLIC ${view})
  target_link_libraries(deferd-${name} PUBLIC ${arg_LINK} PRIVATE deferd-options ${arg_PRIVATE_LINK})
endfunction()

# Every unit test program, without the end-to-end tests' needs.
if(DEFERD_TESTS)
  add_custom_target(unit-tests)
endif()

# deferd_test(NAME SOURCES a_test.cc ... LINK target ...): one program, each of its tests known to ctest.
function(deferd_test name)
  if(NOT DEFERD_TESTS)
    return()
  endif()
  cmake_parse_arguments(arg "" "" "SOURCES;LINK" ${ARGN})
  add_executable(${name}_test ${arg_SOURCES})
  target_link_libraries(${name}_test PRIVATE ${arg_LINK} deferd-options GTest::gmock GTest::gtest_main)
  set_target_properties(${name}_test PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  add_dependencies(unit-tests ${name}_test)
  gtest_discover_tests(${name}_test DISCOVERY_MODE PRE_TEST PROPERTIES LABELS unit TIMEOUT 120)
endfunction()
