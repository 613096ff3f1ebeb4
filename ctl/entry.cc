#include "ctl/entry.h"

#include <chrono>
#include <cstdio>

#include "ctl/fields.h"
#include "ctl/table.h"

namespace deferd::ctl {
namespace {

constexpr std::string_view kNote = "spamdb";

/// `2026-01-01T00:00:00Z`, as the daemon writes it; `never`. 0 if it is no time.
std::int64_t seconds_of(const Value* value) {
  if (value == nullptr || !value->is_text()) return 0;
  if (value->text() == "never") return kNever;
  int year = 0;
  unsigned month = 0, day = 0, hour = 0, minute = 0, second = 0;
  if (std::sscanf(value->text().c_str(), "%4d-%2u-%2uT%2u:%2u:%2uZ", &year, &month, &day, &hour, &minute, &second) != 6) return 0;
  const std::chrono::sys_days date = std::chrono::year(year) / static_cast<int>(month) / static_cast<int>(day);
  return std::chrono::sys_seconds(date).time_since_epoch().count() + hour * 3600 + minute * 60 + second;
}

std::string text_of(const Value& row, std::string_view key) {
  const Value* value = row.find(key);
  return value != nullptr && value->is_text() ? value->text() : std::string();
}

}  // namespace

std::string entry_note(const Entry& entry) {
  if (entry.kind != Entry::Kind::white || (entry.pass == entry.first && entry.blocked == 1 && entry.passed == 0)) return {};
  std::string note(kNote);
  for (const auto number : {entry.pass, entry.blocked, entry.passed}) note.append(1, ' ').append(std::to_string(number));
  return note;
}

Entry table_entry(Entry::Kind kind, const Value& row) {
  Entry entry;
  entry.kind = kind;
  entry.key = text_of(row, "prefix");
  entry.first = entry.pass = seconds_of(row.find("added"));
  entry.expires = seconds_of(row.find("expires"));
  const auto note = text_of(row, "note");
  const auto words = words_of(note);
  if (words.size() != 4 || words[0] != kNote) return entry;
  entry.pass = whole_number(words[1]).value_or(entry.first);
  entry.blocked = whole_number(words[2]).value_or(1);
  entry.passed = whole_number(words[3]).value_or(0);
  return entry;
}

Entry grey_entry(const Value& row) {
  Entry entry;
  entry.kind = Entry::Kind::grey;
  entry.key = text_of(row, "client");
  entry.helo = text_of(row, "helo");
  entry.from = text_of(row, "from");
  entry.to = text_of(row, "to");
  entry.first = seconds_of(row.find("first"));
  entry.expires = seconds_of(row.find("expires"));
  const Value* passed = row.find("passed");
  entry.pass = passed != nullptr ? seconds_of(passed) : entry.expires;
  if (const Value* tries = row.find("tries")) entry.blocked = tries->integer();
  return entry;
}

Entry trap_entry(const Value& row) {
  Entry entry;
  entry.kind = Entry::Kind::trap;
  entry.key = text_of(row, "address");
  return entry;
}

}  // namespace deferd::ctl
