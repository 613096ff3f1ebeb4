#include "http/json.h"

#include <boost/json/src.hpp>

namespace deferd {
namespace {

namespace json = boost::json;

Result<Value> convert(const json::value& from) {
  switch (from.kind()) {
    case json::kind::null:
      return Value();
    case json::kind::bool_:
      return Value(from.get_bool());
    case json::kind::int64:
      return Value(from.get_int64());
    case json::kind::string:
      return Value(std::string_view(from.get_string()));
    case json::kind::array: {
      Value list = Value::list();
      for (const auto& item : from.get_array()) {
        auto value = convert(item);
        if (!value) return value;
        list.append(std::move(*value));
      }
      return list;
    }
    case json::kind::object: {
      Value map = Value::map();
      for (const auto& [key, item] : from.get_object()) {
        auto value = convert(item);
        if (!value) return value;
        map.set(std::string_view(key), std::move(*value));
      }
      return map;
    }
    case json::kind::uint64:
    case json::kind::double_:
      break;
  }
  return fail(Errc::invalid, "numbers must be whole and fit 64 bits");
}

}  // namespace

Result<Value> parse_json(std::string_view text) {
  json::parse_options options;
  options.max_depth = 32;
  json::parser parser({}, options);
  json::error_code error;
  const std::size_t used = parser.write_some(text.data(), text.size(), error);
  if (error) return fail(Errc::invalid, "not JSON at byte " + std::to_string(used) + ": " + error.message());
  if (text.find_first_not_of(" \t\r\n", used) != std::string_view::npos)
    return fail(Errc::invalid, "not JSON at byte " + std::to_string(used) + ": something follows the value");
  return convert(parser.release());
}

}  // namespace deferd
