# The parts of the daemon. A part's headers are included as "<part>/x.h" and are seen only by targets that link the part: who may
# include whom is who links whom (docs/architecture.md).

add_library(deferd-options INTERFACE)
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
  target_compile_options(deferd-options INTERFACE -fpch-preprocess) # without it ccache knows nothing of precompiled headers
endif()
target_compile_options(deferd-options INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -fvisibility-inlines-hidden)
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # False alarms of GCC 12 at "text" + std::string (GCC bug 105329, 105651).
  target_compile_options(deferd-options INTERFACE -Wno-restrict -Wno-array-bounds -Wno-stringop-overflow)
endif()
if(CMAKE_UNITY_BUILD AND CMAKE_CXX_COMPILER_ID STREQUAL GNU)
  target_compile_options(deferd-options INTERFACE -Wno-subobject-linkage) # a file's own names are in an included file then
endif()
include(CheckLinkerFlag)
check_linker_flag(CXX -fuse-ld=mold DEFERD_MOLD)
if(DEFERD_MOLD) # links in a third of the time
  target_link_options(deferd-options INTERFACE -fuse-ld=mold)
endif()
if(DEFERD_FUZZ)
  target_compile_options(deferd-options INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(DEFERD_SANITIZE)
  target_compile_options(deferd-options INTERFACE -fsanitize=${DEFERD_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(deferd-options INTERFACE -fsanitize=${DEFERD_SANITIZE})
  # At fixed addresses they start in half of the time: there are a million and a half to relocate otherwise.
  target_link_options(deferd-options INTERFACE $<$<STREQUAL:$<TARGET_PROPERTY:TYPE>,EXECUTABLE>:-no-pie>)
  target_compile_definitions(deferd-options INTERFACE DEFERD_SANITIZED)
  if(DEFERD_SANITIZE STREQUAL thread)
    target_compile_definitions(deferd-options INTERFACE DEFERD_SANITIZED_THREADS)
  endif()
  if(DEFERD_SANITIZE MATCHES undefined)
    # vptr opens a descriptor, and takes its failing for a broken object: tests run out of descriptors on purpose. What function puts
    # before a coroutine, Clang 14 cannot assemble.
    target_compile_options(deferd-options INTERFACE -fno-sanitize=vptr $<$<CXX_COMPILER_ID:Clang>:-fno-sanitize=function>)
  endif()
endif()

# What most files include, compiled once: for parts, for plugins, whose symbols are hidden, and for tests. The preset dev does without,
# so that each file still includes what it uses.
set(common_headers <algorithm> <array> <atomic> <charconv> <chrono> <condition_variable> <filesystem> <fstream> <functional> <map>
    <memory> <mutex> <optional> <span> <sstream> <string> <string_view> <thread> <utility> <vector>)
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/headers.cc CONTENT "int main() {}\n")
foreach(kind part plugin)
  add_library(${kind}-headers OBJECT EXCLUDE_FROM_ALL ${CMAKE_BINARY_DIR}/headers.cc)
  target_link_libraries(${kind}-headers PRIVATE deferd-options)
  target_precompile_headers(${kind}-headers PRIVATE ${common_headers})
endforeach()
set_target_properties(plugin-headers PROPERTIES CXX_VISIBILITY_PRESET hidden)

# deferd_part(NAME SOURCES a.cc ... [LINK target ...] [PRIVATE_LINK target ...])
function(deferd_part name)
  cmake_parse_arguments(arg "" "" "SOURCES;LINK;PRIVATE_LINK" ${ARGN})
  set(view ${CMAKE_BINARY_DIR}/include/${name})
  file(MAKE_DIRECTORY ${view})
  file(CREATE_LINK ${CMAKE_CURRENT_SOURCE_DIR} ${view}/${name} SYMBOLIC)
  add_library(deferd-${name} STATIC ${arg_SOURCES})
  target_include_directories(deferd-${name} PUBLIC ${view})
  target_link_libraries(deferd-${name} PUBLIC ${arg_LINK} PRIVATE deferd-options ${arg_PRIVATE_LINK})
  target_precompile_headers(deferd-${name} REUSE_FROM part-headers)
endfunction()

# Every unit test program, and all that tests need besides what is installed: that alone is in `all`. What only tests run is compiled
# without optimization: it need not be fast.
set(test_options $<$<CONFIG:Release>:-O0>)
if(DEFERD_TESTS)
  add_custom_target(unit-tests)
  add_custom_target(tests DEPENDS unit-tests)
  add_executable(test-headers EXCLUDE_FROM_ALL ${CMAKE_BINARY_DIR}/headers.cc)
  target_link_libraries(test-headers PRIVATE deferd-options GTest::gtest_main GTest::gmock)
  target_compile_options(test-headers PRIVATE ${test_options})
  target_precompile_headers(test-headers PRIVATE ${common_headers} <gmock/gmock.h> <gtest/gtest.h>)
endif()

# deferd_test(NAME SOURCES a_test.cc ... LINK target ...): one program, one test of ctest. One that takes long has its COST, so that it
# starts early: about the seconds of the slowest preset.
function(deferd_test name)
  if(NOT DEFERD_TESTS)
    return()
  endif()
  cmake_parse_arguments(arg "" "" "SOURCES;LINK" ${ARGN})
  add_executable(${name}_test EXCLUDE_FROM_ALL ${arg_SOURCES})
  target_include_directories(${name}_test PRIVATE ${PROJECT_SOURCE_DIR}/tests)
  target_link_libraries(${name}_test PRIVATE ${arg_LINK} deferd-options GTest::gmock GTest::gtest_main)
  target_compile_options(${name}_test PRIVATE ${test_options})
  target_precompile_headers(${name}_test REUSE_FROM test-headers)
  set_target_properties(${name}_test PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  add_dependencies(unit-tests ${name}_test)
  # A program at a time: to start a process for each of thousands of tests took most of their time.
  add_test(NAME ${name}_test COMMAND ${name}_test --gtest_output=xml:${CMAKE_BINARY_DIR}/reports/${name}_test.xml)
  set_tests_properties(${name}_test PROPERTIES LABELS unit TIMEOUT 600)
endfunction()
