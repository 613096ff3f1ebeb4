#include "smtp/envelope.h"

#include <algorithm>

namespace deferd::smtp {
namespace {

std::string upper(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return out;
}

struct Parameter {
  std::string keyword;  // upper case
  std::string_view value;
  bool has_value = false;
};

Parameter parse(std::string_view text) {
  const auto equals = text.find('=');
  Parameter parameter{upper(text.substr(0, equals)), {}, equals != text.npos};
  if (parameter.has_value) parameter.value = text.substr(equals + 1);
  return parameter;
}

bool is_number(std::string_view text) {  // RFC 1870 section 3: up to 20 digits
  return !text.empty() && text.size() <= 20 && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool is_visible(std::string_view text) {  // RFC 5321 section 4.1.2, esmtp-value; RFC 6531 section 3.3
  return !text.empty() && std::none_of(text.begin(), text.end(),
                                       [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == 0x7f || c == '='; });
}

enum class Fit : std::uint8_t { good, bad_value, unknown };

Fit sender_parameter(const Parameter& parameter, bool dsn) {
  const auto fit = [](bool good) { return good ? Fit::good : Fit::bad_value; };
  const auto& [keyword, value, has_value] = parameter;
  if (keyword == "SIZE") return fit(is_number(value));
  if (keyword == "BODY") return fit(upper(value) == "7BIT" || upper(value) == "8BITMIME");
  if (keyword == "SMTPUTF8") return fit(!has_value);
  if (dsn && keyword == "RET") return fit(upper(value) == "FULL" || upper(value) == "HDRS");
  if (dsn && keyword == "ENVID") return fit(is_visible(value));
  return Fit::unknown;
}

Fit recipient_parameter(const Parameter& parameter, bool dsn) {
  if (dsn && (parameter.keyword == "NOTIFY" || parameter.keyword == "ORCPT"))
    return is_visible(parameter.value) ? Fit::good : Fit::bad_value;
  return Fit::unknown;
}

Complaint check_parameters(const Path& path, bool dsn, Fit (*fit)(const Parameter&, bool)) {
  std::vector<std::string> seen;
  for (const auto& text : path.parameters) {
    auto parameter = parse(text);
    const auto how = fit(parameter, dsn);
    if (how == Fit::unknown) return {555, "5.5.4", "A parameter is not known here"};
    const bool again = std::find(seen.begin(), seen.end(), parameter.keyword) != seen.end();
    if (how == Fit::bad_value || again) return {501, "5.5.4", "Syntax error in a parameter"};
    seen.push_back(std::move(parameter.keyword));
  }
  return {};
}

// RFC 6531 section 3.5.
Complaint check_utf8(const Path& path, bool utf8) {
  if (!path.utf8 || utf8) return {};
  return {553, "5.6.7", "SMTPUTF8 is needed for this address"};
}

}  // namespace

bool asks_for_utf8(const Path& sender) {
  return std::any_of(sender.parameters.begin(), sender.parameters.end(),
                     [](const std::string& parameter) { return upper(parameter) == "SMTPUTF8"; });
}

Complaint check_sender(const Path& path, bool dsn) {
  auto complaint = check_parameters(path, dsn, sender_parameter);
  return complaint.code != 0 ? complaint : check_utf8(path, asks_for_utf8(path));
}

Complaint check_recipient(const Path& path, bool utf8, bool dsn) {
  auto complaint = check_parameters(path, dsn, recipient_parameter);
  return complaint.code != 0 ? complaint : check_utf8(path, utf8);
}

}  // namespace deferd::smtp
