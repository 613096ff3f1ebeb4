// What is loaded, from where. Refusals are tested with the broken libraries of tests/bad_plugins.
#include "host/loader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "deferd/testing/fake_host.h"

namespace deferd {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
namespace fs = std::filesystem;

const fs::path kPlugins = PLUGIN_DIRECTORY;

class LoaderTest : public ::testing::Test {
 protected:
  // A folder of this test's own in the build folder, where places are safe.
  void SetUp() override {
    fs::remove_all(folder);
    fs::create_directories(folder);
  }
  void TearDown() override { fs::remove_all(folder); }

  const fs::path folder = kPlugins.parent_path() / "tests" /
                          (std::string("loader-") + ::testing::UnitTest::GetInstance()->current_test_info()->name());
  FakeLog log;
  Loader loader{{kPlugins.string()}, log};
};

TEST_F(LoaderTest, FindsAPluginByItsName) {
  const auto info = loader.load("example");
  ASSERT_TRUE(info) << info.error().what;
  EXPECT_STREQ((*info)->name, "example");
  EXPECT_EQ((*info)->hooks, hook::rcpt | hook::accepted);
  EXPECT_TRUE(log.contains("info plugin.loaded plugin=example version=1.0 file=" + (kPlugins / "example.so").string()));
}

TEST_F(LoaderTest, GivesOneInfoForOneFile) {
  const auto info = or_throw(loader.load("example"));
  EXPECT_EQ(or_throw(loader.load("example")), info);
  EXPECT_EQ(or_throw(loader.load((kPlugins / "example.so").string())), info);
  EXPECT_EQ(log.count("plugin.loaded"), 1u);
}

TEST_F(LoaderTest, LooksThroughTheDirectoriesInOrder) {
  fs::copy_file(kPlugins / "example.so", folder / "example.so");
  Loader both({"/nonexistent", folder.string(), kPlugins.string()}, log);
  ASSERT_TRUE(both.load("example"));
  EXPECT_TRUE(log.contains("file=" + (folder / "example.so").string()));
}

TEST_F(LoaderTest, TakesAFileOfAConfiguredDirectory) { EXPECT_TRUE(loader.load((kPlugins / "example.so").string())); }

TEST_F(LoaderTest, RefusesAFileOfAnotherDirectory) {
  fs::copy_file(kPlugins / "example.so", folder / "example.so");
  const auto info = loader.load((folder / "example.so").string());
  ASSERT_FALSE(info);
  EXPECT_EQ(info.error().code, Errc::invalid);
  EXPECT_THAT(info.error().what, AllOf(HasSubstr("loaded only from " + kPlugins.string()), HasSubstr("plugin_dirs")));
}

TEST_F(LoaderTest, ANameCannotLeaveTheDirectories) {
  fs::copy_file(kPlugins / "example.so", folder / "example.so");
  EXPECT_FALSE(loader.load("../tests/" + folder.filename().string() + "/example"));
  EXPECT_FALSE(loader.load(".."));
  EXPECT_FALSE(loader.load(""));
}

TEST_F(LoaderTest, FollowsALinkInASafeDirectory) {
  fs::create_symlink(kPlugins / "example.so", folder / "example.so");
  Loader linked({folder.string()}, log);
  EXPECT_TRUE(linked.load("example"));
}

TEST_F(LoaderTest, SaysThatAReplacedFileNeedsARestart) {
  fs::copy_file(kPlugins / "example.so", folder / "example.so");
  Loader own({folder.string()}, log);
  const auto info = or_throw(own.load("example"));
  fs::copy_file(kPlugins / "example.so", folder / "new");
  fs::rename(folder / "new", folder / "example.so");
  EXPECT_EQ(or_throw(own.load("example")), info);
  EXPECT_TRUE(log.contains("warning plugin.replaced plugin=example"));
}

TEST_F(LoaderTest, SaysThatNoDirectoryIsConfigured) {
  Loader none({}, log);
  EXPECT_THAT(none.load("example").error().what, HasSubstr("plugin_dirs"));
}

TEST_F(LoaderTest, APluginMadeFromALibraryWorks) {
  FakeHost host("example");
  Value settings = Value::map();
  settings.set("recipients", "1");
  const auto plugin = or_throw(loader.load("example"))->make(settings, host);
  FakeContext context(host);
  EXPECT_EQ(plugin->on_rcpt(context, "b@example.net").action, Action::pass);
  const auto verdict = plugin->on_rcpt(context, "c@example.net");
  EXPECT_EQ(verdict.action, Action::defer);
  EXPECT_EQ(verdict.reason, "recipient 2 of a stranger");
}

TEST_F(LoaderTest, WhatIsWrongWithTheSettingsCanBeAskedWithoutMakingThePlugin) {
  Value settings = Value::map();
  settings.set("recipients", "0");
  settings.set("rembember", "7d");
  Problems problems;
  or_throw(loader.load("example"))->check(settings, problems);
  EXPECT_EQ(problems.list().size(), 2u);
}

}  // namespace
}  // namespace deferd
