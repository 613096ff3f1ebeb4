// What the drivers that play to a running deferd have in common: all but the attempts.
#pragma once
#include "support/scenario_daemon.h"

namespace deferd::scenario {

class DaemonDriver : public Driver {
 public:
  DaemonDriver(const Scenario& scenario, std::string front_end, const std::string& bin_dir,
               const std::vector<std::string>& plugin_dirs)
      : daemon_(scenario, std::move(front_end), bin_dir, plugin_dirs) {}

  Result<Outcome> attempt(const Try& attempt) override {
    try {
      return play(attempt);
    } catch (const std::exception& error) {
      return fail(Errc::io, std::string(error.what()) + "; deferd said:\n" + daemon_.log());
    }
  }
  Result<void> after(std::chrono::seconds duration) override { return daemon_.after(duration); }
  Result<void> add_row(const AddRow& row) override { return daemon_.add_row(row); }
  Result<void> remove(const std::string& prefix) override { return daemon_.remove(prefix); }
  Result<void> expect_mail(const ExpectMail& expect) override { return daemon_.expect_mail(expect); }
  Result<void> release() override { return daemon_.release(asked_); }
  Result<bool> has_row(const std::string& table, const Address& address) override { return daemon_.has_row(table, address); }
  std::vector<Decided> decisions() override { return daemon_.decisions(asked_); }

 protected:
  virtual Outcome play(const Try& attempt) = 0;  ///< Counts the recipients that were asked about in `asked_`. May throw.

  ScenarioDaemon daemon_;
  std::size_t asked_ = 0;
};

}  // namespace deferd::scenario
