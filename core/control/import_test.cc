// POST /v1/import and /v1/traps, over a real socket.
#include "control/control_fixture.h"
#include "store/engine.h"

namespace deferd {
namespace {

using namespace std::chrono_literals;

TEST_F(ControlTest, ImportsRowsOfTables) {
  serve();
  const auto reply = ask("POST", "/v1/import",
                         R"({"white": [["192.0.2.7", 1767000000, 1767300000, "import", "why", "note"],)"
                         R"(["192.0.2.0/24", 0, "never", "import", "", ""], ["192.0.2.9", 1, 2, "import", "", ""]],)"
                         R"("trapped": [["2001:db8::7", 0, 1767300000, "import", "", ""]]})");
  EXPECT_EQ(reply.status, 200) << reply.text;
  EXPECT_EQ(at(reply.json, "white"), R"({"added":2,"kept":0,"expired":1,"skipped":0})");
  EXPECT_EQ(at(reply.json, "trapped"), R"({"added":1,"kept":0,"expired":0,"skipped":0})");
  const auto rows = lines("/v1/tables/white?prefix=192.0.2.7");
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].to_json(), R"({"prefix":"192.0.2.7","added":"2025-12-29T09:20:00Z","expires":"2026-01-01T20:40:00Z",)"
                               R"("source":"import","evidence":"why","note":"note"})");
  EXPECT_EQ(at(lines("/v1/tables/white?prefix=192.0.2.0/24").at(0), "expires"), "never");
  EXPECT_TRUE(lines("/v1/tables/white?prefix=192.0.2.8").empty());  // covered, but no row of its own
  EXPECT_TRUE(log_.contains("notice control.import"));
  EXPECT_FALSE(log_.contains("why"));
  ask("POST", "/v1/import", R"({"part": 2, "white": []})");
  EXPECT_EQ(log_.count("notice control.import"), 1u);
  EXPECT_EQ(log_.count("debug control.import"), 1u);
}

TEST_F(ControlTest, FindsARowThatANarrowerOneHides) {
  serve();
  put_white("192.0.2.0/24");
  put_white("192.0.2.0");
  EXPECT_EQ(lines("/v1/tables/white?prefix=192.0.2.0/24").size(), 1u);
  EXPECT_EQ(lines("/v1/tables/white?prefix=192.0.2.0").size(), 1u);
  EXPECT_TRUE(lines("/v1/tables/white?prefix=192.0.2.0/25").empty());
}

TEST_F(ControlTest, ImportsManyRowsAndTheSamePrefixTwice) {
  serve();
  std::string rows;
  for (int i = 0; i < 600; ++i)
    rows += R"(["192.0.)" + std::to_string(i / 256) + "." + std::to_string(i % 256) + R"(", 0, 1767300000, "import", "", ""], )";
  rows += R"(["192.0.0.0", 0, "never", "import", "", ""], ["192.0.0.0", 0, 1767290000, "import", "", ""])";
  const std::string body = R"({"white": [)" + rows + "]}";
  EXPECT_EQ(at(ask("POST", "/v1/import", body).json, "white"), R"({"added":601,"kept":1,"expired":0,"skipped":0})");
  EXPECT_EQ(lines("/v1/tables/white").size(), 600u);
  EXPECT_EQ(at(lines("/v1/tables/white?prefix=192.0.0.0").at(0), "expires"), "never");
  EXPECT_EQ(at(ask("POST", "/v1/import", body).json, "white"), R"({"added":0,"kept":602,"expired":0,"skipped":0})");
}

TEST_F(ControlTest, ProlongsWhatIsThereAndLeavesWhatItSays) {
  serve();
  TableRow mine;
  mine.prefix = *Prefix::parse("192.0.2.7");
  mine.added = clock_.now() - 1h;
  mine.expires = clock_.now() + 2h;
  mine.source = "operator";
  mine.evidence = "a call";
  mine.note = "the office";
  or_throw(engine_->tables().put(kWhite, mine));
  const std::string rows = R"("white": [["192.0.2.7", 0, "never", "import", "a list", "spamdb 1 2 3"]])";
  EXPECT_EQ(at(ask("POST", "/v1/import", "{" + rows + "}").json, "white.added"), "1");
  EXPECT_EQ(lines("/v1/tables/white").at(0).to_json(), R"({"prefix":"192.0.2.7","added":"2025-12-31T23:00:00Z",)"
                                                       R"("expires":"never","source":"operator","evidence":"a call",)"
                                                       R"("note":"the office"})");
  EXPECT_EQ(at(ask("POST", "/v1/import", R"({"replace": true, )" + rows + "}").json, "white.added"), "1");
  EXPECT_EQ(at(lines("/v1/tables/white").at(0), "source"), "import");
  EXPECT_EQ(at(lines("/v1/tables/white").at(0), "note"), "the office");
}

