#include "store/decision_store.h"

#include <algorithm>

#include "store/encoding.h"

namespace deferd::store {
namespace {

constexpr std::size_t kChunkSize = 64 << 10;  // of what is copied, and read to find one of them
constexpr std::size_t kTrimmedAtOnce = 1'000;

std::string end_of(std::string_view kind) { return after_prefix(std::string(kind)); }

std::uint64_t first_of(std::string_view key) { return parse_u64(key.substr(kHashKeys.size())).value_or(0); }

}  // namespace

Result<void> DecisionStore::open() {
  auto last = kv_.scan(Family::decisions, kHashKeys, end_of(kHashKeys), true, [&](std::string_view key, std::string_view hashes) {
    next_ = first_of(key) + hashes.size() / sizeof(std::uint32_t);
    return false;
  });
  if (!last) return last;
  return kv_.scan(Family::decisions, kHashKeys, end_of(kHashKeys), false, [&](std::string_view key, auto) {
    oldest_ = first_of(key);
    return false;
  });
}

Result<void> DecisionStore::append(std::span<const DecisionRecord> records) {
  const std::lock_guard lock(append_);
  while (!records.empty()) {
    std::size_t count = 0;
    for (std::size_t size = 0; count < records.size() && size < kChunkSize; ++count) size += records[count].packed.size();
    if (auto written = append_chunk(records.first(count)); !written) return written;
    records = records.subspan(count);
  }
  return {};
}

Result<void> DecisionStore::append_chunk(std::span<const DecisionRecord> records) {
  std::string hashes;
  hashes.reserve(records.size() * sizeof(std::uint32_t));
  for (const auto& record : records) put_u32(hashes, id_hash(record.id));
  const std::string chunk = print_chunk(records);
  const std::string chunk_at = chunk_key(kChunkKeys, next_), hashes_at = chunk_key(kHashKeys, next_);
  const Write writes[] = {{Family::decisions, chunk_at, chunk}, {Family::decisions, hashes_at, hashes}};
  if (auto written = kv_.write(writes); !written) return written;
  next_ += records.size();
  return {};
}

Result<DecisionRecord> DecisionStore::find(std::string_view id) {
  const auto hash = id_hash(id);
  std::vector<std::string> candidates;
  auto scanned = kv_.scan(Family::decisions, chunk_key(kHashKeys, oldest_), end_of(kHashKeys), true,
                          [&](std::string_view key, std::string_view hashes) {
                            for (Reader reader(hashes); reader.ok() && !reader.rest().empty();)
                              if (reader.u32() == hash) {
                                candidates.push_back(chunk_key(kChunkKeys, first_of(key)));
                                break;
                              }
                            return true;
                          });
  if (!scanned) return tl::unexpected(scanned.error());
  for (const auto& candidate : candidates) {
    auto chunk = get_one(kv_, Family::decisions, candidate);
    if (!chunk) return tl::unexpected(chunk.error());
    if (!*chunk) continue;  // trimmed meanwhile
    auto records = parse_chunk(**chunk);
    if (!records) return tl::unexpected(records.error());
    for (auto& record : *records)
      if (record.id == id) return std::move(record);
  }
  return fail(Errc::not_found, "no decision has the id '" + std::string(id) + "', or it is no longer kept");
}

Result<std::vector<DecisionRecord>> DecisionStore::newest(std::size_t limit) {
  std::vector<DecisionRecord> newest;
  std::optional<Error> damage;
  auto scanned = kv_.scan(Family::decisions, chunk_key(kChunkKeys, oldest_), end_of(kChunkKeys), true,
                          [&](std::string_view, std::string_view bytes) {
                            auto records = parse_chunk(bytes);
                            if (!records) {
                              damage = records.error();
                              return false;
                            }
                            std::reverse(records->begin(), records->end());
                            for (auto& record : *records)
                              if (newest.size() < limit) newest.push_back(std::move(record));
                            return newest.size() < limit;
                          });
  if (!scanned) return tl::unexpected(scanned.error());
  if (damage) return tl::unexpected(*damage);
  return newest;
}

Result<void> DecisionStore::trim(Time now, bool by_age) {
  std::uint64_t next = 0;
  {
    const std::lock_guard lock(append_);
    next = next_;
  }
  Batch batch;
  std::size_t steps = 0;
  std::uint64_t oldest = oldest_;
  auto scanned = kv_.scan(Family::decisions, chunk_key(kChunkKeys, oldest), end_of(kChunkKeys), false,
                          [&](std::string_view key, std::string_view bytes) {
                            const auto first = first_of(key);
                            const auto records = parse_chunk(bytes);
                            const std::uint64_t count = records ? records->size() : 1;
                            const bool too_many = first + count + limits_.max <= next;
                            const bool too_old = by_age && (!records || records->back().when + limits_.age < now);
                            oldest = first;
                            if ((!too_many && !too_old) || ++steps > kTrimmedAtOnce) return false;
                            batch.erase(Family::decisions, std::string(key));
                            batch.erase(Family::decisions, chunk_key(kHashKeys, first));
                            oldest = first + count;
                            return true;
                          });
  if (!scanned) return scanned;
  if (!batch.empty())
    if (auto written = kv_.write(batch.writes()); !written) return written;
  oldest_ = oldest;
  return {};
}

}  // namespace deferd::store
