// Files of other greylisters.
#include <algorithm>
#include <optional>

#include "ctl/entry.h"
#include "ctl/fields.h"
#include "deferd/address.h"

namespace deferd::ctl {
namespace {

constexpr std::int64_t kDay = 86'400;
constexpr std::int64_t kPostgreyDelay = 300, kPostgreyWindow = 2 * kDay, kPostgreyAge = 35 * kDay;  // postgrey(8)'s defaults
constexpr std::int64_t kMilterGreylistDelay = 300;  // what is guessed: the file tells from when on a try passes
constexpr std::int64_t kMilterGreylistTimeout = 5 * kDay;

using Take = std::function<void(const Entry&)>;

/// Collects entries and damage of one file.
class Reading {
 public:
  explicit Reading(const Take& take) : take_(take) {}
  void entry(const Entry& entry) { take_(entry); }
  void damaged(std::size_t line, std::string what, bool strangers = false) {
    damage_.push_back({line, std::move(what), strangers});
  }
  std::vector<Damage> damage() && { return std::move(damage_); }

 private:
  const Take& take_;
  std::vector<Damage> damage_;
};

void read_spamdb(std::string_view text, Reading& reading) {
  each_line_of(text, [&](std::string_view line, std::size_t number) {
    if (line.empty()) return;
    auto entry = read_spamdb_line(line);
    entry ? reading.entry(*entry) : reading.damaged(number, entry.error().what, line.starts_with("GREY|"));
  });
}

void read_list(std::string_view text, std::int64_t now, std::int64_t lasting, Reading& reading) {
  each_line_of(text, [&](std::string_view line, std::size_t number) {
    const auto words = words_of(line.substr(0, line.find('#')));
    if (words.empty()) return;
    const auto prefix = Prefix::parse(words[0]);
    if (words.size() > 1 || !prefix)
      return reading.damaged(number,
                             words.size() > 1 ? "has more than one word" : "is no address or prefix: " + prefix.error().what);
    Entry entry;
    entry.key = prefix->to_string();
    entry.first = entry.pass = now;
    entry.expires = lasting >= kNever - now ? kNever : now + lasting;
    reading.entry(entry);
  });
}

std::optional<char> hex_byte(std::string_view digits) {
  unsigned value = 0;
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
  if (digits.size() != 2 || read.ec != std::errc{} || read.ptr != digits.data() + 2) return std::nullopt;
  return static_cast<char>(value);
}

/// db_dump(1): in `print` only \xx and \\ are special, in `bytevalue` all is hexadecimal.
std::optional<std::string> undumped(std::string_view text, bool print) {
  std::string out;
  while (!text.empty()) {
    std::size_t taken = 1;
    if (print && text[0] != '\\') {
      out += text[0];
    } else if (print && text.starts_with("\\\\")) {
      out += '\\';
      taken = 2;
    } else {
      const auto byte = hex_byte(text.substr(print ? 1 : 0, 2));
      if (!byte) return std::nullopt;
      out += *byte;
      taken = print ? 3 : 2;
    }
    text.remove_prefix(taken);
  }
  while (!out.empty() && out.back() == '\0') out.pop_back();
  return out;
}

/// 192.0.2.7, 2001:db8::7, and the networks postgrey keeps: 192.0.2, 192.0.2.0.
std::optional<Address> postgrey_client(std::string_view text) {
  while (text.ends_with('.')) text.remove_suffix(1);
  std::string whole(text);
  if (std::count(text.begin(), text.end(), '.') == 2) whole += ".0";
  const auto address = Address::parse(whole);
  return address ? std::optional(*address) : std::nullopt;
}

/// Of postgrey_clients.db: ADDRESS is "count,last"; of postgrey.db: NETWORK/sender/recipient is "first,last" and perhaps more.
std::string read_postgrey_record(const std::string& key, const std::string& value, Reading& reading) {
  const auto numbers = split(value, ',');
  const auto one = whole_number(numbers[0]);
  const auto two = numbers.size() > 1 ? whole_number(numbers[1]) : std::nullopt;
  if (!one || !two || *one > kNever || *two > kNever) return "its value is none of postgrey's";
  const auto slash = key.find('/');
  const auto client = postgrey_client(std::string_view(key).substr(0, slash));
  if (!client) return "its key begins with no address (of a postgrey with --privacy nothing can be taken over)";
  Entry entry;
  entry.key = client->to_string();
  if (slash == key.npos) {
    entry.first = entry.pass = *two;
    entry.expires = *two + kPostgreyAge;
    entry.passed = *one;
    reading.entry(entry);
    return {};
  }
  const auto pair = std::string_view(key).substr(slash + 1);
  const auto at = pair.starts_with('/') ? 0 : pair.find('@');
  const auto middle = at == pair.npos ? at : pair.find('/', at);
  if (middle == pair.npos) return "it cannot be told where the sender ends";
  entry.kind = Entry::Kind::grey;
  entry.from = pair.substr(0, middle);
  entry.to = pair.substr(middle + 1);
  entry.first = *one;
  const bool passed = *two - *one >= kPostgreyDelay;
  entry.expires = passed ? *two + kPostgreyAge : *one + kPostgreyWindow;
  entry.pass = passed ? *two : entry.expires;
  reading.entry(entry);
  return {};
}

void read_postgrey(std::string_view text, Reading& reading) {
  bool header = true, print = true;
  std::optional<std::string> key;
  each_line_of(text, [&](std::string_view line, std::size_t number) {
    if (line == "VERSION=3") header = true;  // a second file may follow
    if (header) {
      if (line == "format=bytevalue") print = false;
      if (line == "format=print") print = true;
      if (line == "HEADER=END") header = false;
      if (!line.empty() && line.find('=') == line.npos) reading.damaged(number, "is no line of db_dump's header");
      return;
    }
    if (line == "DATA=END" || line.empty()) return;
    auto field = line.starts_with(' ') ? undumped(line.substr(1), print) : std::nullopt;
    if (!field) {
      reading.damaged(number, "is no line of db_dump");
      key.reset();
    } else if (!key) {
      key = std::move(field);
    } else {
      if (auto wrong = read_postgrey_record(*key, *field, reading); !wrong.empty()) reading.damaged(number, std::move(wrong));
      key.reset();
    }
  });
}

// client, <sender>, <recipient>, time; then AUTO if it is white until that time, else it passes from that time on.
void read_milter_greylist(std::string_view text, Reading& reading) {
  each_line_of(text, [&](std::string_view line, std::size_t number) {
    const auto words = words_of(line.substr(0, line.rfind(" # ")));
    if (words.empty() || words[0].starts_with('#') || words[0] == "version") return;
    const bool automatic = words.size() == 5 && words[4] == "AUTO";
    const auto time = words.size() >= 4 ? whole_number(words[3]) : std::nullopt;
    const auto client = Address::parse(words[0]);
    if (!client || !time || *time > kNever || (words.size() != 4 && !automatic))
      return reading.damaged(number, "is no line of milter-greylist's dump");
    Entry entry;
    entry.key = client->to_string();
    if (automatic) {
      entry.expires = *time;
    } else {
      entry.kind = Entry::Kind::grey;
      entry.from = without_brackets(words[1]);
      entry.to = without_brackets(words[2]);
      entry.first = std::max<std::int64_t>(0, *time - kMilterGreylistDelay);
      entry.pass = entry.expires = entry.first + kMilterGreylistTimeout;
    }
    reading.entry(entry);
  });
}

}  // namespace

std::vector<Damage> read_entries(Format format, std::string_view text, std::int64_t now, std::int64_t lasting, const Take& take) {
  Reading reading(take);
  switch (format) {
    case Format::spamdb:
      read_spamdb(text, reading);
      break;
    case Format::list:
      read_list(text, now, lasting, reading);
      break;
    case Format::postgrey:
      read_postgrey(text, reading);
      break;
    case Format::milter_greylist:
      read_milter_greylist(text, reading);
      break;
  }
  return std::move(reading).damage();
}

}  // namespace deferd::ctl