TEST_F(ControlTest, WritesNothingOfABatchThatAPluginRefuses) {
  std::string written;
  use_command([&](Context&, std::string_view name, const Value& args, Rows&) -> Result<void> {
    const Value* dry = args.find("dry");
    if (name == "import-grey" && dry->boolean()) return fail(Errc::invalid, "no client");
    if (!dry->boolean()) written += name;
    return {};
  });
  serve();
  const auto reply = ask("POST", "/v1/import",
                         R"({"white": [["192.0.2.7", 0, "never", "import", "", ""]], "traps": [["trap@example.net", 0]],)"
                         R"("grey": [["x", "helo", "a@b", "c@d", 1, 2, 3, 4]]})");
  EXPECT_EQ(reply.status, 400) << reply.text;
  EXPECT_EQ(written, "");
  EXPECT_TRUE(lines("/v1/tables/white").empty());
}

TEST_F(ControlTest, EndsAtTheFirstThingThatCannotBeWritten) {
  std::string written;
  use_command([&](Context&, std::string_view name, const Value& args, Rows&) -> Result<void> {
    const bool dry = args.find("dry")->boolean();
    if (name == "import-traps" && !dry) return fail(Errc::io, "the disk is full");
    if (!dry) written += name;
    return {};
  });
  serve();
  const auto reply =
      ask("POST", "/v1/import", R"({"traps": [["trap@example.net", 0]], "grey": [["x", "helo", "a@b", "c@d", 1, 2, 3, 4]]})");
  EXPECT_NE(reply.status, 200);
  EXPECT_EQ(written, "");
}

TEST_F(ControlTest, SkipsWhatNoPluginTakes) {
  serve();
  const auto reply = ask("POST", "/v1/import",
                         R"({"white": [["192.0.2.7", 0, "never", "import", "", ""]], "traps": [["trap@example.net", 0]],)"
                         R"("grey": [["192.0.2.7", "helo", "a@b", "c@d", 1, 2, 3, 4]]})");
  EXPECT_EQ(reply.status, 200) << reply.text;
  EXPECT_EQ(at(reply.json, "white.added"), "1");
  EXPECT_EQ(at(reply.json, "traps"), R"({"added":0,"kept":0,"expired":0,"skipped":1})");
  EXPECT_EQ(at(reply.json, "grey.skipped"), "1");
}

TEST_F(ControlTest, WritesNothingOfABatchWithAnError) {
  serve();
  for (const char* bad :
       {R"(["192.0.2.300", 0, 1, "", "", ""])", R"(["192.0.2.7", "soon", 1, "", "", ""])", R"(["192.0.2.7", 0, -1, "", "", ""])",
        R"(["192.0.2.7", 0, 1])", R"("192.0.2.7")", R"(["192.0.2.7", 0, [], "", "", ""])"}) {
    const auto reply =
        ask("POST", "/v1/import", R"({"white": [["192.0.2.7", 0, "never", "", "", ""], )" + std::string(bad) + "]}");
    EXPECT_EQ(reply.status, 400) << bad << reply.text;
  }
  EXPECT_EQ(ask("POST", "/v1/import", R"({"white": "all"})").status, 400);
  EXPECT_TRUE(lines("/v1/tables/white").empty());
}

