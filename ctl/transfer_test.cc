// add trap, add trapped, import, export.
#include "ctl/transfer_fixture.h"

#include <gmock/gmock.h>

#include <fstream>

namespace deferd::ctl {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

TEST_F(TransferTest, AddsListsAndDeletesTraps) {
  EXPECT_EQ(run({"add", "trap", "Trap@example.net"}), kOk) << err;
  EXPECT_EQ(out, "<trap@example.net> is a trap from now on\n");
  EXPECT_EQ(run({"add", "trap", "trap@example.net"}), kOk);
  EXPECT_EQ(out, "<trap@example.net> is a trap already\n");
  EXPECT_EQ(run({"add", "trap", "trap@example.net", "--for", "1d"}), kUsage);
  EXPECT_EQ(run({"list", "traps"}), kOk);
  EXPECT_EQ(out, "ADDRESS           ADDED\ntrap@example.net  2026-01-01T00:00:00Z\n");
  EXPECT_EQ(run({"delete", "trap@example.net"}), kOk) << err;
  EXPECT_EQ(out, "<trap@example.net> is no trap any longer\n");
  EXPECT_EQ(run({"delete", "trap@example.net"}), kNothing);
  EXPECT_EQ(err, "deferctl: trap@example.net is no trap that was added\n");
}

TEST_F(TransferTest, TrapsAClientForADayUnlessToldOtherwise) {
  EXPECT_EQ(run({"add", "trapped", "192.0.2.7"}), kOk) << err;
  EXPECT_EQ(out, "192.0.2.7 is trapped until 2026-01-02T00:00:00Z\n");
  EXPECT_EQ(run({"add", "trapped", "2001:db8::/64", "--for", "2h", "--note", "rude"}), kOk) << err;
  EXPECT_EQ(out, "2001:db8::/64 is trapped until 2026-01-01T02:00:00Z\n");
  EXPECT_EQ(row(kTrapped, "2001:db8::1")->note, "rude");
}

TEST_F(TransferTest, ImportsWhatSpamdbLists) {
  const auto text = "WHITE|192.0.2.7|||" + at(-3600) + "|" + at(-1800) + "|" + at(86'400) + "|3|12\n" + "WHITE|192.0.2.8|||" +
                    at(-3600) + "|" + at(-1800) + "|" + at(0) + "|1|0\n" + "TRAPPED|192.0.2.9|" + at(7200) +
                    "\nSPAMTRAP|trap@example.net\n" + "GREY|192.0.2.10|mx|<a@example.org>|<b@example.net>|" + at(-60) + "|" +
                    at(3600) + "|" + at(3600) + "|2|0\n";
  EXPECT_EQ(run({"import", file(text), "--dry-run"}), kOk) << err;
  EXPECT_EQ(out,
            "nothing was changed; this is what would be:\n"
            "WHAT     ADDED  KEPT  EXPIRED\n"
            "white    1      0     1\n"
            "grey     1      0     0\n"
            "trapped  1      0     0\n"
            "traps    1      0     0\n");
  EXPECT_FALSE(row(kWhite, "192.0.2.7") || row(kTrapped, "192.0.2.9") || !traps.empty() || !imported.empty());

  EXPECT_EQ(run({"import", file(text)}), kOk) << err;
  EXPECT_THAT(out, ::testing::StartsWith("WHAT     ADDED  KEPT  EXPIRED\nwhite    1      0     1\n"));
  const auto white = row(kWhite, "192.0.2.7");
  ASSERT_TRUE(white);
  EXPECT_EQ(white->added, clock_.now() - 1h);
  EXPECT_EQ(white->expires, clock_.now() + 24h);
  EXPECT_EQ(white->source, "import");
  EXPECT_EQ(white->note, "spamdb " + at(-1800) + " 3 12");
  EXPECT_FALSE(row(kWhite, "192.0.2.8"));
  EXPECT_EQ(row(kTrapped, "192.0.2.9")->expires, clock_.now() + 2h);
  EXPECT_TRUE(traps.contains("trap@example.net"));
  EXPECT_EQ(imported, std::vector<std::string>{"[\"192.0.2.10\",\"mx\",\"a@example.org\",\"b@example.net\",\"" + at(-60) +
                                               "\",\"" + at(3600) + "\",\"" + at(3600) + "\",\"2\"]"});
  EXPECT_TRUE(log_.contains("control.import"));

  EXPECT_EQ(run({"import", file(text), "--json"}), kOk) << err;  // again: all is there
  EXPECT_THAT(out, HasSubstr(R"("white":{"added":0,"kept":1,"expired":1,"skipped":0})"));
  EXPECT_THAT(out, HasSubstr(R"("trapped":{"added":0,"kept":1,"expired":0,"skipped":0})"));
  EXPECT_THAT(out, HasSubstr(R"("traps":{"added":0,"kept":1,"expired":0,"skipped":0})"));
}

TEST_F(TransferTest, NeverShortensWhatIsThere) {
  put(kWhite, "192.0.2.7", 48h);
  put(kTrapped, "192.0.2.7", 48h);
  EXPECT_EQ(run({"import", file("WHITE|192.0.2.7|||1|1|" + at(3600) + "|1|0\nTRAPPED|192.0.2.7|" + at(3600) + "\n")}), kOk);
  EXPECT_EQ(row(kWhite, "192.0.2.7")->expires, clock_.now() + 48h);
  EXPECT_EQ(row(kTrapped, "192.0.2.7")->expires, clock_.now() + 48h);  // and a white one ends no trap
  EXPECT_EQ(run({"import", file("WHITE|192.0.2.7|||1|1|" + at(72 * 3600) + "|1|0\n")}), kOk);
  EXPECT_EQ(row(kWhite, "192.0.2.7")->expires, clock_.now() + 72h);
}

TEST_F(TransferTest, RefusesADamagedFileWhole) {
  EXPECT_EQ(run({"import", file("WHITE|192.0.2.7|||1|1|" + at(3600) + "|1|0\nWHITE|192.0.2.7\nnonsense\x1b\n")}), kRefused);
  EXPECT_EQ(err, folder.file("dump") + ":2: WHITE has 9 fields, not 2\n" + folder.file("dump") +
                     ":3: begins with none of WHITE, GREY, TRAPPED, SPAMTRAP\n"
                     "deferctl: 2 lines are damaged: nothing was imported\n");
  EXPECT_FALSE(row(kWhite, "192.0.2.7"));
  std::string many;
  for (int i = 0; i < 100; ++i) many += "x\n";
  EXPECT_EQ(run({"import", file(many)}), kRefused);
  EXPECT_EQ(std::count(err.begin(), err.end(), '\n'), 21);
  EXPECT_EQ(run({"import", folder.file("nowhere")}), kUsage);
  EXPECT_EQ(run({"import", file(""), "--for", "soon"}), kUsage);
  EXPECT_EQ(run({"import", file(""), "--format", "sendmail"}), kUsage);
}

TEST_F(TransferTest, TellsAndSkipsGreyLinesThatStrangersMadeUnreadable) {
  const auto line_of = [&](const std::string& envelope) {
    return "GREY|192.0.2.10|" + envelope + "|" + at(-60) + "|" + at(3600) + "|" + at(3600) + "|2|0\n";
  };
  const auto text = line_of("mx|<a@example.org>|<b@example.net>") + line_of("a|b|c|d|e") + "TRAPPED|192.0.2.9|" + at(7200) + "\n";
  EXPECT_EQ(run({"import", file(text)}), kOk) << err;
  EXPECT_EQ(err, folder.file("dump") + ":2: it cannot be told where HELO, sender and recipient end: skipped\n");
  EXPECT_EQ(imported.size(), 1u);
  EXPECT_TRUE(row(kTrapped, "192.0.2.9"));
  EXPECT_EQ(run({"import", file(text + "TRAPPED|192.0.2.8\n")}), kRefused);
  EXPECT_THAT(err, HasSubstr("deferctl: 1 line is damaged: nothing was imported\n"));
  EXPECT_EQ(run({"import", file("SPAMTRAP|a b@example.net\n")}), kRefused);
}

TEST_F(TransferTest, SkipsWhatNoLoadedPluginTakes) {
  Script nothing;
  use({{"other", nothing}});
  const auto text = "WHITE|192.0.2.7|||" + at(-9) + "|" + at(-8) + "|" + at(9000) + "|4|6\nSPAMTRAP|trap@example.net\n";
  EXPECT_EQ(run({"import", file(text)}), kOk) << err;
  EXPECT_EQ(err, "deferctl: 1 traps skipped: no loaded plugin takes them\n");
  EXPECT_TRUE(row(kWhite, "192.0.2.7"));
}

TEST_F(TransferTest, ImportsListsForAsLongAsTold) {
  const auto list = file("192.0.2.7\n198.51.100.0/24 # partner\n");
  EXPECT_EQ(run({"import", list, "--format", "list", "--for", "12h"}), kOk) << err;
  EXPECT_EQ(row(kWhite, "192.0.2.7")->expires, clock_.now() + 12h);
  EXPECT_EQ(run({"import", list, "--format", "list", "--for", "never"}), kOk) << err;
  EXPECT_EQ(row(kWhite, "198.51.100.7")->expires, Time::max());
  EXPECT_EQ(run({"export", "--format", "list"}), kOk) << err;
  EXPECT_EQ(out, "192.0.2.7\n198.51.100.0/24\n");
}

TEST_F(TransferTest, ExportsInOrderAndTheSameAgainAfterImportElsewhere) {
  std::string text;
  for (int i = 0; i < 3000; ++i) {
    const auto address = "192.0." + std::to_string(i % 251) + "." + std::to_string(i / 251);
    text += "WHITE|" + address + "|||" + at(-i) + "|" + at(i % 2 == 0 ? -i : 1 - i) + "|" + at(90'000 + i) + "|" +
            std::to_string(1 + i % 3) + "|" + std::to_string(i % 5) + "\n";
    if (i % 7 == 1) text += "TRAPPED|2001:db8::" + std::to_string(i) + "|" + at(4000 + i) + "\n";
    if (i % 100 == 0) text += "SPAMTRAP|trap" + std::to_string(i) + "@example.net\n";
  }
  text += "WHITE|2001:db8:1::/64|||" + at(-1) + "|" + at(-1) + "|253402300799|1|0\n";
  std::vector<std::string> lines;
  std::istringstream all(text);
  for (std::string line; std::getline(all, line);) lines.push_back(line);
  std::sort(lines.begin(), lines.end());
  std::string sorted;
  for (const auto& line : lines) sorted += line + "\n";

  EXPECT_EQ(run({"import", file(text)}), kOk) << err;
  EXPECT_EQ(run({"export"}), kOk) << err;
  EXPECT_TRUE(out == sorted);
  const auto first = out;
  EXPECT_EQ(run({"import", file(first)}), kOk) << err;
  EXPECT_EQ(run({"export"}), kOk) << err;
  EXPECT_TRUE(out == first);
}

TEST_F(TransferTest, ShowsProgressOnATerminalOnly) {
  std::string text;
  for (int i = 0; i < 2000; ++i) text += "10.0." + std::to_string(i / 250) + "." + std::to_string(i % 250) + "\n";
  EXPECT_EQ(run({"import", file(text), "--format", "list"}), kOk);
  EXPECT_EQ(err, "");
  width = 80;
  EXPECT_EQ(run({"import", file(text), "--format", "list"}), kOk);
  EXPECT_THAT(err, HasSubstr("/2000"));
  EXPECT_THAT(err, ::testing::EndsWith("\r\x1b[K"));
}

TEST_F(TransferTest, SaysHowFarItCameWhenTheDaemonFails) {
  std::string text;
  for (int i = 0; i < 2000; ++i) text += "10.0." + std::to_string(i / 250) + "." + std::to_string(i % 250) + "\n";
  server.reset();
  EXPECT_EQ(run({"import", file(text), "--format", "list"}), kUnreachable);
  EXPECT_EQ(run({"export"}), kUnreachable);
}

TEST_F(TransferTest, ExportsWithoutPluginsThatHaveTrapsOrGreyMail) {
  Script nothing;
  use({{"other", nothing}});
  put(kWhite, "192.0.2.7", 1h);
  EXPECT_EQ(run({"export"}), kOk) << err;
  EXPECT_EQ(out, "WHITE|192.0.2.7|||" + at(0) + "|" + at(0) + "|" + at(3600) + "|1|0\n");
}

}  // namespace
}  // namespace deferd::ctl
