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
  const Copy copy{std::string(kSource), {}, now, now, std::string(line)};
  if (auto written = copies.write(copy_name(tag), copy); !written)
    log.warning("blacklist.copy-failed", {{"list", tag}, {"error", written.error().what}});
  return {};
}

void PushedLists::read_copies(const Copies& copies, Log& log) {
  const std::lock_guard lock(writing_);
  if (std::exchange(copies_read_, true)) return;
  for (const auto& name : copies.names(kPushedPrefix)) {
    const auto copy = copies.read(name);
    if (copy && copy->source != kSource) continue;
    auto pushed =
        copy ? check(copy->body, LineEnd::seen, copy->fetched) : Result<std::shared_ptr<Pushed>>(tl::unexpected(copy.error()));
    auto done = pushed ? replace(std::move(*pushed)) : Result<void>(tl::unexpected(pushed.error()));
    if (!done) log.warning("blacklist.no-copy", {{"list", name.substr(kPushedPrefix.size())}, {"error", done.error().what}});
  }
}

}  // namespace deferd::blacklist
