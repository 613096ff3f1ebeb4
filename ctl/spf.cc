// spf walk: asks DNS, not the daemon.
#include "ctl/commands.h"
#include "ctl/spf_dns.h"
#include "ctl/spf_walk.h"
#include "ctl/table.h"

namespace deferd::ctl {
namespace {

/// For a file of exempt clients: prefixes, and as comments what it lacks.
void print_lines(const Job& job, const std::string& domain, const spf::Walk& walk) {
  job.screen.out << "# " << cell(Value(domain)) << ", by its SPF record\n";
  for (const auto& note : walk.notes) job.screen.out << "# " << cell(Value(note)) << '\n';
  for (const auto& prefix : walk.authorised) job.screen.out << prefix.to_string() << '\n';
}

void print_json(const Job& job, const std::string& domain, const spf::Walk& walk) {
  const auto row = [&](const char* key, const std::string& value) {
    auto out = Value::map();
    out.set("domain", domain);
    out.set(key, value);
    job.screen.out << out.to_json() << '\n';
  };
  for (const auto& note : walk.notes) row("note", note);
  for (const auto& prefix : walk.authorised) row("prefix", prefix.to_string());
}

}  // namespace

Outcome<void> spf_walk(const Job& job) {
  auto resolver = spf::DnsResolver::make(job.arguments.server);
  if (!resolver) {
    const auto code = resolver.error().code == Errc::invalid ? kUsage : kFailed;
    return tl::make_unexpected(Failure{code, resolver.error().what});
  }
  std::string without, unanswered;
  for (const auto& domain : job.arguments.domains) {
    const auto walk = spf::walk(domain, **resolver);
    job.arguments.json ? print_json(job, domain, walk) : print_lines(job, domain, walk);
    auto* lacking = walk.status == spf::Walk::Status::none          ? &without
                    : walk.status == spf::Walk::Status::unavailable ? &unanswered
                                                                    : nullptr;
    if (lacking != nullptr) *lacking += (lacking->empty() ? "" : ", ") + domain;
  }
  job.screen.out.flush();
  if (!unanswered.empty())
    return tl::make_unexpected(Failure{kTryAgain, "DNS did not answer: not all is listed of " + unanswered});
  if (!without.empty()) return tl::make_unexpected(Failure{kNothing, "no SPF record that could be followed: " + without});
  return {};
}

}  // namespace deferd::ctl
