// pf-rules and doctor as commands, against a real control socket.
#include <gmock/gmock.h>

#include <sstream>

#include "control/control_fixture.h"
#include "ctl/cli.h"
#include "ctl/exit_code.h"
#include "http/json.h"

namespace deferd::ctl {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class RulesCommandTest : public ControlTest {
 protected:
  void SetUp() override {
    ControlTest::SetUp();
    operations.setup = [this] { return or_throw(parse_json(setup)); };
  }
  int run(std::vector<std::string> words) {
    words.insert(words.begin(), {"-s", socket});
    std::ostringstream out_stream, err_stream;
    const int code = ctl::run(std::move(words), {out_stream, err_stream});
    out = out_stream.str();
    err = err_stream.str();
    return code;
  }

  std::string setup = R"({"smtp": {"listening": ["0.0.0.0:2525", "[::]:2525"]}, "exempt": {"networks": ["198.51.100.0/24"]}})";
  std::string out, err;
};

TEST_F(RulesCommandTest, PrintsTheRulesOfEachSystem) {
  serve();
  EXPECT_EQ(run({"pf-rules", "nft", "--interface", "eth7"}), kOk) << err;
  EXPECT_THAT(out, AllOf(StartsWith("#!/usr/sbin/nft -f\n"), HasSubstr("define external = \"eth7\"\n"),
                         HasSubstr("define port4 = 2525\n"), HasSubstr("define own4 = { 198.51.100.0/24 }\n"),
                         HasSubstr("set white4 "), HasSubstr("\n#add element inet deferd exempt6 ")));
  EXPECT_EQ(run({"pf-rules", "openbsd"}), kOk) << err;
  EXPECT_THAT(out, AllOf(HasSubstr("ext_if = \"egress\"\n"), HasSubstr("port6 = \"2525\"\n"),
                         HasSubstr("divert-to $listener4 port $port4"),
                         HasSubstr("table <deferd-exempt> persist { 198.51.100.0/24 }\n"), Not(HasSubstr("--interface"))));
  EXPECT_EQ(run({"pf-rules", "freebsd", "--listed-only"}), kOk) << err;
  EXPECT_THAT(out, AllOf(HasSubstr("rdr pass on $ext_if inet proto tcp from <deferd-black>"), Not(HasSubstr("deferd-white")),
                         HasSubstr("# NOTE: by which interface strangers come in is not known here")));
  EXPECT_EQ(run({"pf-rules", "freebsd", "--interface", "em7"}), kOk) << err;
  EXPECT_THAT(out, AllOf(HasSubstr("ext_if = \"em7\"\n"), Not(HasSubstr("--interface NAME"))));
}

TEST_F(RulesCommandTest, RefusesWhatCannotBe) {
  setup = R"({"smtp": {"listening": []}})";
  serve();
  EXPECT_EQ(run({"pf-rules", "nft"}), kRefused);
  EXPECT_THAT(err, HasSubstr("listen.smtp"));
  EXPECT_EQ(out, "");
  EXPECT_EQ(run({"pf-rules", "iptables"}), kUsage);
  server.reset();
  EXPECT_EQ(run({"pf-rules", "nft"}), kUnreachable);
}

TEST_F(RulesCommandTest, TheDoctorComesWithoutADaemon) {
  EXPECT_EQ(run({"doctor"}), kIll);
  EXPECT_THAT(out, StartsWith("fail     daemon         no deferd answers on"));
  EXPECT_THAT(out, HasSubstr("\nskipped  redirect       deferd does not answer\n"));
  EXPECT_EQ(err, "deferctl: 1 check failed, 0 warn\n");
}

TEST_F(RulesCommandTest, TheDoctorAsksTheDaemon) {
  operations.plugins = [] { return std::vector<Value>(); };
  setup = R"({"smtp": {"listening": []}, "exempt": {"own_mx": ["192.0.2.2"]}})";
  serve();
  run({"doctor"});
  EXPECT_THAT(out, StartsWith("ok       daemon         version 1.2.3, up 0s\n"));
  EXPECT_THAT(out, HasSubstr("\nwarn     store          all that is learned is forgotten"));
  EXPECT_THAT(out, HasSubstr("\nok       own_mx         1 host named\n"));
  EXPECT_THAT(out, HasSubstr("\nskipped  redirect       listen.smtp has no address"));
}

}  // namespace
}  // namespace deferd::ctl
