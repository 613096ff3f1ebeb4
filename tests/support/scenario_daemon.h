// A deferd of its own for one scenario: memory store, testing clock, a temporary folder that goes with it. What an operator does
// in scenarios is done through deferctl and the control socket.
#pragma once
#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "deferd/value.h"
#include "support/scenario.h"

namespace deferd::scenario {

/// A folder that goes with its owner.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

class ScenarioDaemon {
 public:
  /// `front_end`: YAML with `listen` and what belongs to it; $FOLDER in it is the daemon's folder. Throws std::runtime_error,
  /// with what deferd said, if it does not start.
  ScenarioDaemon(const Scenario& scenario, std::string front_end, const std::string& bin_dir,
                 const std::vector<std::string>& plugin_dirs);
  ~ScenarioDaemon();
  ScenarioDaemon(const ScenarioDaemon&) = delete;
  ScenarioDaemon& operator=(const ScenarioDaemon&) = delete;

  std::string path(std::string_view name) const { return (folder_.path() / name).string(); }  ///< Of a file in its folder.
  std::string log() const;

  /// The log's lines so far: maps with time, level, event and the event's own fields.
  const std::vector<Value>& events();

  /// Decisions on recipients in the order of the log, once it tells of `count`: it is written a moment after the answer. Throws
  /// if it does not within 10 s.
  const std::vector<Decided>& decisions(std::size_t count);

  // A Driver's, but for the attempts.
  Result<void> after(std::chrono::seconds duration);
  Result<void> add_row(const AddRow& row);
  Result<void> remove(const std::string& prefix);
  Result<void> expect_mail(const ExpectMail& expect);
  Result<void> release(std::size_t recipients_so_far);
  Result<bool> has_row(const std::string& table, const Address& address);

 private:
  void wait_until_ready();
  /// Through deferctl, as an operator would.
  Result<void> control(std::vector<std::string> words, std::string* output = nullptr);
  /// Straight to the control socket, for what deferctl has no command for.
  Result<void> call(std::string method, std::string target, std::string body);

  const std::string bin_dir_;
  TemporaryFolder folder_;
  pid_t deferd_ = -1;
  std::size_t read_ = 0;  ///< Bytes of the log that are in `events_`, and what is decided in `decisions_`.
  std::vector<Value> events_;
  std::vector<Decided> decisions_;
};

}  // namespace deferd::scenario
