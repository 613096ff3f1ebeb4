// For builds with the thread sanitizer: RocksDB's library is not instrumented, so the atomics by which it hands memory from
// thread to thread are not seen, and what goes through it looks like races. Empty in all other builds.
#pragma once

#if defined(DEFERD_SANITIZED_THREADS)
extern "C" {
void AnnotateIgnoreReadsBegin(const char* file, int line);
void AnnotateIgnoreReadsEnd(const char* file, int line);
void AnnotateIgnoreWritesBegin(const char* file, int line);
void AnnotateIgnoreWritesEnd(const char* file, int line);
}
#endif

namespace deferd::store {

/// What this thread reads and writes while it lives is not looked at.
class Uninstrumented {
 public:
#if defined(DEFERD_SANITIZED_THREADS)
  Uninstrumented() {
    AnnotateIgnoreReadsBegin(__FILE__, __LINE__);
    AnnotateIgnoreWritesBegin(__FILE__, __LINE__);
  }
  ~Uninstrumented() {
    AnnotateIgnoreWritesEnd(__FILE__, __LINE__);
    AnnotateIgnoreReadsEnd(__FILE__, __LINE__);
  }
#else
  Uninstrumented() {}
#endif
  Uninstrumented(const Uninstrumented&) = delete;
};

}  // namespace deferd::store
