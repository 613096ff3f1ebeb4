#include "ctl/spamdb.h"

#include <algorithm>
#include <optional>

#include "ctl/entries.h"
#include "ctl/import_batch.h"
#include "ctl/table.h"
#include "deferd/address.h"
#include "http/url.h"

namespace deferd::ctl {
namespace {

constexpr int kDone = 0, kFailedAsAWhole = 1, kNothingToAdd = 2, kNoAddress = 255;
constexpr std::int64_t kWhiteTime = 36 * 86'400, kTrapTime = 86'400;  // spamdb(8) knows no others

enum class What : std::uint8_t { list, add, remove };

struct Wish {
  What what = What::list;
  char type = 0;  // t, T, G; the last one counts
  std::vector<std::string> keys;
};

/// Thrown for what ends the program at once.
struct End {
  int code;
  std::string what;
};

template <class T>
T or_end(Outcome<T> outcome) {
  if (!outcome) throw End{kFailedAsAWhole, outcome.error().what};
  if constexpr (!std::is_void_v<T>) return std::move(*outcome);
}

/// Whether only the key is at fault, and others may do.
bool is_of_key(const Failure& failure) { return failure.code == kNothing || failure.code == kRefused; }

std::optional<Wish> wish_of(const std::vector<std::string>& arguments) {
  Wish wish;
  auto word = arguments.begin();
  for (; word != arguments.end() && word->size() > 1 && word->front() == '-'; ++word) {
    if (*word == "--") {
      ++word;
      break;
    }
    for (const char option : word->substr(1)) {
      if (option == 'a')
        wish.what = What::add;
      else if (option == 'd')
        wish.what = What::remove;
      else if (option == 't' || option == 'T' || option == 'G')
        wish.type = option;
      else
        return std::nullopt;
    }
  }
  if (wish.what == What::list && wish.type != 0) return std::nullopt;
  std::copy_if(word, arguments.end(), std::back_inserter(wish.keys), [](const auto& key) { return !key.empty(); });
  return wish;
}

class Spamdb {
 public:
  Spamdb(const Daemon& daemon, const Screen& screen) : daemon_(daemon), screen_(screen) {}

  int run(const Wish& wish) {
    if (wish.what == What::list) return wish.keys.empty() ? list() : look_up(wish.keys);
    if (wish.what == What::add && wish.type == 'G') throw End{kNothingToAdd, "cannot add GREY entries"};
    if (wish.keys.empty()) return kNothingToAdd;
    now_ = or_end(daemon_time(daemon_));
    int failed = 0;
    for (const auto& key : wish.keys) failed += (wish.what == What::add ? add(key, wish.type) : remove(key, wish.type)) ? 0 : 1;
    return failed;
  }

 private:
  int list() {
    for (const auto kind : {Entry::Kind::white, Entry::Kind::grey, Entry::Kind::trapped, Entry::Kind::trap})
      or_end(each_entry(daemon_, kind, [&](const Entry& entry) {
        screen_.out << spamdb_line(entry) << '\n';
        return static_cast<bool>(screen_.out);
      }));
    return kDone;
  }

  int look_up(const std::vector<std::string>& keys) {
    int missing = 0;
    for (const auto& key : keys) {
      if (const auto found = record(key))
        screen_.out << spamdb_line(*found) << '\n';
      else
        ++missing;
    }
    return missing;
  }

  /// A key has one record with spamdb; here a client may be in both tables, and being trapped counts.
  std::optional<Entry> record(const std::string& key) {
    if (key.find('@') != key.npos) {
      auto trap = find_entry(daemon_, Entry::Kind::trap, key);
      return trap || !is_of_key(trap.error()) ? or_end(std::move(trap)) : std::nullopt;
    }
    if (!Prefix::parse(key)) return std::nullopt;
    if (auto trapped = or_end(find_entry(daemon_, Entry::Kind::trapped, key))) return trapped;
    return or_end(find_entry(daemon_, Entry::Kind::white, key));
  }

  void warn(const std::string& what) { screen_.err << "spamdb: " << escaped_lines(what) << '\n'; }

  bool add(const std::string& key, char type) {
    if (type == 'T') {
      if (key.find('@') == key.npos) throw End{kNoAddress, "not an email address: " + key};
      Entry entry;
      entry.kind = Entry::Kind::trap;
      entry.key = key;
      return write(entry);
    }
    const auto address = Address::parse(key);
    if (!address) {
      warn("invalid ip address " + key);
      return false;
    }
    const auto client = address->to_string();
    const auto known = record(client);
    Entry entry = known.value_or(Entry{});
    const bool was_trapped = known && known->kind == Entry::Kind::trapped;
    entry.kind = type == 't' ? Entry::Kind::trapped : Entry::Kind::white;
    entry.key = client;
    if (!known) entry.first = now_;
    if (type == 't') {
      entry.expires = now_ + kTrapTime;
      if (!write(entry)) return false;
      erase("white", client);
      return true;
    }
    entry.pass = now_;
    entry.expires = now_ + kWhiteTime;
    if (known && !was_trapped) ++entry.passed;
    if (was_trapped) erase("trapped", client);
    return write(entry);
  }

  /// False, with a warning, if the daemon does not take this key: spamdb(8) goes on with the others.
  bool write(const Entry& entry) {
    ImportBatch batch(daemon_, {"operator", false, true});
    or_end(batch.add(entry));
    auto sent = batch.send();
    if (!sent && is_of_key(sent.error())) {
      warn(entry.key + ": " + sent.error().what);
      return false;
    }
    or_end(std::move(sent));
    if (batch.of(entry.kind).skipped == 0) return true;
    warn(entry.key + ": no loaded plugin takes it");
    return false;
  }

  bool ask(const Question& question) {
    auto answer = daemon_.ask(question);
    if (answer) return true;
    if (!is_of_key(answer.error())) or_end(std::move(answer));
    return false;
  }
  bool erase(const std::string& table, const std::string& key) {
    return ask({"DELETE", "/v1/tables/" + table + "?prefix=" + percent_encode(key)});
  }

  bool remove(const std::string& key, char type) {
    bool removed = false;
    if (type == 'G') {
      Question question{"POST", "/v1/delete-grey", Value::map()};
      question.body.set("client", key);
      removed = ask(question);
    } else if (key.find('@') != key.npos) {
      removed = ask({"DELETE", "/v1/traps?address=" + percent_encode(key)});
    } else {
      const bool white = erase("white", key);
      removed = erase("trapped", key) || white;
    }
    if (!removed) warn("no entry for " + key);
    return removed;
  }

  const Daemon& daemon_;
  const Screen& screen_;
  std::int64_t now_ = 0;
};

}  // namespace

int run_spamdb(const std::vector<std::string>& arguments, const std::string& socket, const Screen& screen) {
  const auto wish = wish_of(arguments);
  if (!wish) {
    screen.err << "usage: spamdb [-adGTt] [key ...]\n";
    return kFailedAsAWhole;
  }
  const Daemon daemon(socket);
  try {
    return Spamdb(daemon, screen).run(*wish) & 255;  // as the system cuts it
  } catch (const End& end) {
    screen.err << "spamdb: " << escaped_lines(end.what) << '\n';
    return end.code;
  }
}

}  // namespace deferd::ctl
