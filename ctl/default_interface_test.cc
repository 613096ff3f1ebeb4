#include "ctl/default_interface.h"

#include <gtest/gtest.h>

#include "ctl/sick_host.h"

namespace deferd::ctl {
namespace {

constexpr const char* kRoutes =
    "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n"
    "eth1\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"
    "eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n";
constexpr const char* kRoutesOfIpv6 =
    "20010db8000000000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 1 0 1 "
    "eth3\n"
    "00000000000000000000000000000000 00 00000000000000000000000000000000 00 fe800000000000000000000000000001 00000400 1 0 3 "
    "eth4\n";
constexpr const char* kNoRoute =
    "00000000000000000000000000000000 00 00000000000000000000000000000000 00 00000000000000000000000000000000 ffffffff 1 0 2 "
    "lo\n";

TEST(DefaultInterface, IsThatOfLinuxsDefaultRoute) {
  SickHost host;
  host.files["/proc/net/route"] = kRoutes;
  host.files["/proc/net/ipv6_route"] = kRoutesOfIpv6;
  EXPECT_EQ(default_interface(RuleSystem::nft, host), "eth0");
  host.files.erase("/proc/net/route");
  EXPECT_EQ(default_interface(RuleSystem::nft, host), "eth4");
  // The kernel's own, for what has no route.
  host.files["/proc/net/ipv6_route"] = kNoRoute;
  EXPECT_EQ(default_interface(RuleSystem::nft, host), "");
}

TEST(DefaultInterface, IsThatOfFreebsdsDefaultRoute) {
  SickHost host;
  EXPECT_EQ(default_interface(RuleSystem::freebsd, host), "");
  host.programs["route -n get -6 default"] = {"   route to: ::\n  interface: em6\n      flags: <UP,GATEWAY,DONE,STATIC>\n", ""};
  EXPECT_EQ(default_interface(RuleSystem::freebsd, host), "em6");
  host.programs["route -n get -4 default"] = {"   route to: default\n    gateway: 192.0.2.1\n        fib: 0\n  interface: em0\n",
                                              ""};
  EXPECT_EQ(default_interface(RuleSystem::freebsd, host), "em0");
  EXPECT_EQ(default_interface(RuleSystem::openbsd, host), "");
}

}  // namespace
}  // namespace deferd::ctl
