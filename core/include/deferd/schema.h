// One table per configuration struct: parser, checker and reference manual in one.
//
//   struct Config {
//     std::chrono::seconds pass_time = 5min;
//     static Schema<Config> schema();
//   };
//   Schema<Config> Config::schema() {
//     return Schema<Config>{}
//         .field("pass_time", &Config::pass_time, 0s, 24h, "A retry sooner than this is deferred again.")
//         .rule([](const Config& c) { return c.pass_time < c.grey_expiry ? "" : "pass_time must be shorter than grey_expiry"; });
//   }
//
// Reading reports every problem at once, each with its place. Types of members: bool, integers, double, std::string, the chrono
// durations of seconds and milliseconds, Address, Prefix, Value (taken as it is), std::optional, std::vector and ordered maps
// (std::vector<std::pair<std::string, T>>) of those, structs with a schema() of their own, enums with a Choices<E>, and any type
// with a specialised Codec. A struct that wants to know where it stood has a member `Mark mark`.
#pragma once
#include <chrono>
#include <concepts>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "deferd/address.h"
#include "deferd/result.h"
#include "deferd/time.h"
#include "deferd/value.h"

namespace deferd {

struct Problem {
  Mark mark;
  std::string path;     ///< "plugins.greylist.pass_time"; empty for the file as a whole.
  std::string message;  ///< What is wrong and what would be right.
  bool warning = false;
};

class Problems {
 public:
  void error(Mark mark, std::string path, std::string message) {
    list_.push_back({mark, std::move(path), std::move(message), false});
  }
  void warning(Mark mark, std::string path, std::string message) {
    list_.push_back({mark, std::move(path), std::move(message), true});
  }
  bool failed() const;  ///< There is at least one error.
  const std::vector<Problem>& list() const { return list_; }
  /// `file:line:column: path: message`, one a line, in the order of the file.
  std::string to_string(std::string_view file) const;

