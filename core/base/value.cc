#include "deferd/value.h"

#include "base/json_writer.h"

namespace deferd {
namespace {

void write_value(JsonWriter& json, const Value& value) {
  switch (value.kind()) {
    case Value::Kind::null:
      json.null();
      break;
    case Value::Kind::boolean:
      json.boolean(value.boolean());
      break;
    case Value::Kind::integer:
      json.integer(value.integer());
      break;
    case Value::Kind::text:
      json.text(value.text());
      break;
    case Value::Kind::list:
      json.begin_list();
      for (const auto& item : value.items()) write_value(json, item);
      json.end_list();
      break;
    case Value::Kind::map:
      json.begin_object();
      for (std::size_t i = 0; i < value.size(); ++i) {
        json.key(value.key(i));
        write_value(json, value.items()[i]);
      }
      json.end_object();
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
  JsonWriter json(out);
  write_value(json, *this);
  return out;
}

}  // namespace deferd