TEST_F(ControlTest, ReplacesRowsIfToldSo) {
  serve();
  put_white("192.0.2.7");
  const std::string row = R"("white": [["192.0.2.7", 0, 1767300000, "operator", "", "x"]])";
  EXPECT_EQ(at(ask("POST", "/v1/import", "{" + row + "}").json, "white.kept"), "1");
  EXPECT_EQ(at(ask("POST", "/v1/import", R"({"dry": true, "replace": true, )" + row + "}").json, "white.added"), "1");
  EXPECT_EQ(at(lines("/v1/tables/white").at(0), "source"), "greylist");
  EXPECT_EQ(at(ask("POST", "/v1/import", R"({"replace": true, )" + row + "}").json, "white.added"), "1");
  EXPECT_EQ(at(lines("/v1/tables/white").at(0), "source"), "operator");
}

TEST_F(ControlTest, HandsTrapsAndGreyMailToPlugins) {
  Recorder recorder;
  recorder.row.set("new", true);
  recorder.row.set("removed", true);
  recorder.row.set("added", 1);
  recorder.row.set("kept", 2);
  recorder.row.set("deleted", 1);
  use_command(recorder.command());
  serve();
  const auto reply = ask("POST", "/v1/import",
                         R"({"traps": [["trap@example.net", 0], ["t@example.net", 5]],)"
                         R"("grey": [["192.0.2.7", "helo", "a@b", "c@d", 1, 2, 3, 4]]})");
  EXPECT_EQ(reply.status, 200) << reply.text;
  EXPECT_EQ(at(reply.json, "traps"), R"({"added":1,"kept":2,"expired":0,"skipped":0})");
  EXPECT_EQ(at(reply.json, "grey"), R"({"added":1,"kept":2,"expired":0,"skipped":0})");
  EXPECT_EQ(ask("PUT", "/v1/traps", R"({"address": "trap@example.net"})").status, 200);
  EXPECT_EQ(ask("DELETE", "/v1/traps?address=trap%40example.net").status, 200);
  EXPECT_EQ(ask("POST", "/v1/delete-grey", R"({"client": "192.0.2.7"})").status, 200);
  EXPECT_EQ(recorder.asked,
            "import-traps {\"dry\":true,\"rows\":[[\"trap@example.net\",\"0\"],[\"t@example.net\",\"5\"]]}\n"
            "import-grey {\"dry\":true,\"rows\":[[\"192.0.2.7\",\"helo\",\"a@b\",\"c@d\",\"1\",\"2\",\"3\",\"4\"]]}\n"
            "import-traps {\"dry\":false,\"rows\":[[\"trap@example.net\",\"0\"],[\"t@example.net\",\"5\"]]}\n"
            "import-grey {\"dry\":false,\"rows\":[[\"192.0.2.7\",\"helo\",\"a@b\",\"c@d\",\"1\",\"2\",\"3\",\"4\"]]}\n"
            "add-trap {\"address\":\"trap@example.net\"}\n"
            "remove-trap {\"address\":\"trap@example.net\"}\n"
            "delete-grey {\"client\":\"192.0.2.7\"}\n");
  EXPECT_EQ(ask("PUT", "/v1/traps", "{}").status, 400);
  EXPECT_EQ(ask("DELETE", "/v1/traps").status, 400);
}

TEST_F(ControlTest, AsksAPluginOnceIfNobodyElseWritesBeforeIt) {
  Recorder recorder;
  use_command(recorder.command());
  serve();
  ask("POST", "/v1/import", R"({"white": [], "traps": [["trap@example.net", 0]]})");
  EXPECT_EQ(recorder.asked, R"(import-traps {"dry":false,"rows":[["trap@example.net","0"]]})"
                            "\n");
  recorder.asked.clear();
  ask("POST", "/v1/import", R"({"white": [["192.0.2.7", 0, "never", "", "", ""]], "traps": [["trap@example.net", 0]]})");
  EXPECT_EQ(recorder.asked, R"(import-traps {"dry":true,"rows":[["trap@example.net","0"]]})"
                            "\n"
                            R"(import-traps {"dry":false,"rows":[["trap@example.net","0"]]})"
                            "\n");
}

TEST_F(ControlTest, SaysThatNoPluginTakesTraps) {
  serve();
  EXPECT_EQ(ask("PUT", "/v1/traps", R"({"address": "trap@example.net"})").status, 404);
  EXPECT_EQ(ask("GET", "/v1/traps").status, 404);
}

}  // namespace
}  // namespace deferd