 private:
  std::vector<Problem> list_;
};

class ConfigError : public std::runtime_error {
 public:
  explicit ConfigError(Problems problems);
  Problems problems;
};

/// One row of the reference manual.
struct FieldDoc {
  std::string name;
  std::string type;          ///< "duration", "list of prefix", "map", "rocksdb | memory" ...
  std::string default_text;  ///< As one would write it; empty if none.
  std::string range;         ///< "0s to 24h"; empty if any.
  std::string help;
  bool required = false;
  std::vector<FieldDoc> fields;  ///< Of a nested struct, or of the items of a list of structs.
};

/// How a scalar type is read and shown. Specialise for types of your own: type(), parse(), print().
template <class T>
struct Codec;

/// Enums: specialise with `static constexpr std::pair<std::string_view, E> values[]`.
template <class E>
struct Choices;

template <class T>
class Schema;

namespace detail {

Result<std::int64_t> parse_integer(std::string_view text);
Result<double> parse_number(std::string_view text);
Result<bool> parse_boolean(std::string_view text);  ///< true/false, yes/no, on/off.

/// "unknown key 'pas_time'; did you mean 'pass_time'?"
std::string unknown_key(std::string_view key, const std::vector<std::string_view>& known);
std::string join_path(std::string_view path, std::string_view key);
std::string kind_name(const Value& value);
std::string quote(std::string_view text);  ///< Between single quotes, on one line, cut when long.

template <class T>
concept HasSchema = requires {
  { T::schema() } -> std::same_as<Schema<T>>;
};
template <class T>
concept HasMark = requires(T t) {
  { t.mark } -> std::same_as<Mark&>;
};
template <class T>
concept HasChoices = requires {
  Choices<T>::values;
};
template <class T>
struct IsVector : std::false_type {};
template <class T>
struct IsVector<std::vector<T>> : std::true_type {
  using Item = T;
};
template <class T>
struct IsMap : std::false_type {};
template <class T>
struct IsMap<std::vector<std::pair<std::string, T>>> : std::true_type {
  using Item = T;
};
template <class T>
struct IsOptional : std::false_type {};
template <class T>
struct IsOptional<std::optional<T>> : std::true_type {
  using Item = T;
};

template <class T>
void read_value(const Value& value, const std::string& path, T& out, Problems& problems);
template <class T>
std::string type_name();
template <class T>
std::vector<FieldDoc> nested_fields();
template <class T>
std::string print_value(const T& value);

}  // namespace detail

template <>
struct Codec<bool> {
  static std::string type() { return "yes | no"; }
  static Result<bool> parse(std::string_view text) { return detail::parse_boolean(text); }
  static std::string print(bool value) { return value ? "yes" : "no"; }
};
template <std::integral T>
struct Codec<T> {
  static std::string type() { return "number"; }
  static Result<T> parse(std::string_view text) {
    auto number = detail::parse_integer(text);
    if (!number) return tl::unexpected(number.error());
    if (!std::in_range<T>(*number)) return fail(Errc::invalid, "is out of range");
    return static_cast<T>(*number);
  }
  static std::string print(T value) { return std::to_string(value); }
};
template <>
struct Codec<double> {
  static std::string type() { return "number"; }
  static Result<double> parse(std::string_view text) { return detail::parse_number(text); }
  static std::string print(double value);
};
template <>
struct Codec<std::string> {
  static std::string type() { return "text"; }
  static Result<std::string> parse(std::string_view text) { return std::string(text); }
  static std::string print(const std::string& value) { return value; }
};
template <>
struct Codec<std::chrono::milliseconds> {
  static std::string type() { return "duration"; }
  static Result<std::chrono::milliseconds> parse(std::string_view text) { return parse_duration(text); }
  static std::string print(std::chrono::milliseconds value) { return format_duration(value); }
};
template <>
struct Codec<std::chrono::seconds> {
  static std::string type() { return "duration"; }
  static Result<std::chrono::seconds> parse(std::string_view text) {
    auto duration = parse_duration(text);
    if (!duration) return tl::unexpected(duration.error());
    if (*duration % std::chrono::seconds(1) != std::chrono::milliseconds(0)) return fail(Errc::invalid, "takes whole seconds");
    return std::chrono::duration_cast<std::chrono::seconds>(*duration);
  }
  static std::string print(std::chrono::seconds value) { return format_duration(value); }
};
template <>
struct Codec<Address> {
  static std::string type() { return "address"; }
  static Result<Address> parse(std::string_view text) { return Address::parse(text); }
  static std::string print(const Address& value) { return value.to_string(); }
};
template <>
struct Codec<Prefix> {
  static std::string type() { return "prefix"; }
  static Result<Prefix> parse(std::string_view text) { return Prefix::parse(text); }
  static std::string print(const Prefix& value) { return value.to_string(); }
};

template <class T>
class Schema {
 public:
  template <class M>
  Schema&& field(const char* name, M T::*member, const char* help) && {
    return std::move(*this).template add<M>(name, member, help, false, {}, {});
  }
  /// With an inclusive range.
  template <class M, class Low, class High>
  Schema&& field(const char* name, M T::*member, Low low, High high, const char* help) && {
    const M from = low, to = high;
    return std::move(*this).template add<M>(name, member, help, false, Codec<M>::print(from) + " to " + Codec<M>::print(to),
                                            [from, to](const M& value) -> std::string {
                                              if (value < from || value > to)
                                                return "must be within " + Codec<M>::print(from) + " to " + Codec<M>::print(to);
                                              return {};
                                            });
  }
  template <class M>
  Schema&& required(const char* name, M T::*member, const char* help) && {
    return std::move(*this).template add<M>(name, member, help, true, {}, {});
  }

