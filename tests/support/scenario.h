// Scenario files: mail attempts over simulated time, and what must become of them. tests/scenarios/README.md has the syntax.
#pragma once
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "deferd/address.h"
#include "deferd/result.h"
#include "deferd/time.h"

namespace deferd::scenario {

/// What a client hears for one recipient or for the message: 0 is "pass".
struct Heard {
  int code = 0;
  std::string enhanced;  ///< Empty: not said, or not looked at.
  std::string plugin;    ///< Whose decision; empty: not known, or not looked at.

  std::string to_string() const;
};

/// What was decided on one recipient, whatever the client heard of it.
struct Decided {
  std::string id;  ///< The decision's; empty: not known.
  std::string rcpt;
  Heard heard;  ///< With the plugin.
  std::string reason;
};

struct Expected {
  Heard decision;
  std::optional<Heard> milter;  ///< Where the milter says something else.
  std::optional<Heard> smtp;
};

struct Try {
  Address client;
  std::string from;
  std::vector<std::string> to;
  std::string helo = "client.example";
  std::string name;  ///< Verified reverse name.
  std::string auth, tls_subject;
  bool quits = false;              ///< Leaves before DATA.
  std::vector<Expected> expected;  ///< One for all recipients, or one each.
  std::optional<Expected> data;
};

struct After {
  std::chrono::seconds duration{0};
};
struct AddRow {
  std::string table;
  std::string prefix;
  std::chrono::seconds duration;
};
struct Delete {
  std::string prefix;
};
struct ExpectMail {
  std::string to, from_domain;
  std::chrono::seconds duration;
};
struct Release {};  ///< The last decision that was no pass.
struct CheckRow {
  std::string table;
  Address address;
  bool present;
};

struct Step {
  enum class Kind : std::uint8_t { attempt, after, add_row, remove, expect_mail, release, check_row } kind;
  int line = 0;
  Try attempt{};
  After after{};
  AddRow add_row{};
  Delete remove{};
  ExpectMail expect_mail{};
  CheckRow check_row{};
};

struct Scenario {
  std::string file;
  std::string title;                 ///< The first comment line.
  std::vector<std::string> plugins;  ///< `conf` lines: items of the list under `plugins:`.
  std::string settings;              ///< `set` lines: further YAML at top level.
  std::vector<Step> steps;

  /// The configuration file the scenario describes, without listen, store, control and log.
  std::string yaml() const;
};

/// Errors: invalid, with file:line.
Result<Scenario> parse(const std::string& file, std::string_view text);

/// Plays attempts into something that decides. One driver plays one scenario. Errors end the scenario.
class Driver {
 public:
  virtual ~Driver() = default;
  struct Outcome {
    std::vector<Heard> recipients;
    Heard data;
  };
  virtual std::string name() const = 0;  ///< "pipeline", "milter", "smtp".
  virtual Result<Outcome> attempt(const Try& attempt) = 0;
  virtual Result<void> after(std::chrono::seconds duration) = 0;
  virtual Result<void> add_row(const AddRow& row) = 0;
  virtual Result<void> remove(const std::string& prefix) = 0;
  virtual Result<void> expect_mail(const ExpectMail& expect) = 0;
  virtual Result<void> release() = 0;
  virtual Result<bool> has_row(const std::string& table, const Address& address) = 0;
  virtual std::vector<Decided> decisions() = 0;  ///< All so far, in order. May throw.
};

/// What went other than expected, `file:line: ...`; empty if all went well.
std::vector<std::string> play(const Scenario& scenario, Driver& driver);

}  // namespace deferd::scenario
