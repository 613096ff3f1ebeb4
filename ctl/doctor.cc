// doctor: looks at everything around deferd that may be set up wrong, and says what to do.
#include "ctl/doctor.h"

#include <algorithm>

#include "base/escape.h"

namespace deferd::ctl {
namespace {

void print_line(const Screen& screen, const Check& check, const Finding& finding) {
  const auto padded = [](std::string_view text, std::size_t width) {
    return std::string(text) + std::string(width - std::min(width, text.size()), ' ');
  };
  screen.out << padded(to_string(finding.verdict), 9) << padded(check.name, 15) << escaped(finding.what) << '\n';
  if (!finding.remedy.empty()) screen.out << padded("", 24) << "remedy: " << escaped(finding.remedy) << '\n';
}

void print_json(const Screen& screen, const Check& check, const Finding& finding) {
  Value row = Value::map();
  row.set("check", check.name);
  row.set("verdict", to_string(finding.verdict));
  row.set("what", finding.what);
  if (!finding.remedy.empty()) row.set("remedy", finding.remedy);
  screen.out << row.to_json() << '\n';
}

}  // namespace

Outcome<void> examine(Facts& facts, const Job& job) {
  Examination examination(facts);
  std::size_t warnings = 0, failures = 0;
  for (const auto checks : {daemon_checks(), filter_checks(), table_checks()})
    for (const Check& check : checks) {
      const Finding finding = check.look(examination);
      job.arguments.json ? print_json(job.screen, check, finding) : print_line(job.screen, check, finding);
      job.screen.out.flush();
      warnings += finding.verdict == Verdict::warn;
      failures += finding.verdict == Verdict::fail;
    }
  if (warnings + failures == 0) return {};
  return tl::make_unexpected(
      Failure{failures > 0 ? kIll : kDoubtful, counted(failures, "check") + " failed, " + std::to_string(warnings) + " warn"});
}

Outcome<void> doctor(const Job& job) {
  HostFacts facts(job.daemon);
  return examine(facts, job);
}

}  // namespace deferd::ctl
