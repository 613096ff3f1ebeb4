// For tests of the helper with the real kernel: a network namespace of the test's own. Linux.
#pragma once
#include <sched.h>

#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "pfbridge/helper/command.h"
#include "pfbridge/helper/helper_fixture.h"

namespace deferd::bridge {

class NamespaceTest : public HelperTest {
 protected:
  /// With nft's `rules` loaded. Skips the test if we may not make namespaces. A namespace belongs to a thread, and goes with it.
  void in_namespace(const char* rules, const std::function<void()>& test) {
    bool allowed = true;
    std::thread([&] {
      if (::unshare(CLONE_NEWNET) != 0) {
        allowed = false;
        return;
      }
      must({"nft", "-f", "-"}, rules);
      if (!HasFatalFailure()) test();
    }).join();
    if (!allowed) GTEST_SKIP() << "needs root, for a network namespace";
  }

  static void must(const std::vector<std::string>& argv, const char* input = "") {
    const auto result = run_command(argv, input);
    ASSERT_TRUE(result.ok()) << result.failure << result.message;
  }
};

}  // namespace deferd::bridge
