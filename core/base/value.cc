#include "deferd/value.h"

#include <algorithm>
#include <cstdio>

#include "base/utf8.h"

namespace deferd {
namespace {

bool is_plain(char c) { return c >= 0x20 && c < 0x7f && c != '"' && c != '\\'; }

void append_json_text(std::string& out, std::string_view text) {
  out += '"';
  while (!text.empty()) {
    const auto plain = std::find_if_not(text.begin(), text.end(), is_plain) - text.begin();
    out += text.substr(0, static_cast<std::size_t>(plain));
    text.remove_prefix(static_cast<std::size_t>(plain));
    if (text.empty()) break;
    const auto [code_point, length] = utf8::decode(text);
    if (length == 0) {
      out += "\xef\xbf\xbd";
    } else if (code_point == '"' || code_point == '\\') {
      out += '\\';
      out += text.front();
    } else if (code_point == '\n') {
      out += "\\n";
    } else if (code_point < 0x20 || (code_point >= 0x7f && code_point < 0xa0)) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned>(code_point));
      out += escape;
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  out += '"';
}

void append_json(std::string& out, const Value& value) {
  switch (value.kind()) {
    case Value::Kind::null:
      out += "null";
      break;
    case Value::Kind::boolean:
      out += value.boolean() ? "true" : "false";
      break;
    case Value::Kind::integer:
      out += std::to_string(value.integer());
      break;
    case Value::Kind::text:
      append_json_text(out, value.text());
      break;
    case Value::Kind::list:
      out += '[';
      for (std::size_t i = 0; i < value.size(); ++i) {
        if (i > 0) out += ',';
        append_json(out, value.items()[i]);
      }
      out += ']';
      break;
    case Value::Kind::map:
      out += '{';
      for (std::size_t i = 0; i < value.size(); ++i) {
        if (i > 0) out += ',';
        append_json_text(out, value.key(i));
        out += ':';
        append_json(out, value.items()[i]);
      }
      out += '}';
      break;
  }
}

}  // namespace

const Value* Value::find(std::string_view key) const {
  for (std::size_t i = 0; i < keys_.size(); ++i)
    if (keys_[i] == key) return &items_[i];
  return nullptr;
}

Value& Value::append(Value item) {
  kind_ = Kind::list;
  return items_.emplace_back(std::move(item));
}

Value& Value::set(std::string_view key, Value value, Mark key_mark) {
  kind_ = Kind::map;
  for (std::size_t i = 0; i < keys_.size(); ++i)
    if (keys_[i] == key) {
      key_marks_[i] = key_mark;
      return items_[i] = std::move(value);
    }
  return append(std::string(key), std::move(value), key_mark);
}

Value& Value::append(std::string key, Value value, Mark key_mark) {
  kind_ = Kind::map;
  keys_.push_back(std::move(key));
  key_marks_.push_back(key_mark);
  return items_.emplace_back(std::move(value));
}

void Value::reserve(std::size_t size) {
  items_.reserve(size);
  if (kind_ != Kind::map) return;
  keys_.reserve(size);
  key_marks_.reserve(size);
}

std::string Value::to_json() const {
  std::string out;
  append_json(out, *this);
  return out;
}

}  // namespace deferd
