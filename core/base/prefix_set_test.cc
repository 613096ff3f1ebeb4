#include "deferd/prefix_set.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace deferd {
namespace {

AddressRange range(std::string_view text) {
  if (const auto dash = text.find(" - "); dash != std::string_view::npos)
    return *AddressRange::between(*Address::parse(text.substr(0, dash)), *Address::parse(text.substr(dash + 3)));
  return *Prefix::parse(text);
}

PrefixSet set_of(const std::vector<std::string>& black, const std::vector<std::string>& white = {}) {
  PrefixSetBuilder builder;
  for (const auto& entry : black) builder.add(range(entry));
  for (const auto& entry : white) builder.except(range(entry));
  return builder.build();
}

std::string text(const PrefixSet& set) {
  std::string out;
  for (const auto& prefix : set) out += (out.empty() ? "" : " ") + prefix.to_string();
  return out;
}

TEST(PrefixSetTest, WhiteWins) {
  const auto set = set_of({"192.0.2.0/24"}, {"192.0.2.64 - 192.0.2.191"});
  EXPECT_EQ(text(set), "192.0.2.0/26 192.0.2.192/26");
  EXPECT_TRUE(set.contains(*Address::parse("192.0.2.63")));
  EXPECT_FALSE(set.contains(*Address::parse("192.0.2.64")));
}

}  // namespace
}  // namespace deferd
