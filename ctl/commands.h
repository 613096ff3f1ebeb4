// What deferctl's commands do.
#pragma once
#include "ctl/arguments.h"
#include "ctl/daemon.h"
#include "ctl/screen.h"

namespace deferd::ctl {

/// A command's whole environment.
struct Job {
  const Arguments& arguments;
  const Daemon& daemon;
  const Screen& screen;
};

Outcome<void> status(const Job& job);
Outcome<void> list(const Job& job);
Outcome<void> show(const Job& job);
Outcome<void> explain(const Job& job);
Outcome<void> plugins(const Job& job);
Outcome<void> stats(const Job& job);
Outcome<void> spf_walk(const Job& job);  ///< spf walk; asks DNS, not the daemon.
Outcome<void> lists(const Job& job);     ///< Shows, refreshes, tests.
Outcome<void> bridge(const Job& job);    ///< Shows, adopts, reconciles.
Outcome<void> doctor(const Job& job);    ///< Looks at the packet filter, too.
Outcome<void> pf_rules(const Job& job);  ///< pf-rules

Outcome<void> add(const Job& job);
Outcome<void> forget(const Job& job);  ///< delete
Outcome<void> release(const Job& job);
Outcome<void> expect(const Job& job);
Outcome<void> import_file(const Job& job);    ///< import
Outcome<void> export_all(const Job& job);     ///< export
Outcome<void> migrate_spamd(const Job& job);  ///< migrate spamd
Outcome<void> reload(const Job& job);
Outcome<void> backup(const Job& job);

}  // namespace deferd::ctl
