#include "ctl/spamd_state.h"

#include "ctl/fields.h"

namespace deferd::ctl {

PfTable read_pf_table(std::string_view text) {
  PfTable table;
  each_line_of(text, [&](std::string_view line, std::size_t) {
    if (line.starts_with('\t')) return;  // counters of -v
    for (const auto word : words_of(line)) {
      if (word.starts_with('#') || word.starts_with(';')) return;
      const auto prefix = Prefix::parse(word);
      if (prefix)
        table.members.push_back(*prefix);
      else
        ++table.left_out;
    }
  });
  return table;
}

void SpamdState::add(const Entry& entry) {
  ++records_[static_cast<std::size_t>(entry.kind)];
  if (entry.kind == Entry::Kind::trap || entry.expires <= now_) return;
  const auto client = Prefix::parse(entry.key);
  if (!client) return;
  if (entry.kind == Entry::Kind::white) white_.insert(*client);
  if (entry.kind == Entry::Kind::trapped) trapped_.insert(*client);
  if (entry.kind == Entry::Kind::grey && entry.pass <= now_ && entry.pass < entry.expires) passed_.try_emplace(*client, entry);
}

void SpamdState::add_passing(const Prefix& client) { passing_.insert(client); }

std::vector<Entry> SpamdState::missing() const {
  std::vector<Entry> entries;
  const auto make_white = [&](const Prefix& client, std::int64_t first, std::int64_t pass) {
    if (white_.contains(client) || trapped_.contains(client)) return;
    Entry entry;
    entry.key = client.to_string();
    entry.first = first;
    entry.pass = pass;
    entry.expires = now_ + white_time_;
    entries.push_back(std::move(entry));
  };
  for (const auto& [client, mail] : passed_) make_white(client, mail.first, mail.pass);
  for (const auto& client : passing_)
    if (!passed_.contains(client)) make_white(client, now_, now_);
  return entries;
}

}  // namespace deferd::ctl
