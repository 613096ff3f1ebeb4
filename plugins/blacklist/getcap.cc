#include "getcap.h"

#include <algorithm>

#include "deferd/schema.h"

namespace deferd::blacklist {
namespace {

constexpr int kDeepest = 32;                 // getcap(3)
constexpr std::size_t kMostFields = 10'000;  // of one record with its `tc=`: a chain of doublings must come to an end

/// Colons between double quotes that no backslash precedes are part of the text.
std::vector<std::string> split_fields(std::string_view record) {
  std::vector<std::string> fields(1);
  bool quoted = false, escaped = false;
  for (const char c : record) {
    if (c == ':' && !quoted) {
      fields.emplace_back();
    } else if (c == ':') {
      fields.back() += escaped ? "C" : "\\C";  // behind a backslash it is a colon anyway
    } else {
      fields.back() += c;
      if (c == '"' && !escaped) quoted = !quoted;
    }
    escaped = c == '\\' && !escaped;
  }
  return fields;
}

bool is_octal(char c) { return c >= '0' && c <= '7'; }

char escape_of(char c) {
  switch (c) {
    case 'b':
    case 'B':
      return '\b';
    case 't':
    case 'T':
      return '\t';
    case 'n':
    case 'N':
      return '\n';
    case 'f':
    case 'F':
      return '\f';
    case 'r':
    case 'R':
      return '\r';
    case 'e':
    case 'E':
      return '\x1b';
    case 'c':
    case 'C':
      return ':';
    default:
      return c;
  }
}

std::string decode(std::string_view value) {
  std::string out;
  for (std::size_t i = 0; i < value.size(); ++i) {
    const char c = value[i];
    if (c == '^' && i + 1 < value.size()) {
      out += static_cast<char>(value[++i] & 0x1f);
    } else if (c == '\\' && i + 1 < value.size()) {
      if (!is_octal(value[i + 1])) {
        out += escape_of(value[++i]);
        continue;
      }
      int number = 0;
      for (int digits = 0; digits < 3 && i + 1 < value.size() && is_octal(value[i + 1]); ++digits)
        number = number * 8 + (value[++i] - '0');
      out += static_cast<char>(number);
    } else if (c != '\\') {
      out += c;
    }
  }
  return out;
}

bool has_name(std::string_view names, std::string_view name) {
  for (;;) {
    const auto bar = names.find('|');
    if (names.substr(0, bar) == name) return true;
    if (bar == names.npos) return false;
    names.remove_prefix(bar + 1);
  }
}

}  // namespace

bool CapRecord::flag(std::string_view name) const {
  for (const std::string_view field : fields_) {
    if (!field.starts_with(name)) continue;
    const auto rest = field.substr(name.size());
    if (rest.empty()) return true;
    if (rest.front() == '@') return false;
  }
  return false;
}

std::optional<std::string> CapRecord::text(std::string_view name) const {
  for (const std::string_view field : fields_) {
    if (!field.starts_with(name)) continue;
    const auto rest = field.substr(name.size());
    if (rest.starts_with('@') || rest.starts_with("=@")) return std::nullopt;
    if (rest.starts_with('=')) return decode(rest.substr(1));
  }
  return std::nullopt;
}

CapFile::CapFile(std::string_view text) {
  std::uint32_t number = 0;
  while (!text.empty()) {
    std::string record;
    std::uint32_t first = 0;
    for (bool more = true; more && !text.empty();) {
      const auto end = text.find('\n');
      auto line = text.substr(0, end);
      text.remove_prefix(end == text.npos ? text.size() : end + 1);
      ++number;
      if (line.ends_with('\r')) line.remove_suffix(1);
      if (first == 0 && (line.empty() || line.front() == '#')) break;
      if (first == 0) first = number;
      more = line.ends_with('\\');
      record += more ? line.substr(0, line.size() - 1) : line;
    }
    if (first != 0) records_.push_back({split_fields(record), first});
  }
}

const CapFile::Raw* CapFile::raw(std::string_view name) const {
  const auto found =
      std::find_if(records_.begin(), records_.end(), [&](const Raw& record) { return has_name(record.fields.front(), name); });
  return found == records_.end() ? nullptr : &*found;
}

Result<void> CapFile::collect(const Raw& from, std::vector<std::string>& fields, int depth, std::size_t& steps) const {
  for (std::size_t i = 1; i < from.fields.size(); ++i) {
    const std::string& field = from.fields[i];
    if (++steps > kMostFields) return fail(Errc::not_found, "has too many capabilities");
    if (!field.starts_with("tc=")) {
      fields.push_back(field);
      continue;
    }
    const auto name = field.substr(3);
    const Raw* other = depth < kDeepest ? raw(name) : nullptr;
    if (other == nullptr)
      return fail(Errc::not_found,
                  depth < kDeepest ? "has tc=" + name + ", and there is no such record" : "has a chain of tc= that is too long");
    if (auto done = collect(*other, fields, depth + 1, steps); !done) return done;
  }
  return {};
}

Result<CapRecord> CapFile::find(std::string_view name) const {
  const Raw* found = raw(name);
  if (found == nullptr) return fail(Errc::not_found, "there is no record " + detail::quote(name));
  std::vector<std::string> fields;
  std::size_t steps = 0;
  if (auto done = collect(*found, fields, 0, steps); !done) {
    std::string what = detail::quote(name);
    what += " " + done.error().what;
    return fail(Errc::not_found, std::move(what));
  }
  return CapRecord(std::move(fields), found->line);
}

}  // namespace deferd::blacklist
