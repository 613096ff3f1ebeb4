#include "pfbridge/helper/nft_table.h"

#include <nftables/libnftables.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "pfbridge/helper/nft_dump.h"

namespace deferd::bridge {
namespace {

constexpr std::size_t kPerTransaction = 5'000;  // elements in a transaction
// Of prefixes fewer: nft compares each of them with all others.
constexpr std::size_t kPrefixChunk = 64;

struct ContextFree {
  void operator()(nft_ctx* context) const { nft_ctx_free(context); }
};

constexpr int kDumpAttempts = 5;

Result no_set(const NftSets& sets, const std::string& set, int error) {
  auto what = "set " + set + " of table " + sets.family + ' ' + sets.table + ": ";
  if (error == EINTR) return Result::failed(what + "somebody changes the ruleset all the time, it cannot be read");
  what += std::strerror(error);
  if (error == ENOENT) what += "; declare it with `flags timeout`, for prefixes `flags interval, timeout`";
  return Result::failed(what);
}

/// Sets of hosts piece by piece; sets with intervals, of which a piece says little, at once.
class NftReading : public Reading {
 public:
  explicit NftReading(const NftSets& sets) : sets_(sets), names_(names(sets)) {}

  Result next(std::vector<Entry>& entries, bool& more) override {
    const auto before = entries.size();
    more = true;
    while (more && entries.size() == before) {
      if (at_ == names_.size()) {
        more = false;
        break;
      }
      if (const int error = reading_ ? go_on(entries) : begin(entries); error != 0) return no_set(sets_, names_[at_], error);
      if (!reading_) more = ++at_ < names_.size();
    }
    return {};
  }

 private:
  NftDump::Place place() const { return {sets_.family, sets_.table, names_[at_]}; }

  int begin(std::vector<Entry>& entries) {
    bool has_intervals = false;
    if (const int error = dump_.find(place(), has_intervals); error != 0) return error;
    if (has_intervals) return read_intervals(entries);
    if (const int error = dump_.begin(place()); error != 0) return error;
    reading_ = true;
    return go_on(entries);
  }

  int go_on(std::vector<Entry>& entries) {
    std::vector<NftElement> elements;
    const int error = dump_.receive(elements, reading_);
    append_entries(elements, false, entries);
    return error == EINTR ? 0 : error;
  }

  int read_intervals(std::vector<Entry>& entries) {
    std::vector<NftElement> elements;
    int error = EINTR;
    for (int attempt = 0; attempt < kDumpAttempts && error == EINTR; ++attempt) {
      elements.clear();
      error = dump_.begin(place());
      for (bool more = true; more && error == 0;) error = dump_.receive(elements, more);
    }
    if (error == 0) append_entries(elements, true, entries);
    return error;
  }

  const NftSets sets_;
  const std::vector<std::string> names_;
  std::size_t at_ = 0;
  bool reading_ = false;
  NftDump dump_;
};

class NftTable : public Backend {
 public:
  explicit NftTable(NftSets sets) : sets_(std::move(sets)), context_(nft_ctx_new(NFT_CTX_DEFAULT)) {
    nft_ctx_buffer_output(context_.get());
    nft_ctx_buffer_error(context_.get());
  }

  Result add(std::span<const Row> rows) override {
    return in_chunks<Row>(
        rows, [&](std::span<const Row> some) { return nft_add(sets_, some); }, [&](const Row& row) { return covers(row.entry); });
  }

  Result remove(std::span<const Entry> entries) override {
    return in_chunks<Entry>(
        entries, [&](std::span<const Entry> some) { return nft_remove(sets_, some); },
        // It cannot be added because another's interval is in its place: so it is not there.
        [&](const Entry& entry) { return covers(entry); });
  }

  Result read(std::vector<Entry>& entries) override {
    const std::size_t before = entries.size();
    NftReading reading(sets_);
    for (bool more = true; more;)
      if (auto result = reading.next(entries, more); !result.ok()) return result;
    return {{}, static_cast<std::uint32_t>(entries.size() - before)};
  }

  std::unique_ptr<Reading> begin_reading() override { return std::make_unique<NftReading>(sets_); }

  Result check() override {
    std::string text;
    nft_ctx_output_set_flags(context_.get(), NFT_CTX_OUTPUT_TERSE);
    const std::string error = run("list ruleset", text);
    nft_ctx_output_set_flags(context_.get(), 0);
    if (!error.empty()) return Result::failed(error);
    for (const auto& set : names(sets_)) {
      bool has_intervals = false;
      if (const int missing = dump_.find({sets_.family, sets_.table, set}, has_intervals); missing != 0)
        return no_set(sets_, set, missing);
      if (!nft_rule_uses(text, set)) return Result::failed("no rule of nftables uses the set @" + set);
    }
    return {};
  }

 private:
  // Empty, or what nft complains of: its first line.
  std::string run(const std::string& script, std::string& output) {
    const int status = nft_run_cmd_from_buffer(context_.get(), script.c_str());
    output = nft_ctx_get_output_buffer(context_.get());
    std::string error = nft_ctx_get_error_buffer(context_.get());
    if (status == 0) return {};
    error = error.substr(0, error.find('\n'));
    return error.empty() ? "nft failed" : error;
  }

  bool covers(const Entry& entry) {
    std::string output;
    return run("get element " + sets_.family + ' ' + sets_.table + ' ' + set_for(sets_, entry) + " { " + entry.to_string() + " }",
               output)
        .empty();
  }

  static const Entry& entry_of(const Row& row) { return row.entry; }
  static const Entry& entry_of(const Entry& entry) { return entry; }

  template <class T, class Script, class Covered>
  Result in_chunks(std::span<const T> all, const Script& script, const Covered& covered) {
    std::vector<T> sorted(all.begin(), all.end());
    const auto prefixes =
        std::partition(sorted.begin(), sorted.end(), [this](const T& one) { return in_hosts(sets_, entry_of(one)); });
    const std::span<const T> hosts(sorted.begin(), prefixes), rest(prefixes, sorted.end());
    Result result;
    for (auto [some, size] : {std::pair(hosts, kPerTransaction), std::pair(rest, kPrefixChunk)})
      for (; !some.empty(); some = some.subspan(std::min(size, some.size()))) {
        const auto part = change(some.first(std::min(size, some.size())), script, covered);
        result.changed += part.changed;
        if (!part.ok() && result.ok()) result.error = part.error;
      }
    return result;
  }

  // A transaction is refused as a whole if one element overlaps with what is there: then halves are tried, down to the one.
  template <class T, class Script, class Covered>
  Result change(std::span<const T> some, const Script& script, const Covered& covered) {
    const std::string text = script(some);
    std::string output;
    const std::string error = text.empty() ? std::string() : run(text, output);
    if (error.empty()) return {{}, static_cast<std::uint32_t>(some.size())};
    if (error.find("overlap") == std::string::npos && error.find("exist") == std::string::npos) return Result::failed(error);
    if (some.size() == 1) return covered(some[0]) ? Result{} : Result::failed(error);
    Result first = change(some.first(some.size() / 2), script, covered);
    const Result second = change(some.subspan(some.size() / 2), script, covered);
    first.changed += second.changed;
    if (first.ok()) first.error = second.error;
    return first;
  }

  NftSets sets_;
  std::unique_ptr<nft_ctx, ContextFree> context_;
  NftDump dump_;
};

}  // namespace

std::unique_ptr<Backend> make_nft_table(NftSets sets, std::string&) { return std::make_unique<NftTable>(std::move(sets)); }

}  // namespace deferd::bridge
