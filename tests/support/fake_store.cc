#include "fake_store.h"

namespace deferd {
namespace {

// What `call` answers, unless there is a fault.
template <class Call>
auto unless(const Fault& fault, Call call) -> decltype(call()) {
  if (auto error = fault.get()) return tl::unexpected(std::move(*error));
  return call();
}

}  // namespace

Result<std::vector<Record>> FakeStore::read(std::string_view group, std::span<const std::string_view> keys) {
  return unless(fault_, [&] { return base_.read(group, keys); });
}
Result<void> FakeStore::commit(std::string_view group, std::span<const Change> changes) {
  return unless(fault_, [&] { return base_.commit(group, changes); });
}
Result<ScanPage> FakeStore::scan(std::string_view group_prefix, std::string_view cursor, std::size_t limit) {
  return unless(fault_, [&] { return base_.scan(group_prefix, cursor, limit); });
}

Result<TableMatch> FakeTables::find(std::string_view table, const Address& client) {
  return unless(fault_, [&] { return base_.find(table, client); });
}
Result<void> FakeTables::put(std::string_view table, const TableRow& row) {
  return unless(fault_, [&] { return base_.put(table, row); });
}
Result<bool> FakeTables::refresh(std::string_view table, const Prefix& prefix, Time expires) {
  return unless(fault_, [&] { return base_.refresh(table, prefix, expires); });
}
Result<bool> FakeTables::erase(std::string_view table, const Prefix& prefix, std::string_view source) {
  return unless(fault_, [&] { return base_.erase(table, prefix, source); });
}
Result<TablePage> FakeTables::scan(std::string_view table, std::string_view cursor, std::size_t limit) {
  return unless(fault_, [&] { return base_.scan(table, cursor, limit); });
}
Result<FeedPage> FakeTables::feed(std::string_view cursor, std::size_t limit) {
  return unless(fault_, [&] { return base_.feed(cursor, limit); });
}
Result<std::string> FakeTables::feed_end() {
  return unless(fault_, [&] { return base_.feed_end(); });
}

}  // namespace deferd
