// Each broken library is refused, or fails, in its own way, and the message says how to go on.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <string>

#include "deferd/testing/fake_host.h"
#include "host/loader.h"

namespace deferd {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
namespace fs = std::filesystem;

const fs::path kFolder = BAD_PLUGINS;

class BadPluginsTest : public ::testing::Test {
 protected:
  void TearDown() override { fs::remove_all(folder); }

  // Makes the folder of this test's own, beside the libraries: below /tmp the place itself would be refused.
  const fs::path& own_folder() {
    fs::remove_all(folder);
    fs::create_directories(folder);
    return folder;
  }
  Error refusal(const std::string& name) {
    auto info = loader.load(name);
    if (info) {
      ADD_FAILURE() << name << " was loaded";
      return {};
    }
    return info.error();
  }
  std::unique_ptr<Plugin> make(const std::string& name, Value config = {}) {
    return or_throw(loader.load(name))->make(config, host);
  }

  const fs::path folder = kFolder / ("of-" + std::string(::testing::UnitTest::GetInstance()->current_test_info()->name()));
  FakeHost host;
  Loader loader{{kFolder.string()}, host.log()};
};

TEST_F(BadPluginsTest, RefusesALibraryThatExportsNoPlugin) {
  const auto error = refusal("no_symbol");
  EXPECT_EQ(error.code, Errc::invalid);
  EXPECT_THAT(error.what, AllOf(HasSubstr("no_symbol.so"), HasSubstr("exports no deferd_plugin"), HasSubstr("DEFERD_PLUGIN")));
}

TEST_F(BadPluginsTest, RefusesAnOlderAbiNamingBoth) {
  EXPECT_THAT(refusal("older_abi").what, AllOf(HasSubstr("older_abi.so: built for plugin ABI 0.9, this deferd offers 1.0 to 1."),
                                               HasSubstr("rebuild it with the SDK of this deferd")));
}

TEST_F(BadPluginsTest, RefusesANewerAbiNamingBoth) {
  EXPECT_THAT(refusal("newer_abi").what, HasSubstr("newer_abi.so: built for plugin ABI 2.0, this deferd offers 1.0 to 1."));
}

TEST_F(BadPluginsTest, RefusesANewerMinorOfItsOwnAbi) {
  EXPECT_THAT(refusal("newer_minor").what, HasSubstr("built for plugin ABI 1.999, this deferd offers 1.0 to 1."));
}

TEST_F(BadPluginsTest, RefusesAnotherSizeOfWhatIsExported) {
  EXPECT_THAT(refusal("other_size").what,
              HasSubstr("its deferd_plugin has " + std::to_string(sizeof(PluginInfo) + 8) + " bytes"));
}

TEST_F(BadPluginsTest, RefusesAnotherToolchainNamingBoth) {
  EXPECT_THAT(refusal("other_toolchain").what, AllOf(HasSubstr("built with 'vax libcvax'"), HasSubstr(kToolchain)));
}

TEST_F(BadPluginsTest, RefusesAPluginThatCannotBeMade) {
  EXPECT_THAT(refusal("incomplete").what, HasSubstr("incomplete; export it with DEFERD_PLUGIN"));
}

TEST_F(BadPluginsTest, RefusesALibraryThatIsNotNamedAfterItsPlugin) {
  EXPECT_THAT(refusal("wrong_name").what, AllOf(HasSubstr("calls itself 'somebody_else', not 'wrong_name'"),
                                                HasSubstr("a library is named after its plugin: somebody_else.so")));
}

TEST_F(BadPluginsTest, RefusesAFileThatIsNoLibrary) {
  EXPECT_THAT(refusal("not_elf").what, AllOf(HasSubstr("not_elf.so"), HasSubstr("not a plugin built for this system")));
}

TEST_F(BadPluginsTest, NamesThePluginsThereAreWhenOneIsMissing) {
  const auto error = refusal("missing");
  EXPECT_EQ(error.code, Errc::not_found);
  EXPECT_THAT(error.what, AllOf(HasSubstr("no plugin 'missing'"), HasSubstr(kFolder.string()), HasSubstr("hangs_in_hook")));
}

TEST_F(BadPluginsTest, RefusesASecondFileOfOneNameNamingBoth) {
  own_folder();
  const auto second = folder / "duplicate_name.so";
  fs::copy_file(kFolder / "duplicate_name.so", second);
  Loader two({kFolder.string(), folder.string()}, host.log());
  ASSERT_TRUE(two.load("duplicate_name"));
  const auto info = two.load(second.string());
  ASSERT_FALSE(info);
  EXPECT_THAT(info.error().what, AllOf(HasSubstr(second.string()), HasSubstr((kFolder / "duplicate_name.so").string()),
                                       HasSubstr("remove or rename one")));
}

TEST_F(BadPluginsTest, RefusesAFileThatOthersMayWriteTo) {
  own_folder();
  fs::copy_file(kFolder / "wrong_permissions.so", folder / "wrong_permissions.so");
  Loader own({folder.string()}, host.log());
  ASSERT_EQ(::chmod((folder / "wrong_permissions.so").c_str(), 0777), 0);
  const auto info = own.load("wrong_permissions");
  ASSERT_FALSE(info);
  EXPECT_THAT(info.error().what, AllOf(HasSubstr("wrong_permissions.so (mode 0777)"), HasSubstr("chmod go-w")));
  ASSERT_EQ(::chmod((folder / "wrong_permissions.so").c_str(), 0755), 0);
  EXPECT_TRUE(own.load("wrong_permissions"));
}

TEST_F(BadPluginsTest, RefusesAFolderThatOthersMayWriteTo) {
  own_folder();
  fs::copy_file(kFolder / "wrong_permissions.so", folder / "wrong_permissions.so");
  ASSERT_EQ(::chmod(folder.c_str(), 0777), 0);
  Loader own({folder.string()}, host.log());
  const auto info = own.load("wrong_permissions");
  ASSERT_FALSE(info);
  EXPECT_THAT(info.error().what, HasSubstr(folder.string()));
}

TEST_F(BadPluginsTest, RefusesALinkFromAFolderThatOthersMayWriteTo) {
  own_folder();
  fs::create_symlink(kFolder / "wrong_permissions.so", folder / "wrong_permissions.so");
  ASSERT_EQ(::chmod(folder.c_str(), 0777), 0);
  Loader own({folder.string()}, host.log());
  EXPECT_FALSE(own.load("wrong_permissions"));
}

TEST_F(BadPluginsTest, ARepairedLibraryLoadsWithoutARestart) {
  own_folder();
  const auto file = folder / "duplicate_name.so";
  fs::copy_file(kFolder / "wrong_name.so", file);
  Loader own({folder.string()}, host.log());
  ASSERT_FALSE(own.load("duplicate_name"));
  fs::remove(file);
  fs::copy_file(kFolder / "duplicate_name.so", file);
  const auto info = own.load("duplicate_name");
  EXPECT_TRUE(info) << info.error().what;
}

TEST_F(BadPluginsTest, AnExceptionOfTheConstructorReachesTheCaller) {
  EXPECT_THROW(make("throws_in_constructor"), std::runtime_error);
}

TEST_F(BadPluginsTest, AnExceptionOfAHookReachesTheCaller) {
  const auto plugin = make("throws_in_hook");
  FakeContext context(host);
  EXPECT_THROW(plugin->on_rcpt(context, "b@example.net"), std::runtime_error);
}

TEST_F(BadPluginsTest, AWrongSettingReachesTheCallerAsAConfigError) {
  Value config = Value::map();
  config.set("hok", "rcpt");
  try {
    make("throws_in_hook", config);
    FAIL() << "was made";
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), HasSubstr("did you mean 'hook'"));
  }
}

}  // namespace
}  // namespace deferd
