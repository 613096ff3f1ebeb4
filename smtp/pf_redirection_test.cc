#include "smtp/pf_redirection.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <cstring>

namespace deferd::smtp {
namespace {

Endpoint endpoint(const char* address, std::uint16_t port) { return {Address::parse(address).value(), port}; }

/// The kernel with one redirected connection of each family: everybody else is unknown to it.
template <class System>
class OneOfEach : public bridge::pf::Device {
 public:
  int control(unsigned long request, void* argument) override {
    if (request != System::kNatLook) return ENODEV;
    auto& look = *static_cast<typename System::NatLook*>(argument);
    const bool v4 = look.family == bridge::pf::kInet;
    if (!is(look.source, v4, v4 ? "192.0.2.7" : "2001:db8::7") || !is(look.target, v4, v4 ? "127.0.0.1" : "fd00:25::1") ||
        ntohs(look.source_port) != 40000 || ntohs(look.target_port) != 8025)
      return ENOENT;
    const auto meant = Address::parse(v4 ? "203.0.113.25" : "2001:db8:25::25").value();
    std::memcpy(look.real_target, meant.bytes().data(), meant.bytes().size());
    look.real_target_port = htons(25);
    return 0;
  }

 private:
  static bool is(const std::uint8_t* bytes, bool v4, const char* text) {
    const auto address = Address::parse(text).value();
    return address.is_v4() == v4 && std::memcmp(bytes, address.bytes().data(), address.bytes().size()) == 0;
  }
};

template <class System>
class PfRedirectionTest : public testing::Test {
 protected:
  std::optional<Endpoint> ask(const Endpoint& client, const Endpoint& own) {
    return destination_before_rdr<System>(kernel_, client, own);
  }

 private:
  OneOfEach<System> kernel_;
};
using Systems = testing::Types<bridge::pf::FreeBsd, bridge::pf::OpenBsd>;
TYPED_TEST_SUITE(PfRedirectionTest, Systems);

TYPED_TEST(PfRedirectionTest, FindsWhereAClientMeantToGo) {
  EXPECT_EQ(this->ask(endpoint("192.0.2.7", 40000), endpoint("127.0.0.1", 8025)), endpoint("203.0.113.25", 25));
  EXPECT_EQ(this->ask(endpoint("2001:db8::7", 40000), endpoint("fd00:25::1", 8025)), endpoint("2001:db8:25::25", 25));
}

TYPED_TEST(PfRedirectionTest, KnowsNothingOfAConnectionWithoutAState) {
  EXPECT_EQ(this->ask(endpoint("192.0.2.7", 40001), endpoint("127.0.0.1", 8025)), std::nullopt);
  EXPECT_EQ(this->ask(endpoint("192.0.2.8", 40000), endpoint("127.0.0.1", 8025)), std::nullopt);
}

TYPED_TEST(PfRedirectionTest, KnowsNothingOfAConnectionBetweenFamilies) {
  EXPECT_EQ(this->ask(endpoint("192.0.2.7", 40000), endpoint("fd00:25::1", 8025)), std::nullopt);
}

}  // namespace
}  // namespace deferd::smtp
