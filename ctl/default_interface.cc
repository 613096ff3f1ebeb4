#include "ctl/default_interface.h"

#include "ctl/fields.h"

namespace deferd::ctl {
namespace {

bool is_zero(std::string_view hex) { return hex.find_first_not_of('0') == hex.npos; }

/// Linux's tables of routes, proc(5): /proc/net/route has the interface first, ipv6_route last.
std::string of_linux(Facts& facts) {
  std::string found;
  const auto v4 = facts.read_file("/proc/net/route");
  each_line_of(v4 ? *v4 : std::string(), [&](std::string_view line, std::size_t) {
    const auto words = words_of(line);
    if (found.empty() && words.size() > 7 && is_zero(words[1]) && is_zero(words[7])) found = words[0];
  });
  const auto v6 = facts.read_file("/proc/net/ipv6_route");
  each_line_of(v6 ? *v6 : std::string(), [&](std::string_view line, std::size_t) {
    const auto words = words_of(line);
    if (found.empty() && words.size() > 9 && is_zero(words[0]) && is_zero(words[1]) && words[9] != "lo") found = words[9];
  });
  return found;
}

/// route(8) prints lines such as `interface: em0`.
std::string of_freebsd(Facts& facts) {
  std::string found;
  for (const char* family : {"-4", "-6"}) {
    const auto route = facts.run({"route", "-n", "get", family, "default"});
    each_line_of(route.output, [&](std::string_view line, std::size_t) {
      const auto words = words_of(line);
      if (found.empty() && words.size() == 2 && words[0] == "interface:") found = words[1];
    });
  }
  return found;
}

}  // namespace

std::string default_interface(RuleSystem system, Facts& facts) {
  switch (system) {
    case RuleSystem::nft:
      return of_linux(facts);
    case RuleSystem::freebsd:
      return of_freebsd(facts);
    case RuleSystem::openbsd:
      break;
  }
  return {};
}

}  // namespace deferd::ctl
