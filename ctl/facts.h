// What `deferctl doctor` looks at: the daemon's answers, and the host around it. Behind an interface so that every check can be
// tested with a host that is ill.
#pragma once
#include <string>
#include <vector>

#include "ctl/daemon.h"
#include "ctl/endpoint.h"
#include "ctl/helper_tables.h"
#include "deferd/time.h"

namespace deferd::ctl {

struct ProgramOutput {
  std::string output;  ///< Standard output.
  std::string error;   ///< Empty: it ended with 0. Else why not, its own words included.

  bool ok() const { return error.empty(); }
};

class Facts {
 public:
  virtual ~Facts() = default;

  /// A GET of the control socket.
  virtual Outcome<Value> ask(const std::string& target) = 0;
  virtual Outcome<std::vector<Value>> ask_rows(const std::string& target) = 0;
  virtual ProgramOutput run(const std::vector<std::string>& argv) = 0;
  virtual Result<std::string> read_file(const std::string& path) = 0;
  /// The first line that a mail server there says. Errors: unavailable, busy (nothing in time).
  virtual Result<std::string> greeting(const Endpoint& endpoint) = 0;
  virtual Time now() = 0;
  virtual FilterKind usual_filter() = 0;  ///< Of this kind of system.
  virtual bool root() = 0;
};

/// This host. Waits for at most 20 s in each call.
class HostFacts : public Facts {
 public:
  explicit HostFacts(const Daemon& daemon) : daemon_(daemon) {}

  Outcome<Value> ask(const std::string& target) override;
  Outcome<std::vector<Value>> ask_rows(const std::string& target) override;
  ProgramOutput run(const std::vector<std::string>& argv) override;
  Result<std::string> read_file(const std::string& path) override;
  Result<std::string> greeting(const Endpoint& endpoint) override;
  Time now() override;
  FilterKind usual_filter() override;
  bool root() override;

 private:
  const Daemon& daemon_;
};

}  // namespace deferd::ctl
