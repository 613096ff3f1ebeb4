// Store and tables that can be broken and mended.
#pragma once
#include <mutex>
#include <optional>

#include "deferd/store.h"
#include "deferd/tables.h"

namespace deferd {

/// Thread-safe.
class Fault {
 public:
  void set(std::optional<Error> error) {
    const std::lock_guard lock(mutex_);
    error_ = std::move(error);
  }
  std::optional<Error> get() const {
    const std::lock_guard lock(mutex_);
    return error_;
  }

 private:
  mutable std::mutex mutex_;
  std::optional<Error> error_;
};

/// Passes everything on, or fails as `fault` says.
class FakeStore : public Store {
 public:
  FakeStore(Store& base, const Fault& fault) : base_(base), fault_(fault) {}
  Result<std::vector<Record>> read(std::string_view group, std::span<const std::string_view> keys) override;
  Result<void> commit(std::string_view group, std::span<const Change> changes) override;
  Result<ScanPage> scan(std::string_view group_prefix, std::string_view cursor, std::size_t limit) override;

 private:
  Store& base_;
  const Fault& fault_;
};

class FakeTables : public Tables {
 public:
  FakeTables(Tables& base, const Fault& fault) : base_(base), fault_(fault) {}
  Result<TableMatch> find(std::string_view table, const Address& client) override;
  Result<void> put(std::string_view table, const TableRow& row) override;
  Result<bool> refresh(std::string_view table, const Prefix& prefix, Time expires) override;
  Result<bool> erase(std::string_view table, const Prefix& prefix, std::string_view source) override;
  Result<TablePage> scan(std::string_view table, std::string_view cursor, std::size_t limit) override;
  Result<FeedPage> feed(std::string_view cursor, std::size_t limit) override;
  Result<std::string> feed_end() override;

 private:
  Tables& base_;
  const Fault& fault_;
};

}  // namespace deferd
