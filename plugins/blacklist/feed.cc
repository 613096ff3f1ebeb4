#include "feed.h"

#include <algorithm>

namespace deferd::blacklist {
namespace {

using namespace std::chrono_literals;

constexpr Duration kFirstPause = 1min;  // after a failure; then twice as long each time, up to `every`
constexpr std::uint32_t kMostDoublings = 10;
constexpr std::size_t kMostLoggedRemarks = 5;

/// A tenth less or more, another one each time, so that a machine's lists (and those of many machines) do not all come at once.
Duration jittered(Duration pause, std::string_view name, std::uint32_t round) {
  const auto dice = std::hash<std::string>{}(std::string(name) + std::to_string(round)) % 201;
  return pause + pause * (static_cast<Duration::rep>(dice) - 100) / 1000;
}

}  // namespace

std::string_view to_string(FeedState state) {
  switch (state) {
    case FeedState::empty:
      return "empty";
    case FeedState::good:
      return "good";
    case FeedState::failing:
      return "failing";
    case FeedState::too_old:
      return "too old";
  }
  return "";
}

FeedStatus Feed::status() const {
  const std::lock_guard lock(mutex_);
  FeedStatus status = status_;
  status.bytes = progress_.bytes;
  status.total = progress_.total;
  return status;
}

bool Feed::due(Time now) const {
  const std::lock_guard lock(mutex_);
  if (status_.loading || hurried_) return !status_.loading;
  // The second part: somebody has set the clock back.
  return status_.next <= now || (status_.next > now + 2 * std::max<Duration>(spec_.every, 1h) && status_.next != Time::max());
}

std::uint32_t Feed::hurry() {
  const std::lock_guard lock(mutex_);
  hurried_ = true;
  return status_.rounds + (status_.loading ? 2 : 1);
}

void Feed::give_way_to(const std::shared_ptr<Feed>& other) {
  const std::lock_guard lock(mutex_);
  successor_ = other;
}

bool Feed::is_superseded() const {
  const std::lock_guard lock(mutex_);
  return !successor_.expired();
}

std::optional<std::uint64_t> Feed::local_size(const Copies& copies) const {
  if (spec_.source.kind == SourceSpec::Kind::entries) return spec_.source.words.size() * 20;
  if (spec_.source.is_remote()) return copies.size(spec_.name);
  return size_of_file(spec_.source.place);
}

Duration Feed::pause(std::uint32_t failures) const {
  if (failures == 0) return jittered(spec_.every, spec_.name, status_.rounds);
  const Duration pause = kFirstPause * (1 << std::min(failures - 1, kMostDoublings));
  return jittered(std::min(pause, std::max(spec_.every, kFirstPause)), spec_.name, status_.rounds);
}

void Feed::use(Content content, Time fetched, Time checked) {
  {
    const std::lock_guard lock(mutex_);
    status_.state = FeedState::good;
    status_.error.clear();
    status_.entries = content.entries;
    status_.prefixes = content.set.size();
    status_.memory = content.set.bytes();
    status_.coverage = content.set.coverage();
    status_.bad = content.bad;
    status_.warned = content.warned;
    status_.remarks = std::move(content.remarks);
    status_.fetched = fetched;
    status_.checked = checked;
  }
  set_.swap(std::move(content.set));
  was_loaded_ = true;
}

void Feed::read_copy(const Tools& tools) {
  const std::unique_lock working(working_, std::try_to_lock);
  if (!working || !spec_.source.is_remote() || !digest_.empty() || std::exchange(copy_read_, true)) return;
  auto copy = tools.copies.open(spec_.name);
  if (!copy && copy.error().code == Errc::not_found) return;
  if (copy && copy->head().source != spec_.source.to_string()) return;
  Intake intake(spec_, tools.stop);
  auto read = copy ? copy->read([&](std::string_view bytes) { return intake.take(bytes); }) : tl::unexpected(copy.error());
  auto content = read ? intake.finish() : tl::unexpected(read.error());
  if (!content) {
    if (tools.stop) {  // the next configuration reads it
      copy_read_ = false;
      return;
    }
    tools.log.warning("blacklist.no-copy", {{"list", spec_.name}, {"error", content.error().what}});
    return;
  }
  const auto now = tools.clock.now();
  const auto& head = copy->head();
  const auto checked = std::min(head.checked, now);
  if (spec_.max_age != 0s && checked + spec_.max_age <= now && !spec_.white) {
    tools.log.warning("blacklist.no-copy", {{"list", spec_.name}, {"error", "it is too old: " + format_time(checked)}});
    return;
  }
  const auto digest = intake.digest();
  if (!spec_.sha256.empty() && digest != spec_.sha256) return;
  known_ = head.validators;
  digest_ = digest;
  tools.log.info("blacklist.copy", {{"list", spec_.name}, {"entries", content->entries}, {"checked", format_time(checked)}});
  use(std::move(*content), std::min(head.fetched, now), checked);
  const std::lock_guard lock(mutex_);
  status_.next = checked + pause(0);
}

void Feed::keep_copy(const Tools& tools, NewCopy& copy, Time fetched, Time checked) {
  copy_missing_ = true;
  if (is_superseded()) return;
  if (auto kept = copy.keep(known_, fetched, checked))
    copy_missing_ = false;
  else
    tools.log.warning("blacklist.copy-failed", {{"list", spec_.name}, {"error", kept.error().what}});
}

/// What came is what there is.
void Feed::confirm(const Tools& tools, NewCopy& copy, Time now) {
  Time fetched;
  {
    const std::lock_guard lock(mutex_);
    status_.state = FeedState::good;
    status_.error.clear();
    status_.checked = now;
    fetched = status_.fetched;
  }
  if (!spec_.source.is_remote()) return;
  if (copy_missing_)
    keep_copy(tools, copy, fetched, now);
  else if (is_superseded())
    copy_missing_ = true;  // there may be the other's now
  else
    tools.copies.touch(spec_.name, now);
}

Result<void> Feed::load(const Tools& tools) {
  const bool conditional = !digest_.empty() && !copy_missing_;  // the whole body is needed for a copy
  Intake intake(spec_, tools.stop);
  auto copy = tools.copies.start(spec_.name, spec_.source.to_string());
  const auto take = [&](std::string_view bytes) {
    if (spec_.source.is_remote()) copy.append(bytes);
    return intake.take(bytes);
  };
  const FetchLimits limits{spec_.max_bytes, spec_.timeout, spec_.ca_file};
  auto fetched = fetch(spec_.source, conditional ? known_ : Validators{}, limits, {progress_, tools.stop, &tools.commands}, take);
  if (!fetched) return tl::unexpected(fetched.error());
  const auto now = tools.clock.now();
  const auto digest = fetched->unchanged ? digest_ : intake.digest();
  if (!spec_.sha256.empty() && digest != spec_.sha256) return fail(Errc::invalid, "has the checksum " + digest);
  if (digest == digest_) {
    if (!fetched->unchanged) known_ = std::move(fetched->validators);
    confirm(tools, copy, now);
    return {};
  }
  auto content = intake.finish();
  if (!content) return tl::unexpected(content.error());
  tools.log.info("blacklist.loaded", {{"list", spec_.name},
                                      {"entries", content->entries},
                                      {"ipv4", content->set.coverage().v4_addresses},
                                      {"ipv6_networks", content->set.coverage().v6_networks},
                                      {"bad_lines", content->bad}});
  for (std::size_t i = 0; i < std::min(content->remarks.size(), kMostLoggedRemarks); ++i)
    tools.log.notice("blacklist.line", {{"list", spec_.name}, {"remark", content->remarks[i]}});
  use(std::move(*content), now, now);
  known_ = std::move(fetched->validators);
  digest_ = digest;
  if (spec_.source.is_remote()) keep_copy(tools, copy, now, now);
  return {};
}

Result<void> Feed::refresh(const Tools& tools) {
  const std::unique_lock working(working_, std::try_to_lock);
  if (!working) return fail(Errc::busy, spec_.name + " is being loaded just now");
  std::string former;
  {
    const std::lock_guard lock(mutex_);
    status_.loading = true;
    hurried_ = false;
    former = status_.error;
  }
  Result<void> done;
  try {
    done = load(tools);
  } catch (const std::exception& error) {  // no memory
    done = fail(Errc::unavailable, error.what());
  }
  if (tools.stop && !done) {  // the next configuration does it again
    const std::lock_guard lock(mutex_);
    status_.loading = false;
    return done;
  }
  failures_ = done ? 0 : failures_ + 1;
  if (!done && done.error().what != former)
    tools.log.warning("blacklist.failing",
                      {{"list", spec_.name}, {"source", spec_.source.to_string()}, {"error", done.error().what}});
  if (done && !former.empty()) tools.log.notice("blacklist.recovered", {{"list", spec_.name}});
  const bool once = spec_.every == 0s && done;
  const std::lock_guard lock(mutex_);
  status_.loading = false;
  ++status_.rounds;
  status_.next = once ? Time::max() : tools.clock.now() + pause(failures_);
  if (done) return done;
  status_.error = done.error().what;
  if (status_.state == FeedState::good) status_.state = FeedState::failing;
  return done;
}

bool Feed::is_too_old(Time now) const {
  const std::lock_guard lock(mutex_);
  const bool used = status_.state == FeedState::good || status_.state == FeedState::failing;
  return used && spec_.max_age != 0s && status_.checked + spec_.max_age <= now;
}

void Feed::drop_if_too_old(const Tools& tools) {
  const auto now = tools.clock.now();
  if (!is_too_old(now)) return;
  const std::unique_lock working(working_, std::try_to_lock);
  if (!working || !is_too_old(now)) return;  // what is being loaded, or just was, makes it new
  tools.log.warning("blacklist.too-old", {{"list", spec_.name}});
  if (!spec_.white) {
    known_ = {};
    digest_.clear();
    set_.swap({});
  }
  const std::lock_guard lock(mutex_);
  status_.state = FeedState::too_old;
  status_.next = now;
  if (spec_.white) return;
  status_.entries = status_.prefixes = status_.memory = 0;
  status_.coverage = {};
}

std::optional<Place> Feed::find(const Address& client, const Copies& copies) const {
  PlaceFinder finder(spec_.format, client);
  Unpacker unpacker(spec_.max_bytes, [&](std::string_view bytes) { return finder.feed(bytes); });
  const auto take = [&](std::string_view bytes) { return unpacker.feed(bytes); };
  Result<void> read;
  if (spec_.source.is_remote()) {
    auto copy = copies.open(spec_.name);
    if (!copy || copy->head().source != spec_.source.to_string()) return std::nullopt;
    read = copy->read(take);
  } else {
    Progress progress;
    const std::atomic<bool> stop{false};
    const auto fetched = fetch(spec_.source, {}, {spec_.max_bytes, spec_.timeout, {}}, {progress, stop}, take);
    if (!fetched) read = tl::unexpected(fetched.error());
  }
  if (read) read = unpacker.finish();
  const bool all = read || read.error().code == Errc::conflict;  // or as much as was needed
  return all ? finder.finish() : std::nullopt;
}

}  // namespace deferd::blacklist
