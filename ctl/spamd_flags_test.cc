#include "ctl/spamd_flags.h"

#include <gtest/gtest.h>

namespace deferd::ctl {
namespace {

TEST(SpamdFlags, AreSpamdsOwnWithoutAny) {
  const auto flags = or_throw(read_spamd_flags(""));
  EXPECT_EQ(flags.address, "127.0.0.1");
  EXPECT_EQ(flags.port, 8025);
  EXPECT_EQ(flags.clients, 800);
  EXPECT_EQ(flags.most_held(), 700);
  EXPECT_TRUE(flags.usual_times());
  EXPECT_FALSE(flags.reject || flags.black_list_only || flags.verbose);
}

TEST(SpamdFlags, AreReadAsGetoptDoes) {
  const auto flags =
      or_throw(read_spamd_flags("-v5 -G 2:5:1728 -h mx.example.net -n 'Our \"MX\"' -B50 -c \"600\" -l 192.0.2.1 -p 25 "
                                "-s 2 -S0 -w 64 -M 192.0.2.2 -C /c.pem -K /k\\ ey -y em0 -Y 192.0.2.9"));
  EXPECT_TRUE(flags.verbose && flags.reject);
  EXPECT_EQ(flags.pass_minutes, 2);
  EXPECT_EQ(flags.grey_hours, 5);
  EXPECT_EQ(flags.white_hours, 1728);
  EXPECT_FALSE(flags.usual_times());
  EXPECT_EQ(flags.host, "mx.example.net");
  EXPECT_EQ(flags.product, "Our \"MX\"");
  EXPECT_EQ(flags.most_held(), 50);
  EXPECT_EQ(flags.clients, 600);
  EXPECT_EQ(flags.address, "192.0.2.1");
  EXPECT_EQ(flags.port, 25);
  EXPECT_EQ(flags.per_byte, 2);
  EXPECT_EQ(flags.stutter, 0);
  EXPECT_EQ(flags.window, 64);
  EXPECT_EQ(flags.low_priority_mx, "192.0.2.2");
  EXPECT_EQ(flags.certificate, "/c.pem");
  EXPECT_EQ(flags.key, "/k ey");
  EXPECT_EQ(flags.sync, (std::vector<std::string>{"em0", "192.0.2.9"}));
  EXPECT_FALSE(or_throw(read_spamd_flags("-5 -4")).reject) << "the last one counts";
  EXPECT_EQ(or_throw(read_spamd_flags("-c 50")).most_held(), 0);
}

TEST(SpamdFlags, RefuseWhatSpamdWouldNotTake) {
  const auto wrong = [](std::string_view text) {
    const auto flags = read_spamd_flags(text);
    return flags ? std::string("none") : flags.error().what;
  };
  EXPECT_EQ(wrong("-z"), "spamd's flags: -z is none of spamd's");
  EXPECT_EQ(wrong("word"), "spamd's flags: 'word' is no flag");
  EXPECT_EQ(wrong("-G 25:4"), "spamd's flags: -G: '25:4' must be minutes:hours:hours");
  EXPECT_EQ(wrong("-G 25:4:864:1"), "spamd's flags: -G: '25:4:864:1' must be minutes:hours:hours");
  EXPECT_EQ(wrong("-s 11"), "spamd's flags: -s: '11' must be within 0 to 10");
  EXPECT_EQ(wrong("-p"), "spamd's flags: -p has no value");
  EXPECT_EQ(wrong("-l mx"), "spamd's flags: -l: 'mx' is no address");
  EXPECT_EQ(wrong("-n 'x"), "spamd's flags: a quote is not closed");
  EXPECT_EQ(wrong("-C /c.pem"), "spamd's flags: -C and -K belong together");
}

TEST(SpamdFlags, StandInRcConf) {
  EXPECT_EQ(spamd_flags_in(
                "pf=YES\n# spamd_flags=\"-5\"\nspamd_flags=\"-v -n \\\"us\\\" -G 2:4:864\"  # ours\nspamlogd_flags=-i em0\n"),
            "-v -n \"us\" -G 2:4:864");
  EXPECT_EQ(spamd_flags_in("spamd_flags=-v\nspamd_flags='-d'\n"), "-d");
  EXPECT_EQ(spamd_flags_in("spamd_flags=\n"), "");
  EXPECT_EQ(spamd_flags_in("spamd_flags=NO\n"), "");
  EXPECT_EQ(spamd_flags_in("spamd_flags=\"\"\nspamd_black=YES\n"), " -b");
  EXPECT_EQ(spamd_flags_in("obspamd_enable=\"YES\"\nobspamd_flags=\"-v\"\n"), "-v");
  EXPECT_EQ(spamd_flags_in("pf=YES\n"), std::nullopt);
}

}  // namespace
}  // namespace deferd::ctl
