// Lines as spamdb(8) prints them.
#include <algorithm>

#include "ctl/entry.h"
#include "ctl/fields.h"
#include "deferd/address.h"

namespace deferd::ctl {
namespace {

std::string printable(std::string_view text) {
  std::string out(text);
  std::replace_if(
      out.begin(), out.end(), [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; }, '?');
  return out;
}

tl::unexpected<Error> damaged(std::string what) { return fail(Errc::invalid, std::move(what)); }

std::string quoted(std::string_view text) {
  std::string all = "'";
  return all.append(printable(text.substr(0, 60))).append("'");
}

Result<std::string> client_of(std::string_view text) {
  const auto prefix = Prefix::parse(text);
  if (!prefix) return damaged(quoted(text) + " is no address");
  return prefix->to_string();
}

/// first|pass|expire|block|pass_count
Result<void> read_numbers(std::span<const std::string_view> fields, Entry& entry) {
  std::int64_t* const places[] = {&entry.first, &entry.pass, &entry.expires, &entry.blocked, &entry.passed};
  for (std::size_t i = 0; i < std::size(places); ++i) {
    const auto value = whole_number(fields[i]);
    if (!value || *value > kNever) return damaged(quoted(fields[i]) + " is no time or count");
    *places[i] = *value;
  }
  return {};
}

Result<Entry> read_white(const std::vector<std::string_view>& fields) {
  if (fields.size() != 9) return damaged("WHITE has 9 fields, not " + std::to_string(fields.size()));
  Entry entry;
  auto client = client_of(fields[1]);
  if (!client) return tl::unexpected(client.error());
  entry.key = std::move(*client);
  if (auto read = read_numbers(std::span(fields).subspan(4), entry); !read) return tl::unexpected(read.error());
  return entry;
}

/// helo|from|to, of which each may have a `|` of its own.
bool read_envelope(std::string_view text, Entry& entry) {
  auto first = text.find('|'), second = text.rfind('|');
  if (first == text.npos || first == second) return false;
  if (std::count(text.begin(), text.end(), '|') > 2) {
    first = text.find("|<");
    second = first == text.npos ? first : text.find(">|<", first) + 1;
    if (first == text.npos || second == 0 || !text.ends_with('>')) return false;
  }
  entry.helo = text.substr(0, first);
  entry.from = without_brackets(text.substr(first + 1, second - first - 1));
  entry.to = without_brackets(text.substr(second + 1));
  return true;
}

Result<Entry> read_grey(std::string_view line, const std::vector<std::string_view>& fields) {
  if (fields.size() < 10) return damaged("GREY has 10 fields, not " + std::to_string(fields.size()));
  Entry entry;
  entry.kind = Entry::Kind::grey;
  const auto address = Address::parse(fields[1]);
  if (!address) return damaged(quoted(fields[1]) + " is no address");
  entry.key = address->to_string();
  const auto numbers = std::span(fields).last(5);
  if (auto read = read_numbers(numbers, entry); !read) return tl::unexpected(read.error());
  const char* const begin = fields[2].data();
  const char* const end = numbers[0].data() - 1;
  if (!read_envelope(line.substr(static_cast<std::size_t>(begin - line.data()), static_cast<std::size_t>(end - begin)), entry))
    return damaged("it cannot be told where HELO, sender and recipient end");
  return entry;
}

Result<Entry> read_trapped(const std::vector<std::string_view>& fields) {
  if (fields.size() != 3) return damaged("TRAPPED has 3 fields, not " + std::to_string(fields.size()));
  Entry entry;
  entry.kind = Entry::Kind::trapped;
  auto client = client_of(fields[1]);
  if (!client) return tl::unexpected(client.error());
  const auto expires = whole_number(fields[2]);
  if (!expires || *expires > kNever) return damaged(quoted(fields[2]) + " is no time");
  entry.key = std::move(*client);
  entry.expires = *expires;
  return entry;
}

/// As the daemon takes them: it would refuse others, when half of the file is imported.
bool is_trap_address(std::string_view address) {
  constexpr std::size_t kLongest = 512;
  if (address.size() > kLongest) return false;
  address = without_brackets(address);
  if (address.starts_with('@'))  // a source route, RFC 5321 appendix C
    if (const auto colon = address.find(':'); colon != address.npos) address.remove_prefix(colon + 1);
  while (address.ends_with('.')) address.remove_suffix(1);
  const auto bad = [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == '\x7f'; };
  const auto at = address.rfind('@');
  if (at == address.npos || at == 0 || std::any_of(address.begin(), address.end(), bad)) return false;
  if (address.starts_with('/') || address.starts_with('*')) return false;
  const auto domain = address.substr(at + 1);
  return !domain.empty() && !domain.starts_with('.') && domain.find("..") == domain.npos;
}

Result<Entry> read_trap(std::string_view address) {
  Entry entry;
  entry.kind = Entry::Kind::trap;
  if (!is_trap_address(address)) return damaged(quoted(address) + " is no mail address");
  entry.key = without_brackets(address);
  return entry;
}

}  // namespace

std::string spamdb_line(const Entry& entry) {
  std::string line;
  const auto add = [&line](std::string_view field) { line.append(1, '|').append(field); };
  const auto bracketed = [](const std::string& address) { return std::string(1, '<').append(printable(address)).append(1, '>'); };
  switch (entry.kind) {
    case Entry::Kind::trap:
      return std::string("SPAMTRAP|").append(printable(entry.key));
    case Entry::Kind::trapped:
      return std::string("TRAPPED|").append(entry.key).append(1, '|').append(std::to_string(entry.expires));
    case Entry::Kind::white:
      line.append("WHITE|").append(entry.key).append("||");  // two empty fields, not three
      break;
    case Entry::Kind::grey:
      line = "GREY";
      for (const auto& field : {entry.key, printable(entry.helo), bracketed(entry.from), bracketed(entry.to)}) add(field);
  }
  for (const auto number : {entry.first, entry.pass, entry.expires, entry.blocked, entry.passed}) add(std::to_string(number));
  return line;
}

Result<Entry> read_spamdb_line(std::string_view line) {
  const auto fields = split(line, '|');
  if (fields[0] == "WHITE") return read_white(fields);
  if (fields[0] == "GREY") return read_grey(line, fields);
  if (fields[0] == "TRAPPED") return read_trapped(fields);
  if (fields[0] == "SPAMTRAP") return read_trap(line.substr(std::min(line.size(), std::size_t{9})));
  return damaged("begins with none of WHITE, GREY, TRAPPED, SPAMTRAP");
}

}  // namespace deferd::ctl
