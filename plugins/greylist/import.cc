#include "import.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "envelope.h"
#include "identity.h"
#include "keys.h"
#include "tuple.h"

namespace deferd::greylist {
namespace {

constexpr std::size_t kFields = 8;

struct Wanted {
  std::string group, key;
  Tuple tuple;
  Time expires{};
};

std::optional<std::int64_t> number(std::string_view text) {
  std::int64_t value = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || read.ec != std::errc{} || read.ptr != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

Result<Wanted> wanted_of(const Value& row, const Config& config, const Profile& profile, Time now) {
  std::array<std::string_view, kFields> field;
  if (!row.is_list() || row.size() != kFields) return fail(Errc::invalid, "each of 'rows' must be a list of 8 texts");
  for (std::size_t i = 0; i < kFields; ++i) field[i] = row.items()[i].text();
  const auto client = Address::parse(field[0]);
  if (!client) return tl::unexpected(client.error());
  std::array<std::int64_t, 4> numbers{};
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const auto value = number(field[4 + i]);
    if (!value) return fail(Errc::invalid, "'" + std::string(field[4 + i]) + "': must be a number");
    numbers[i] = *value;
  }
  const Time pass{Duration(numbers[1])};
  Wanted wanted;
  wanted.expires = std::min(Time(Duration(numbers[2])), now + kEvidenceMax);
  wanted.tuple.first = wanted.tuple.last = Time(Duration(numbers[0]));
  if (pass <= now && pass.time_since_epoch().count() < numbers[2]) wanted.tuple.passed = wanted.tuple.last = pass;
  wanted.tuple.tries = static_cast<std::uint32_t>(std::clamp<std::int64_t>(numbers[3], 1, 1'000'000));
  wanted.tuple.client = *client;
  if (profile.spamd) {
    wanted.group = spamd_group(keep_bytes(field[2]), keep_bytes(field[3]));
    wanted.key = spamd_key(*client, keep_bytes(field[1]));
  } else {
    wanted.group = pair_group(fold_sender(field[2]), fold_recipient(field[3]));
    wanted.key = identify(*client, config.ipv4_prefix, config.ipv6_prefix).key();
  }
  return wanted;
}

/// Both are true of the same sender. What is known here stays known: who was let in, an operator's release, the latest try. A
/// first try from so long ago that its window is over would begin the waiting anew, and is left out.
Tuple merged(const Tuple& known, const Tuple& wanted, Time window_from) {
  Tuple both = known;
  if (wanted.first > window_from) both.first = std::min(known.first, wanted.first);
  both.passed = std::max(known.passed, wanted.passed);
  both.tries = std::max(known.tries, wanted.tries);
  return both;
}

/// True if it had to be written.
Result<bool> merge_or_write(Store& store, const Wanted& wanted, Time window_from, bool dry) {
  bool writes = false;
  const std::array<std::string_view, 1> keys = {wanted.key};
  const auto decide = [&](std::span<const Record> records) {
    const auto known = records[0].value ? decode_tuple(*records[0].value) : std::nullopt;
    const auto tuple = known ? merged(*known, wanted.tuple, window_from) : wanted.tuple;
    const auto expires = known ? std::max(records[0].expires, wanted.expires) : wanted.expires;
    writes = !known || tuple != *known || expires != records[0].expires;
    std::vector<Change> changes;
    if (writes && !dry) changes.push_back({wanted.key, encode(tuple), expires, std::nullopt});
    return changes;
  };
  if (auto done = update(store, wanted.group, keys, decide); !done) return tl::unexpected(done.error());
  return writes;
}

}  // namespace

Result<void> import_tuples(Context& context, const Config& config, const Profile& profile, const Value& args, Rows& rows) {
  const auto* list = args.is_map() ? args.find("rows") : nullptr;
  const auto* dry = args.is_map() ? args.find("dry") : nullptr;
  if (list == nullptr || !list->is_list()) return fail(Errc::invalid, "'rows' must be a list");
  const auto now = context.clock().now();
  std::vector<Wanted> all;
  for (const auto& row : list->items()) {
    auto wanted = wanted_of(row, config, profile, now);
    if (!wanted) return tl::unexpected(wanted.error());
    all.push_back(std::move(*wanted));
  }
  std::int64_t added = 0, kept = 0, expired = 0;
  for (const auto& wanted : all) {
    if (wanted.expires <= now) {
      ++expired;
      continue;
    }
    const auto written = merge_or_write(context.store(), wanted, now - profile.grey_expiry, dry != nullptr && dry->boolean());
    if (!written) return tl::unexpected(written.error());
    ++(*written ? added : kept);
  }
  Value row = Value::map();
  row.set("added", added);
  row.set("kept", kept);
  row.set("expired", expired);
  rows.row(row);
  return {};
}

}  // namespace deferd::greylist
