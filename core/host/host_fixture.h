// For tests of the host: plugins written in the test, and a Pipeline to put them in.
#pragma once
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "deferd/testing/fake_clock.h"
#include "deferd/testing/fake_log.h"
#include "host/generation.h"
#include "host/pipeline.h"
#include "store/memory_engine.h"

namespace deferd {

/// A plugin whose answers the test gives; its name is looked up in HostTest::scripts.
struct Script {
  std::function<Verdict(Context&)> connect, helo, mail, data, headers;
  std::function<Verdict(Context&, const std::string&)> rcpt;
  std::function<Pace(Context&, const Decision&)> reply;
  std::function<void(Context&, const Decision&)> decided;
  std::function<void(Context&)> accepted, disconnect, tick;
  std::function<void(Context&, const TableEvent&)> table;
  std::function<Result<void>(Context&, std::string_view, const Value&, Rows&)> command;
};

inline Script says_at_rcpt(Verdict verdict) {
  Script script;
  script.rcpt = [verdict](Context&, const std::string&) { return verdict; };
  return script;
}

inline Script says_at_connect(Verdict verdict) {
  Script script;
  script.connect = [verdict](Context&) { return verdict; };
  return script;
}

class HostTest : public ::testing::Test {
 protected:
  /// Makes the scripts the current generation, asked in this order.
  void use(const std::vector<std::pair<std::string, Script>>& scripts, Voice voice = Voice::rcpt);
  void use_with(const std::vector<std::pair<PluginOptions, Script>>& scripts, Voice voice = Voice::rcpt);
  std::unique_ptr<Dialogue> open(const std::string& client = "192.0.2.7");
  /// MAIL and one RCPT on a new connection.
  Decision rcpt(const std::string& to = "b@example.org", const std::string& from = "a@example.net");

  FakeClock clock_;
  FakeLog log_;
  Metrics metrics_;
  std::unique_ptr<Engine> engine_ = make_memory_engine(clock_);
  HostParts parts_{clock_, log_, metrics_, *engine_};
  ExemptConfig exempt_;
  Voice voice_ = Voice::rcpt;
  Pipeline pipeline_{parts_};
};

inline Verdict deferred(std::string reason = "because") { return Verdict::defer({451, "4.7.1", "Later"}, std::move(reason)); }

}  // namespace deferd
