#include "plan.h"

#include <algorithm>
#include <optional>

#include "deferd/ascii.h"
#include "pushed.h"
#include "source.h"
#include "spamd_conf.h"

namespace deferd::blacklist {
namespace {

using namespace std::chrono_literals;

constexpr Duration kEveryRemote = 1h, kEveryFile = 1min;
constexpr std::uint64_t kLargestText = 1 << 20;  // spamd.conf, a message

Result<std::string> read_small_file(const std::string& path) {
  Progress progress;
  const std::atomic<bool> stop{false};
  std::string text;
  const auto fetched =
      fetch_file(path, {}, {kLargestText, {}, {}}, {progress, stop}, [&](std::string_view bytes) -> Result<void> {
        text += bytes;
        return {};
      });
  if (!fetched) return tl::unexpected(fetched.error());
  return text;
}

SourceSpec source_of(const ListConfig& list) {
  if (!list.url.empty()) return {SourceSpec::Kind::url, list.url, {}};
  if (!list.exec.empty()) return {SourceSpec::Kind::command, {}, list.exec};
  if (!list.file.empty()) return {SourceSpec::Kind::file, list.file, {}};
  return {SourceSpec::Kind::entries, {}, list.entries};
}

FeedSpec feed_of(const ListConfig& list, const SourceSpec& source, const Config& config) {
  FeedSpec feed;
  feed.name = list.name;
  feed.source = source;
  feed.format = list.format;
  feed.every = list.every.value_or(usual_every(source.kind));
  feed.max_age = source.kind == SourceSpec::Kind::entries ? 0s : list.max_age;
  feed.timeout = list.timeout;
  feed.min_entries = list.min_entries;
  feed.max_entries = list.max_entries;
  feed.max_bytes = std::uint64_t{list.max_mib} << 20;
  feed.max_ipv4 = list.max_ipv4;
  feed.max_ipv6 = list.max_ipv6;
  feed.sha256 = lower(list.sha256);
  feed.ca_file = config.ca_file;
  feed.white = list.white;
  return feed;
}

/// spamd.conf's lists go behind those of the configuration.
class SpamdLists {
 public:
  SpamdLists(const Config& config, Plan& plan, std::vector<std::string>& errors)
      : config_(config), plan_(plan), errors_(errors), own_(plan.feeds.size()) {}

  void add(const SpamdList& list) {
    const auto feed = feed_named(list, false);
    if (!feed) return;
    Listing listing{*feed, plan_.excepted, config_.action, list.message, {}};
    for (const auto& white : list.excepted)
      if (const auto excepted = feed_named(white, true)) listing.excepted.push_back(*excepted);
    plan_.listings.push_back(std::move(listing));
  }

 private:
  std::optional<std::size_t> feed_named(const SpamdList& list, bool white) {
    for (std::size_t i = 0; i < plan_.feeds.size(); ++i) {
      if (plan_.feeds[i].name != list.name) continue;
      if (i >= own_) return i;  // a white list that is subtracted from several
      errors_.push_back(config_.spamd_conf + ": '" + list.name + "' is also a list of 'lists'");
      return std::nullopt;
    }
    if (list.name.starts_with(kPushedPrefix)) {
      errors_.push_back(config_.spamd_conf + ": '" + list.name + "': names must not begin with 'port.'");
      return std::nullopt;
    }
    ListConfig usual;
    usual.name = list.name;
    usual.white = white;
    if (white && list.source.kind == SourceSpec::Kind::file) usual.min_entries = 0;  // an empty one of one's own is usual
    plan_.feeds.push_back(feed_of(usual, list.source, config_));
    return plan_.feeds.size() - 1;
  }

  const Config& config_;
  Plan& plan_;
  std::vector<std::string>& errors_;
  const std::size_t own_;
};

}  // namespace

Duration usual_every(SourceSpec::Kind kind) {
  switch (kind) {
    case SourceSpec::Kind::url:
    case SourceSpec::Kind::command:
      return kEveryRemote;
    case SourceSpec::Kind::file:
      return kEveryFile;
    case SourceSpec::Kind::entries:
      break;
  }
  return 0s;
}

Plan make_plan(const Config& config, std::vector<std::string>& errors) {
  Plan plan;
  for (std::size_t i = 0; i < config.lists.size(); ++i) {
    const auto& list = config.lists[i];
    plan.feeds.push_back(feed_of(list, source_of(list), config));
    if (list.white && list.only.empty()) plan.excepted.push_back(i);
  }
  for (std::size_t i = 0; i < config.lists.size(); ++i) {
    const auto& list = config.lists[i];
    if (list.white) continue;
    Listing listing{i, plan.excepted, list.action, list.message, list.tags};
    for (std::size_t other = 0; other < config.lists.size(); ++other) {
      const auto& only = config.lists[other].only;
      if (std::find(only.begin(), only.end(), list.name) != only.end()) listing.excepted.push_back(other);
    }
    plan.listings.push_back(std::move(listing));
  }
  if (config.spamd_conf.empty()) return plan;
  const auto text = read_small_file(config.spamd_conf);
  if (!text) {
    errors.push_back(text.error().what);
    return plan;
  }
  std::vector<std::string> wrong;
  const auto lists = read_spamd_conf(*text, read_small_file, wrong);
  for (auto& what : wrong) errors.push_back(config.spamd_conf + ": " + what);
  SpamdLists spamd(config, plan, errors);
  for (const auto& list : lists) spamd.add(list);
  return plan;
}

}  // namespace deferd::blacklist
