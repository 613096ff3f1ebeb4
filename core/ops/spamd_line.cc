#include "ops/spamd_line.h"

#include <charconv>

#include "base/escape.h"

namespace deferd {

namespace {

const Field* find(std::span<const Field> fields, std::string_view key) {
  for (const auto& field : fields)
    if (field.key == key) return &field;
  return nullptr;
}

std::string_view text_of(std::span<const Field> fields, std::string_view key) {
  const auto* field = find(fields, key);
  return field != nullptr ? std::string_view(field->text) : std::string_view();
}

void append_number(std::string& out, std::span<const Field> fields, std::string_view key) {
  const auto* field = find(fields, key);
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, field != nullptr ? field->number : 0).ptr;
  out.append(digits, end);
}

void append_client(std::string& out, std::span<const Field> fields) {
  out += text_of(fields, "client");
  out += ": ";
}

void append_address(std::string& out, std::string_view address) {
  out += '<';
  append_escaped(out, address);
  out += '>';
}

void append_connected(std::string& out, std::span<const Field> fields) {
  append_client(out, fields);
  out += "connected (";
  append_number(out, fields, "connections");
  out += '/';
  append_number(out, fields, "held");
  out += ')';
}

void append_disconnected(std::string& out, std::span<const Field> fields) {
  append_client(out, fields);
  out += "disconnected after ";
  append_number(out, fields, "seconds");
  out += " seconds.";
  const auto lists = text_of(fields, "lists");
  if (lists.empty()) return;
  out += " lists: ";
  out += lists;
}

void append_recipient(std::string& out, std::span<const Field> fields) {
  out += find(fields, "held") != nullptr ? "(BLACK) " : "(GREY) ";
  append_client(out, fields);
  append_address(out, text_of(fields, "from"));
  out += " -> ";
  append_address(out, text_of(fields, "rcpt"));
}

void append_header(std::string& out, std::span<const Field> fields) {
  append_client(out, fields);
  append_escaped(out, text_of(fields, "line"));
}

}  // namespace

bool append_spamd_line(std::string& out, std::string_view event, std::span<const Field> fields) {
  if (event == "rcpt.defer" || event == "rcpt.reject" || event == "rcpt.close")
    append_recipient(out, fields);
  else if (event == "smtp.connected")
    append_connected(out, fields);
  else if (event == "smtp.disconnected")
    append_disconnected(out, fields);
  else if (event == "smtp.held")
    append_header(out, fields);
  else if (event == "smtp.listening")
    out += "listening for incoming connections.";
  else
    return false;
  return true;
}

}  // namespace deferd
