// A tree of values with the places they came from: what a plugin is configured with, and what it answers to commands.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace deferd {

/// Where a value stands in its file; both count from 1, 0 is unknown.
struct Mark {
  std::uint32_t line = 0;
  std::uint32_t column = 0;
};

/// Crosses the plugin boundary by value: its layout is frozen within a major ABI.
class Value {
 public:
  enum class Kind : std::uint8_t { null, boolean, integer, text, list, map };
  using Map = std::vector<std::pair<std::string, Value>>;

  Value() = default;
  Value(bool value) : kind_(Kind::boolean), integer_(value) {}
  Value(int value) : kind_(Kind::integer), integer_(value) {}
  Value(std::int64_t value) : kind_(Kind::integer), integer_(value) {}
  Value(std::uint64_t value) : kind_(Kind::integer), integer_(static_cast<std::int64_t>(value)) {}
  Value(std::string value) : kind_(Kind::text), text_(std::move(value)) {}
  Value(std::string_view value) : Value(std::string(value)) {}
  Value(const char* value) : Value(std::string(value)) {}
  static Value list() { return Value(Kind::list); }
  static Value map() { return Value(Kind::map); }

  Kind kind() const { return kind_; }
  bool is_null() const { return kind_ == Kind::null; }
  bool is_text() const { return kind_ == Kind::text; }
  bool is_list() const { return kind_ == Kind::list; }
  bool is_map() const { return kind_ == Kind::map; }

  bool boolean() const { return integer_ != 0; }
  std::int64_t integer() const { return integer_; }
  /// A scalar of a YAML file is always text (kind text): the schema decides what it must be.
  const std::string& text() const { return text_; }

  const std::vector<Value>& items() const { return items_; }  ///< Of a list; of a map the values, in order.
  std::size_t size() const { return items_.size(); }
  const std::string& key(std::size_t index) const { return keys_[index]; }  ///< Of a map.
  Mark key_mark(std::size_t index) const { return key_marks_[index]; }
  const Value* find(std::string_view key) const;  ///< Of a map; null if absent.

  Value& append(Value item);                                          ///< To a list; returns the new item.
  Value& set(std::string_view key, Value value, Mark key_mark = {});  ///< In a map, replacing; returns the value.
  Value& append(std::string key, Value value, Mark key_mark);         ///< To a map; the key must be new to it.

  void reserve(std::size_t size);  ///< Room for so many items, of a list or map.

  Mark mark() const { return mark_; }
  Value& at(Mark mark) {
    mark_ = mark;
    return *this;
  }

  /// Compact JSON, UTF-8; bytes that are no UTF-8 become U+FFFD.
  std::string to_json() const;

 private:
  explicit Value(Kind kind) : kind_(kind) {}

  Kind kind_ = Kind::null;
  Mark mark_{};
  std::int64_t integer_ = 0;
  std::string text_;
  std::vector<std::string> keys_;
  std::vector<Mark> key_marks_;
  std::vector<Value> items_;
  [[maybe_unused]] std::uint64_t reserved_[2] = {};
};

}  // namespace deferd
