#include "control/line_writer.h"

#include "http/error_body.h"

namespace deferd {

bool LineWriter::row(const Value& row) {
  if (count_++ == 0 && !reply_.begin(200, kJsonLines)) return false;
  return reply_.write(row.to_json() + '\n');
}

void LineWriter::finish(const Result<void>& result) {
  if (result) {
    if (count_ == 0) reply_.send(200, kJsonLines, {});
  } else if (count_ == 0) {
    reply_.send(status_of(result.error().code), kJson, error_body(result.error()));
  } else {
    reply_.write(error_body(result.error()));
  }
}

}  // namespace deferd
