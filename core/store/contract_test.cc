#include "store/contract_test.h"

#include <cstdlib>

#include "store/memory_engine.h"
#include "store/rocksdb_engine.h"

namespace deferd::store {

TemporaryFolder::TemporaryFolder() {
  std::string name = (std::filesystem::temp_directory_path() / "deferd-store-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
  path_ = name;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

void Contract::open() {
  if (GetParam() == "memory") {
    engine = make_memory_engine(clock, decision_limits, feed_limits);
    return;
  }
  StoreConfig config;
  config.path = (folder.path() / "db").string();
  config.decisions = decision_limits;
  config.feed = feed_limits;
  engine = or_throw(open_rocksdb_engine(config, clock, log));
}

Record Contract::read(Store& store, std::string_view group, std::string_view key) {
  return or_throw(store.read(group, {&key, 1})).front();
}

void Contract::write(Store& store, std::string group, std::string key, std::string value, Duration life) {
  const Change change{std::move(key), std::move(value), clock.now() + life, std::nullopt};
  or_throw(store.commit(group, {&change, 1}));
}

TableRow Contract::row(std::string_view prefix, Duration life, std::string source) {
  TableRow row;
  row.prefix = or_throw(Prefix::parse(prefix));
  row.added = clock.now();
  row.expires = clock.now() + life;
  row.source = std::move(source);
  return row;
}

std::string Contract::found(std::string_view table, std::string_view address) {
  const auto match = find(table, address);
  return match.row ? match.row->prefix.to_string() : "none";
}

std::vector<std::string> Contract::events(std::string& cursor, std::size_t limit) {
  constexpr std::string_view kCauses[] = {"add", "refresh", "remove", "expire"};
  const auto page = or_throw(tables().feed(cursor, limit));
  cursor = page.cursor;
  std::vector<std::string> texts;
  for (const auto& event : page.events)
    texts.push_back(std::string(kCauses[static_cast<std::size_t>(event.cause)]) + " " + event.table + " " +
                    event.prefix.to_string());
  return texts;
}

std::vector<std::string> Contract::rows(std::string_view table, std::size_t page_size) {
  std::vector<std::string> prefixes;
  std::string cursor;
  do {
    const auto page = or_throw(tables().scan(table, cursor, page_size));
    for (const auto& row : page.rows) prefixes.push_back(row.prefix.to_string());
    cursor = page.cursor;
  } while (!cursor.empty());
  return prefixes;
}

void on_threads(int count, const std::function<void(int)>& work) {
  std::vector<std::thread> threads;
  for (int i = 0; i < count; ++i) threads.emplace_back(work, i);
  for (auto& thread : threads) thread.join();
}

}  // namespace deferd::store
