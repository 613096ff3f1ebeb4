// A reply of one JSON object a line (application/x-ndjson), sent as it comes.
#pragma once
#include <string>

#include "deferd/plugin.h"
#include "http/http.h"

namespace deferd {

/// Nothing is sent before the first row, so that a failure until then is still told by the reply's status. Afterwards it becomes
/// the last line: {"error": ..., "code": ...}.
class LineWriter : public Rows {
 public:
  explicit LineWriter(HttpReply& reply) : reply_(reply) {}
  bool row(const Value& row) override;
  std::size_t count() const { return count_; }

  void finish(const Result<void>& result);

 private:
  HttpReply& reply_;
  std::size_t count_ = 0;
};

}  // namespace deferd
