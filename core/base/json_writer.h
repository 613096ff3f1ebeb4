// JSON as it goes into a string: of values, log lines and decision records.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace deferd {

/// Appends compact JSON (RFC 8259) to `out`, and sees to the commas. The caller ends what it begins, and gives each value of an
/// object its key. Allocates nothing but what `out` grows by; several may write to one string, one after another.
///
///   JsonWriter json(out);
///   json.begin_object();
///   json.key("tags").begin_list();
///   json.text("rules.seen");
///   json.end_list();
///   json.end_object();
class JsonWriter {
 public:
  explicit JsonWriter(std::string& out) : out_(out) {}

  void begin_object() { begin('{'); }
  void end_object() { end('}'); }
  void begin_list() { begin('['); }
  void end_list() { end(']'); }
  JsonWriter& key(std::string_view name);  ///< The next value is its.

  /// In UTF-8, on one line, and harmless to a terminal: control characters, also those beyond ASCII, are escaped, and a byte that
  /// is no UTF-8 becomes U+FFFD. Of more than `limit` bytes the first `limit` are written, followed by `...`.
  void text(std::string_view value, std::size_t limit = std::string_view::npos);
  void integer(std::int64_t value);
  void boolean(bool value) { literal(value ? "true" : "false"); }
  void null() { literal("null"); }

 private:
  void separate() {
    if (comma_due_) out_ += ',';
    comma_due_ = true;
  }
  void begin(char bracket) {
    separate();
    out_ += bracket;
    comma_due_ = false;
  }
  void end(char bracket) {
    out_ += bracket;
    comma_due_ = true;
  }
  void quoted(std::string_view text, std::size_t limit, std::string_view after);
  void literal(std::string_view word) {
    separate();
    out_ += word;
  }

  std::string& out_;
  bool comma_due_ = false;
};

}  // namespace deferd
