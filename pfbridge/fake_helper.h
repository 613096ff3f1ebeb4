// A helper within the test: the real protocol's far side over tables in memory, which fail and lie as told.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "pfbridge/helper/service.h"

namespace deferd::pfbridge {

/// What becomes of a change.
enum class Fate : unsigned char {
  done,
  refused,      ///< Nothing is done, and it says so.
  half,         ///< Half is done, and it says that it failed.
  done_denied,  ///< All is done, and it says that it failed.
  lied          ///< Nothing is done, and it says that all is.
};

class FakeTable : public bridge::Backend {
 public:
  bridge::Result add(std::span<const bridge::Row> rows) override {
    return change(rows, [&](const bridge::Row& row) {
      entries[row.entry] = row.seconds;
      ++added;
    });
  }
  bridge::Result remove(std::span<const bridge::Entry> gone) override {
    return change(gone, [&](const bridge::Entry& entry) {
      entries.erase(entry);
      ++removed;
    });
  }
  bridge::Result read(std::vector<bridge::Entry>& found) override {
    ++reads;
    if (!unreadable.empty()) return bridge::Result::failed(unreadable);
    for (const auto& [entry, seconds] : entries) found.push_back(entry);
    return {{}, static_cast<std::uint32_t>(found.size())};
  }
  bridge::Result check() override { return {broken, 0}; }
  std::unique_ptr<bridge::Reading> begin_reading() override {
    if (piece == 0 || !unreadable.empty()) return nullptr;
    ++reads;
    return std::make_unique<Pieces>(*this);
  }

  bool has(const char* text) const { return entries.contains(*bridge::Entry::parse(text)); }
  void put(const char* text) { entries[*bridge::Entry::parse(text)] = 0; }
  /// "192.0.2.1 198.51.100.0/24"
  std::string text() const {
    std::string all;
    for (const auto& [entry, seconds] : entries) all += (all.empty() ? "" : " ") + entry.to_string();
    return all;
  }

  std::map<bridge::Entry, std::uint32_t> entries;
  std::string unreadable;  ///< Why it cannot be read; empty: it can.
  std::string broken;      ///< What is wrong with the table as a whole; empty: nothing.
  std::function<Fate()> fate = [] { return Fate::done; };
  std::uint64_t added = 0, removed = 0, reads = 0;
  std::size_t piece = 0;  ///< It is read in pieces of so many; 0: at once.

 private:
  /// The table as it is when a piece is asked for, from where the last one ended.
  class Pieces : public bridge::Reading {
   public:
    explicit Pieces(const FakeTable& table) : table_(table) {}
    bridge::Result next(std::vector<bridge::Entry>& found, bool& more) override {
      auto at = last_ ? table_.entries.upper_bound(*last_) : table_.entries.begin();
      for (std::size_t i = 0; i < table_.piece && at != table_.entries.end(); ++i, ++at) found.push_back(*(last_ = at->first));
      more = at != table_.entries.end();
      return {};
    }

   private:
    const FakeTable& table_;
    std::optional<bridge::Entry> last_;
  };

  template <class T, class Make>
  bridge::Result change(std::span<const T> all, Make make) {
    if (!broken.empty()) return bridge::Result::failed(broken);
    const auto count = static_cast<std::uint32_t>(all.size());
    const Fate its = fate();
    if (its == Fate::lied) return {{}, count};
    if (its == Fate::refused) return bridge::Result::failed("refused");
    const auto some = its == Fate::half ? all.first(all.size() / 2) : all;
    for (const T& one : some) make(one);
    if (its != Fate::done) return bridge::Result::failed("failed in the middle");
    return {{}, count};
  }
};

/// The packet filter's tables, and a connection to whoever serves them now.
class FakeHelper {
 public:
  explicit FakeHelper(const std::vector<std::string>& names) {
    for (const auto& name : names) {
      auto table = std::make_unique<FakeTable>();
      by_number_.push_back(table.get());
      tables_.push_back({name, std::move(table)});
    }
  }

  FakeTable& table(std::size_t number = 0) { return *by_number_[number]; }

  void connect() { service_.emplace(tables_, bypass_, bridge::Service::Locate()); }
  void hang_up() { service_.reset(); }
  bool is_connected() const { return service_.has_value(); }

  /// Takes what deferd said, and returns what it answers.
  std::string answer(std::string& said) {
    const auto bytes = std::exchange(said, {});
    if (!bytes.empty() && !service_->take(bytes, {})) throw std::runtime_error("deferd broke the protocol");
    service_->work();
    return std::exchange(service_->output(), {});
  }
  bridge::Service& service() { return *service_; }

 private:
  std::vector<bridge::NamedTable> tables_;
  std::vector<FakeTable*> by_number_;
  bridge::Bypass bypass_{nullptr, std::chrono::seconds(60), {}, [](const std::string&) {}};
  std::optional<bridge::Service> service_;
};

}  // namespace deferd::pfbridge
