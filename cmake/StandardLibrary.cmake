# LLVM's library of versions 18 and 19 (FreeBSD 14, OpenBSD 7) has std::jthread only for those who ask for what is new; it is all in
# headers. Older ones do not have it at all.
include(CheckCXXSourceCompiles)
check_cxx_source_compiles("#include <version>\n#ifndef __cpp_lib_jthread\n#error\n#endif\nint main() {}" DEFERD_HAS_JTHREAD)
if(NOT DEFERD_HAS_JTHREAD)
  add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-fexperimental-library>)
endif()
