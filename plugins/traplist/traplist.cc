#include "traplist.h"

#include <utility>

#include "added_traps.h"
#include "commands.h"
#include "deferd/list_message.h"
#include "hits.h"

namespace deferd::traplist {
namespace {

std::shared_ptr<LoadedFiles> kept_files(Host& host) {
  auto& place = host.kept("files");
  if (!place) place = std::make_shared<LoadedFiles>();
  return std::static_pointer_cast<LoadedFiles>(place);
}

// What is known of the client of this transaction.
struct Known {
  std::optional<bool> fresh;  // neither white nor seen at a better MX
};

}  // namespace

Traplist::Traplist(Config config, Host& host, BetterMx* better)
    : config_(std::move(config)),
      loaded_(kept_files(host)),
      traps_(config_, *loaded_, host.log()),
      trapped_(host.counter("deferd_traplist_trapped_total", {}, "Clients that were trapped.")),
      lookup_failures_(
          host.counter("deferd_traplist_lookup_failures_total", {}, "Questions to the map server without an answer.")) {
  for (const auto& [hit, name] : kHitNames)
    hits_[static_cast<std::size_t>(hit)] = &host.counter("deferd_traplist_hits_total", {{"by", name}}, "Hits, by what was hit.");
  host.gauge("deferd_traplist_addresses", {}, "Trap addresses of the configuration.")
      .set(static_cast<std::int64_t>(traps_.size()));
  for (const auto& domain : config_.allowed_domains) or_throw(ours_.add(domain));
  for (const auto& file : config_.allowed_domains_files) {
    std::vector<std::string> errors;
    our_files_.push_back(load_list<MailList>(file, errors));
    if (!errors.empty()) throw ErrorException({Errc::io, errors.front()});
  }
  checks_domains_ = !config_.allowed_domains.empty() || !our_files_.empty();
  if (config_.valid_recipients.on()) recipients_.emplace(config_.valid_recipients, *loaded_, host.log(), lookup_failures_);
  if (!config_.low_priority_mx.addresses.empty()) watch_better_mx(host, better);
  if (!config_.publish.empty()) publisher_ = std::make_unique<Publisher>(config_.publish, host);
}

void Traplist::watch_better_mx(Host& host, BetterMx* given) {
  const auto& config = config_.low_priority_mx;
  if (given == nullptr) {
    // Two questions may be late or fail to be asked, each as long as all servers may take.
    const auto gap = config.every * 2 + config.timeout * (config.better.size() + 1);
    better_ = std::make_unique<BetterMx>(config.better.size(), config.proven, gap);
    const auto ask = [timeout = config.timeout](const Endpoint& endpoint, const std::stop_token& stop) {
      return takes_mail(endpoint, timeout, stop);
    };
    probe_ = std::make_unique<MxProbe>(config.better, config.every, ask, *better_, host.clock(), host.log());
    probe_->start();
  }
  const auto ask_now = [this] {
    if (probe_) probe_->ask_now();
  };
  low_priority_ = std::make_unique<LowPriority>(config, given != nullptr ? *given : *better_, ask_now);
}

Prefix Traplist::unit_of(const Address& client) const { return {client, client.is_v4() ? 32 : config_.ipv6_prefix}; }

std::optional<std::string> Traplist::trap_of(Store& store, std::string_view folded) const {
  if (auto by = traps_.find(folded)) return by;
  if (find_added(store, folded)) return "an operator";
  return std::nullopt;
}

// Proper domains: example.org is not notexample.org. Names without a domain are the MTA's to judge, postmaster above all.
bool Traplist::is_foreign(std::string_view folded) const {
  if (!checks_domains_) return false;
  const auto domain = domain_of(folded);
  if (domain.empty()) return false;
  if (domain.starts_with('[') && local_part(folded) == "postmaster") return false;
  if (ours_.find(folded)) return false;
  for (const auto& file : our_files_)
    if (file->find(folded)) return false;
  return true;
}

std::optional<Traplist::Found> Traplist::look(Context& context, std::string_view folded) {
  if (trap_of(context.store(), folded)) return Found{Hit::address, "mail to the trap " + std::string(folded)};
  if (is_foreign(folded)) return Found{Hit::domain, "mail to " + std::string(folded) + ", which is none of our domains"};
  return std::nullopt;
}

bool Traplist::was_at_better_mx(Context& context) const {
  const std::array<std::string_view, 1> keys = {kSeen};
  const auto group = client_group(unit_of(context.session().client).to_string());
  return or_throw(context.store().read(group, keys))[0].value.has_value();
}

void Traplist::remember_at_better_mx(Context& context) const {
  const auto now = context.clock().now();
  const auto remember = config_.low_priority_mx.remember;
  const auto group = client_group(unit_of(context.session().client).to_string());
  const std::array<std::string_view, 1> keys = {kSeen};
  const auto seen = or_throw(context.store().read(group, keys))[0];
  if (seen.value && seen.expires >= now + remember / 2) return;
  const Change change{std::string(kSeen), "1", now + remember, {}};
  or_throw(context.store().commit(group, {&change, 1}));
}

// Whether the client is a stranger who has tried no better MX. At a better one that is where it is remembered.
bool Traplist::may_be_new(Context& context) {
  auto& fresh = context.state<Known>().fresh;
  if (fresh) return *fresh;
  if (low_priority_->is_ours(context.session().local)) {
    fresh = !was_at_better_mx(context) && !or_throw(context.tables().find(kWhite, context.session().client)).row;
  } else {
    fresh = false;
    remember_at_better_mx(context);
  }
  return *fresh;
}

std::optional<Traplist::Found> Traplist::look_at_mx(Context& context, std::string_view folded) {
  if (!low_priority_ || !may_be_new(context)) return std::nullopt;
  const auto& session = context.session();
  if (session.mail_from.empty() && !config_.null_sender) return std::nullopt;
  const auto finding = low_priority_->judge(session.client, context.clock().steady(), context.dry());
  if (finding != LowPriority::Finding::guilty) return std::nullopt;
  return Found{Hit::low_priority, "mail to " + std::string(folded) + " at " + session.local.to_string() +
                                      " while every better MX accepted connections"};
}

Verdict Traplist::refuse(const Session& session, std::string reason) const {
  Reply reply{config_.reply.code, config_.reply.enhanced, list_message(config_.reply.text, session.client)};
  auto verdict = config_.reply.code < 500 ? Verdict::defer(std::move(reply), std::move(reason))
                                          : Verdict::reject(std::move(reply), std::move(reason));
  return std::move(verdict).tagged("traplist.hit");
}

// What was learned of the client is worthless, except an operator's word. `trapped`: since when it is, 0 if this hit does it;
// what was revoked since then need not be revoked again, as nothing is learned of the trapped.
void Traplist::revoke_white(Context& context, Time trapped) {
  const auto& client = context.session().client;
  auto& tables = context.tables();
  const auto match = or_throw(tables.find(kWhite, client));
  const auto& white = match.row;
  if (white && white->source != "operator" && white->prefix.length() >= unit_of(client).length())
    or_throw(tables.erase(kWhite, white->prefix, kSource));
  if (trapped != Time{} && match.revoked >= trapped) return;
  if (!white || (white->prefix != Prefix(client) && white->source != "operator"))
    or_throw(tables.erase(kWhite, Prefix(client), kSource));
}

/// True if the client is trapped by this hit.
bool Traplist::trap(Context& context, const Found& found, unsigned limit, std::string_view counter) {
  const auto& session = context.session();
  const auto unit = unit_of(session.client);
  const auto now = context.clock().now();
  auto& tables = context.tables();
  if (!context.dry()) hits_[static_cast<std::size_t>(found.hit)]->add();
  const auto already = or_throw(tables.find(kTrapped, session.client)).row;
  if (!already && !one_more(context.store(), unit.to_string(), counter, now, limit, config_.within)) return false;
  if (!or_throw(tables.refresh(kTrapped, unit, now + config_.duration))) {
    TableRow row;
    row.prefix = unit;
    row.added = now;
    row.expires = now + config_.duration;
    row.source = kSource;
    row.evidence = found.evidence;
    or_throw(tables.put(kTrapped, row));
    if (!context.dry()) {
      trapped_.add();
      context.log().notice("traplist.trapped", {{"client", unit.to_string()}, {"evidence", found.evidence}});
    }
  }
  revoke_white(context, already ? already->added : Time{});
  return true;
}

Verdict Traplist::on_rcpt(Context& context, const std::string& rcpt) {
  const auto& session = context.session();
  const auto folded = fold(rcpt);
  const bool counts = !session.mail_from.empty() || config_.null_sender;
  // Lists match no longer ones, and folding cuts them: whose they are cannot be told, so that is left to the MTA.
  const bool too_long = rcpt.size() > kMaxSubject;
  auto found = too_long ? std::nullopt : look(context, folded);
  if (found && counts) {
    trap(context, *found, config_.hits, kHits);
    return refuse(session, std::move(found->evidence));
  }
  if (const auto row = or_throw(context.tables().find(kTrapped, session.client)).row) {
    const auto until = row->expires == Time::max() ? std::string("for ever") : "until " + format_time(row->expires);
    return refuse(session, "trapped " + until + (row->evidence.empty() ? "" : ": " + row->evidence));
  }
  if (found) return Verdict::pass(found->evidence + "; the null sender traps nobody");
  if (recipients_ && !too_long && !recipients_->knows(folded, context)) {
    const auto& settings = config_.valid_recipients;
    Found unknown{Hit::unknown, "mail to unknown recipients, " + folded + " the latest"};
    const bool trapped = settings.trap_after > 0 && counts && trap(context, unknown, settings.trap_after, kUnknown);
    auto verdict = Verdict::reject({550, "5.1.1", list_message(settings.text, session.client)}, "no such recipient");
    return trapped ? std::move(verdict).tagged("traplist.hit") : verdict;
  }
  if (auto hit = look_at_mx(context, folded)) {
    trap(context, *hit, config_.hits, kHits);
    return refuse(session, std::move(hit->evidence));
  }
  return Verdict::pass();
}

// Who was turned away before RCPT has tried the better MX as well: by the MTA, by another plugin, by a network that broke down.
void Traplist::on_disconnect(Context& context) {
  if (low_priority_ && !context.dry() && !low_priority_->is_ours(context.session().local)) remember_at_better_mx(context);
}

Result<void> Traplist::on_command(Context& context, std::string_view command, const Value& args, Rows& rows) {
  return Commands(context, *this).run(command, args, rows);
}

}  // namespace deferd::traplist