  /// A cross-field rule: returns what is wrong, or an empty text. Asked only when every field could be read.
  Schema&& rule(std::function<std::string(const T&)> rule) && {
    checks_.push_back([rule = std::move(rule)](const T& config, const Value& value, const std::string& path, Problems& problems) {
      if (auto wrong = rule(config); !wrong.empty()) problems.error(value.mark(), path, std::move(wrong));
    });
    return std::move(*this);
  }
  /// A check that reports places and warnings itself; files it names may be read. Asked like rule().
  Schema&& check(std::function<void(const T&, const Value&, const std::string& path, Problems&)> check) && {
    checks_.push_back(std::move(check));
    return std::move(*this);
  }

  /// Reads a map (null counts as an empty one). Missing fields keep their defaults.
  T read(const Value& value, Problems& problems, const std::string& path = {}) const {
    T out{};
    if constexpr (detail::HasMark<T>) out.mark = value.mark();
    if (!value.is_map() && !value.is_null()) {
      problems.error(value.mark(), path, "must be a map of settings, not " + detail::kind_name(value));
      return out;
    }
    Problems found;
    for (std::size_t i = 0; i < value.size(); ++i) {
      const auto* field = find(value.key(i));
      if (field == nullptr)
        found.error(value.key_mark(i), path, detail::unknown_key(value.key(i), names()));
      else
        field->read(value.items()[i], detail::join_path(path, value.key(i)), out, found);
    }
    for (const auto& field : fields_)
      if (field.doc.required && (!value.is_map() || value.find(field.doc.name) == nullptr))
        found.error(value.mark(), path, "'" + field.doc.name + "' is missing");
    if (!found.failed())
      for (const auto& check : checks_) check(out, value, path, found);
    for (const auto& problem : found.list())
      problem.warning ? problems.warning(problem.mark, problem.path, problem.message)
                      : problems.error(problem.mark, problem.path, problem.message);
    return out;
  }

  std::vector<FieldDoc> describe() const {
    std::vector<FieldDoc> docs;
    for (const auto& field : fields_) docs.push_back(field.doc);
    return docs;
  }

 private:
  struct Row {
    FieldDoc doc;
    std::function<void(const Value&, const std::string& path, T&, Problems&)> read;
  };

  template <class M>
  Schema&& add(const char* name, M T::*member, const char* help, bool required, std::string range,
               std::function<std::string(const M&)> limit) && {
    FieldDoc doc;
    doc.name = name;
    doc.type = detail::type_name<M>();
    doc.default_text = required ? std::string() : detail::print_value(T{}.*member);
    doc.range = std::move(range);
    doc.help = help;
    doc.required = required;
    doc.fields = detail::nested_fields<M>();
    fields_.push_back({std::move(doc), [member, limit = std::move(limit)](const Value& value, const std::string& path, T& out,
                                                                          Problems& problems) {
                         const auto before = problems.list().size();
                         detail::read_value(value, path, out.*member, problems);
                         if (limit && problems.list().size() == before)
                           if (auto wrong = limit(out.*member); !wrong.empty())
                             problems.error(value.mark(), path, std::move(wrong));
                       }});
    return std::move(*this);
  }
  const Row* find(std::string_view name) const {
    for (const auto& field : fields_)
      if (field.doc.name == name) return &field;
    return nullptr;
  }
  std::vector<std::string_view> names() const {
    std::vector<std::string_view> names;
    for (const auto& field : fields_) names.push_back(field.doc.name);
    return names;
  }

