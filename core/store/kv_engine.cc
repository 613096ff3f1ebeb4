#include "store/kv_engine.h"

#include "store/encoding.h"

namespace deferd::store {
namespace {

// Greylist records are short-lived and many: keeping them longer costs space. A clock that is wrong by less than this (time zone
// taken for UTC) destroys nothing; one that is wrong by more is noticed by ClockGuard.
constexpr auto kGrace = std::chrono::hours{24};

constexpr auto kPersistEvery = std::chrono::minutes{1};

}  // namespace

Result<void> check_format(std::string_view format) {
  const auto number = parse_u64(format);
  if (!number) return tl::unexpected(number.error());
  if (*number > kFormat)
    return fail(Errc::invalid, "the store has format " + std::to_string(*number) + ", this deferd knows formats up to " +
                                   std::to_string(kFormat) + ": it was written by a newer deferd");
  return {};
}

KvEngine::KvEngine(std::unique_ptr<Kv> kv, const Clock& clock, Log* log, const DecisionLimits& decisions, const FeedLimits& feed)
    : kv_(std::move(kv)), clock_(clock), log_(log), tables_(*kv_, clock, feed), decisions_(*kv_, decisions) {}

KvEngine::~KvEngine() {
  if (!guard_) return;
  static_cast<void>(guard_->check(clock_.now(), clock_.steady()));
  // A failure costs an hour of cleaning after the next start.
  if (!guard_->held()) static_cast<void>(persist(clock_.now()));
}

Result<std::unique_ptr<KvEngine>> KvEngine::open(std::unique_ptr<Kv> kv, const Clock& clock, Log* log,
                                                 const DecisionLimits& decisions, const FeedLimits& feed) {
  std::unique_ptr<KvEngine> engine(new KvEngine(std::move(kv), clock, log, decisions, feed));
  if (auto loaded = engine->load(); !loaded) return tl::unexpected(loaded.error());
  return engine;
}

Result<void> KvEngine::load() {
  auto format = get_one(*kv_, Family::tables, kFormatKey);
  if (!format) return tl::unexpected(format.error());
  if (*format) {
    if (auto known = check_format(**format); !known) return known;
  } else {
    Batch batch;
    batch.put(Family::tables, std::string(kFormatKey), print_u64(kFormat));
    if (auto written = kv_->write(batch.writes()); !written) return written;
  }
  if (auto opened = tables_.open(); !opened) return opened;
  if (auto opened = decisions_.open(); !opened) return opened;

  auto time = get_one(*kv_, Family::tables, kTimeKey);
  if (!time) return tl::unexpected(time.error());
  if (*time) persisted_ = Time(Duration(static_cast<std::int64_t>(parse_u64(**time).value_or(0))));
  guard_.emplace(persisted_, clock_.steady());
  return {};
}

std::unique_ptr<Store> KvEngine::open_space(std::string_view plugin) {
  return std::make_unique<Space>(*kv_, stripes_, clock_, plugin);
}

Result<void> KvEngine::persist(Time now) {
  Batch batch;
  std::string time;
  put_time(time, now);
  batch.put(Family::tables, std::string(kTimeKey), std::move(time));
  auto written = kv_->write(batch.writes());
  if (written) persisted_ = now;
  return written;
}

void KvEngine::tend() {
  kv_->tend();
  const auto state = kv_->state();
  const bool ok = state == "ok";
  if (log_ != nullptr && ok == failed_) {
    if (ok)
      log_->notice("store.recovered", {{"engine", kv_->name()}});
    else
      log_->error("store.failed", {{"engine", kv_->name()}, {"reason", state}});
  }
  failed_ = !ok;
}

Result<void> KvEngine::check_clock() {
  const Time now = clock_.now();
  const auto change = guard_->check(now, clock_.steady());
  held_ = guard_->held();
  if (log_ != nullptr && change == ClockGuard::Change::held)
    log_->warning("store.clock_ahead",
                  {{"now", format_time(now)},
                   {"last", persisted_ ? format_time(*persisted_) : std::string()},
                   {"effect", "nothing is cleaned up until the clock comes back or has run on for an hour"}});
  if (log_ != nullptr && change == ClockGuard::Change::released) log_->notice("store.clock_ok", {{"now", format_time(now)}});
  if (guard_->held()) return {};
  const bool due = !persisted_ || now < *persisted_ || now - *persisted_ >= kPersistEvery;
  return due ? persist(now) : Result<void>{};
}

Result<std::size_t> KvEngine::sweep() {
  const std::lock_guard lock(sweep_);
  tend();
  auto checked = check_clock();
  const Time now = clock_.now();
  const bool clean = !held_;
  kv_->expire_before(clean ? (now - kGrace).time_since_epoch().count() : 0);

  // A full disk stops one of these, not the others: removing is what makes room again.
  auto trimmed = tables_.trim_feed(now, clean);
  auto forgotten = decisions_.trim(now, clean);
  auto expired = clean ? tables_.expire(now) : Result<std::size_t>(0);
  if (!checked) return tl::unexpected(checked.error());
  if (!trimmed) return tl::unexpected(trimmed.error());
  if (!forgotten) return tl::unexpected(forgotten.error());
  return expired;
}

EngineStatus KvEngine::status() {
  EngineStatus status;
  status.engine = kv_->name();
  status.state = kv_->state();
  status.records = kv_->records();
  status.white = tables_.rows(kWhite);
  status.trapped = tables_.rows(kTrapped);
  status.bytes = kv_->bytes();
  status.cleaning_held = held_;
  return status;
}

}  // namespace deferd::store
