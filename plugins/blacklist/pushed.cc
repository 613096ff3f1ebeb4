#include "pushed.h"

#include <algorithm>
#include <utility>

namespace deferd::blacklist {
namespace {

constexpr std::string_view kSource = "configuration port";

std::string copy_name(const std::string& tag) { return std::string(kPushedPrefix) + tag; }

}  // namespace

Result<std::shared_ptr<Pushed>> PushedLists::check(std::string_view line, LineEnd end, Time came) const {
  auto read = parse_config_line(line, end);
  if (!read) return tl::unexpected(read.error());
  const auto coverage = read->set.coverage();
  if (coverage.v4_addresses > kMostAddresses || coverage.v6_networks > kMostNetworks)
    return fail(Errc::invalid, "'" + read->tag + "' covers too much");
  return std::make_shared<Pushed>(Pushed{std::move(*read), came});
}

Result<void> PushedLists::replace(std::shared_ptr<const Pushed> pushed) {
  Lists lists = all();
  const auto found = std::find_if(lists.begin(), lists.end(), [&](const auto& has) { return has->line.tag == pushed->line.tag; });
  if (found == lists.end() && lists.size() >= kMostLists)
    return fail(Errc::invalid, "there are " + std::to_string(kMostLists) + " lists already");
  if (found == lists.end())
    lists.push_back(std::move(pushed));
  else
    *found = std::move(pushed);
  lists_.swap(std::move(lists));
  return {};
}

Result<void> PushedLists::take(std::string_view line, LineEnd end, const Clock& clock, const Copies& copies, Log& log) {
  const auto now = clock.now();
  auto pushed = check(line, end, now);
  if (!pushed) return tl::unexpected(pushed.error());
  const auto tag = (*pushed)->line.tag;
  const auto entries = (*pushed)->line.entries;
  const std::lock_guard lock(writing_);
  if (auto done = replace(std::move(*pushed)); !done) return done;
  log.info("blacklist.pushed", {{"list", tag}, {"entries", entries}});
  if (entries == 0) {
    copies.remove(copy_name(tag));
    return {};
  }
  auto copy = copies.start(copy_name(tag), std::string(kSource));
  copy.append(line);
  if (auto kept = copy.keep({}, now, now); !kept)
    log.warning("blacklist.copy-failed", {{"list", tag}, {"error", kept.error().what}});
  return {};
}

Result<void> PushedLists::read_copy(const Copies& copies, std::string_view name) {
  auto copy = copies.open(name);
  if (!copy) return tl::unexpected(copy.error());
  if (copy->head().source != kSource) return {};
  std::string line;
  auto read = copy->read([&](std::string_view bytes) -> Result<void> {
    line += bytes;
    return {};
  });
  if (!read) return read;
  auto pushed = check(line, LineEnd::seen, copy->head().fetched);
  if (!pushed) return tl::unexpected(pushed.error());
  return replace(std::move(*pushed));
}

void PushedLists::read_copies(const Copies& copies, Log& log) {
  const std::lock_guard lock(writing_);
  if (std::exchange(copies_read_, true)) return;
  for (const auto& name : copies.names(kPushedPrefix))
    if (auto done = read_copy(copies, name); !done)
      log.warning("blacklist.no-copy", {{"list", name.substr(kPushedPrefix.size())}, {"error", done.error().what}});
}

}  // namespace deferd::blacklist