  std::vector<Row> fields_;
  std::vector<std::function<void(const T&, const Value&, const std::string&, Problems&)>> checks_;
};

/// Reads a whole struct; throws ConfigError with every problem.
template <class T>
T read_or_throw(const Value& value, const std::string& path = {}) {
  Problems problems;
  T config = T::schema().read(value, problems, path);
  if (problems.failed()) throw ConfigError(std::move(problems));
  return config;
}

namespace detail {

template <class T>
std::string choices() {
  std::string all;
  for (const auto& [name, value] : Choices<T>::values) all += (all.empty() ? "" : " | ") + std::string(name);
  return all;
}

template <class T>
void read_value(const Value& value, const std::string& path, T& out, Problems& problems) {
  if constexpr (std::is_same_v<T, Value>) {
    out = value;
  } else if constexpr (HasSchema<T>) {
    out = T::schema().read(value, problems, path);
  } else if constexpr (IsOptional<T>::value) {
    if (value.is_null()) {
      out.reset();
      return;
    }
    typename IsOptional<T>::Item item{};
    read_value(value, path, item, problems);
    out = std::move(item);
  } else if constexpr (IsMap<T>::value) {
    if (!value.is_map()) {
      problems.error(value.mark(), path, "must be a map, not " + kind_name(value));
      return;
    }
    out.clear();
    for (std::size_t i = 0; i < value.size(); ++i) {
      typename IsMap<T>::Item item{};
      read_value(value.items()[i], join_path(path, value.key(i)), item, problems);
      out.emplace_back(value.key(i), std::move(item));
    }
  } else if constexpr (IsVector<T>::value) {
    if (!value.is_list()) {
      problems.error(value.mark(), path,
                     "must be a list, not " + kind_name(value) + (value.is_text() ? "; a list of one is written [x]" : ""));
      return;
    }
    out.clear();
    for (std::size_t i = 0; i < value.size(); ++i) {
      typename IsVector<T>::Item item{};
      read_value(value.items()[i], path + "[" + std::to_string(i) + "]", item, problems);
      out.push_back(std::move(item));
    }
  } else if (!value.is_text()) {
    problems.error(value.mark(), path, "expected " + type_name<T>() + ", found " + kind_name(value));
  } else if constexpr (HasChoices<T>) {
    for (const auto& [name, choice] : Choices<T>::values)
      if (value.text() == name) {
        out = choice;
        return;
      }
    problems.error(value.mark(), path, quote(value.text()) + " is none of " + choices<T>());
  } else {
    auto parsed = Codec<T>::parse(value.text());
    if (parsed)
      out = std::move(*parsed);
    else
      problems.error(value.mark(), path, quote(value.text()) + ": " + parsed.error().what);
  }
}

template <class T>
std::string type_name() {
  if constexpr (std::is_same_v<T, Value>)
    return "any";
  else if constexpr (HasSchema<T>)
    return "map";
  else if constexpr (IsOptional<T>::value)
    return type_name<typename IsOptional<T>::Item>();
  else if constexpr (IsMap<T>::value)
    return "map of " + type_name<typename IsMap<T>::Item>();
  else if constexpr (IsVector<T>::value)
    return "list of " + type_name<typename IsVector<T>::Item>();
  else if constexpr (HasChoices<T>)
    return choices<T>();
  else
    return Codec<T>::type();
}

template <class T>
std::vector<FieldDoc> nested_fields() {
  if constexpr (HasSchema<T>)
    return T::schema().describe();
  else if constexpr (IsOptional<T>::value)
    return nested_fields<typename IsOptional<T>::Item>();
  else if constexpr (IsMap<T>::value)
    return nested_fields<typename IsMap<T>::Item>();
  else if constexpr (IsVector<T>::value)
    return nested_fields<typename IsVector<T>::Item>();
  else
    return {};
}

template <class T>
std::string print_value(const T& value) {
  if constexpr (std::is_same_v<T, Value> || HasSchema<T>)
    return {};
  else if constexpr (IsOptional<T>::value)
    return value ? print_value(*value) : std::string();
  else if constexpr (IsMap<T>::value)
    return value.empty() ? "{}" : std::string();
  else if constexpr (IsVector<T>::value) {
    std::string all;
    for (const auto& item : value) all += (all.empty() ? "" : ", ") + print_value(item);
    return "[" + all + "]";
  } else if constexpr (HasChoices<T>) {
    for (const auto& [name, choice] : Choices<T>::values)
      if (choice == value) return std::string(name);
    return {};
  } else
    return Codec<T>::print(value);
}

}  // namespace detail
}  // namespace deferd
