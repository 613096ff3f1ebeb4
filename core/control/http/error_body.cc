#include "http/error_body.h"

#include "deferd/value.h"

namespace deferd {
namespace {

struct Row {
  Errc code;
  std::string_view name;
  int status;
};
constexpr Row kRows[] = {
    {Errc::invalid, "invalid", 400}, {Errc::not_found, "not_found", 404},           {Errc::conflict, "conflict", 409},
    {Errc::busy, "busy", 503},       {Errc::unavailable, "unavailable", 503},       {Errc::io, "io", 500},
    {Errc::corrupt, "corrupt", 500}, {Errc::cursor_too_old, "cursor_too_old", 410},
};

const Row& row_of(Errc code) {
  for (const Row& row : kRows)
    if (row.code == code) return row;
  return row_of(Errc::unavailable);
}

}  // namespace

std::string_view code_name(Errc code) { return row_of(code).name; }

int status_of(Errc code) { return row_of(code).status; }

Errc code_named(std::string_view name) {
  for (const Row& row : kRows)
    if (row.name == name) return row.code;
  return Errc::unavailable;
}

std::string error_body(const Error& error) {
  Value body = Value::map();
  body.set("error", error.what);
  body.set("code", code_name(error.code));
  return body.to_json() + '\n';
}

}  // namespace deferd
