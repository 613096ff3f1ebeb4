#include "ctl/import_batch.h"

namespace deferd::ctl {
namespace {

constexpr Entry::Kind kKinds[] = {Entry::Kind::white, Entry::Kind::grey, Entry::Kind::trapped, Entry::Kind::trap};

Value row_of(const Entry& entry, const std::string& source) {
  Value row = Value::list();
  const auto time = [](std::int64_t seconds) { return seconds >= kNever ? Value("never") : Value(seconds); };
  row.append(entry.key);
  switch (entry.kind) {
    case Entry::Kind::white:
    case Entry::Kind::trapped:
      row.append(entry.first);
      row.append(time(entry.expires));
      row.append(source);
      row.append("");
      row.append(entry_note(entry));
      break;
    case Entry::Kind::trap:
      row.append(entry.first);
      break;
    case Entry::Kind::grey:
      row.append(entry.helo);
      row.append(entry.from);
      row.append(entry.to);
      for (const auto number : {entry.first, entry.pass, entry.expires, entry.blocked}) row.append(number);
  }
  return row;
}

std::int64_t number(const Value* counts, std::string_view key) {
  const Value* value = counts != nullptr && counts->is_map() ? counts->find(key) : nullptr;
  return value != nullptr ? value->integer() : 0;
}

}  // namespace

std::string_view member_of(Entry::Kind kind) {
  switch (kind) {
    case Entry::Kind::white:
      return "white";
    case Entry::Kind::grey:
      return "grey";
    case Entry::Kind::trapped:
      return "trapped";
    case Entry::Kind::trap:
      return "traps";
  }
  return {};
}

void ImportBatch::begin() {
  for (auto& rows : rows_of_) rows = Value::list();
  bytes_ = rows_ = 0;
}

Outcome<void> ImportBatch::add(const Entry& entry) {
  // JSON writes a stranger's control character with six bytes.
  const auto text = entry.key.size() + entry.helo.size() + entry.from.size() + entry.to.size();
  const auto bytes = 120 + settings_.source.size() + 6 * text;
  if (bytes_ + bytes > kMostBytes)
    if (auto sent = send(); !sent) return sent;
  rows_of_[static_cast<std::size_t>(entry.kind)].append(row_of(entry, settings_.source));
  bytes_ += bytes;
  ++rows_;
  return {};
}

Outcome<void> ImportBatch::send() {
  if (rows_ == 0) return {};
  Value body = Value::map();
  body.set("dry", settings_.dry);
  body.set("replace", settings_.replace);
  body.set("part", ++parts_);
  for (const auto kind : kKinds) body.set(member_of(kind), std::move(rows_of_[static_cast<std::size_t>(kind)]));
  auto answer = daemon_.ask_value({"POST", "/v1/import", std::move(body), true});
  if (!answer) return tl::unexpected(answer.error());
  for (const auto kind : kKinds) {
    const Value* counts = answer->find(member_of(kind));
    auto& outcomes = outcomes_[static_cast<std::size_t>(kind)];
    outcomes.added += number(counts, "added");
    outcomes.kept += number(counts, "kept");
    outcomes.expired += number(counts, "expired");
    outcomes.skipped += number(counts, "skipped");
  }
  sent_ += static_cast<std::int64_t>(rows_);
  begin();
  return {};
}

}  // namespace deferd::ctl
