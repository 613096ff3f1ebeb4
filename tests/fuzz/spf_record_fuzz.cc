// An SPF record that is taken: every term printed again means the same, and walking it ends whatever DNS answers.
#include "ctl/spf_record.h"
#include "ctl/spf_walk.h"
#include "require.h"

using namespace deferd;

namespace {

/// Answers every question about texts with the record itself, and every other with an address.
class Mirror final : public spf::Resolver {
 public:
  explicit Mirror(std::string record) : record_(std::move(record)) {}
  Result<std::vector<std::string>> texts(const std::string&) override { return count({record_}); }
  Result<std::vector<std::string>> exchangers(const std::string& name) override { return count({name}); }
  Result<std::vector<Address>> addresses(const std::string&) override {
    return std::vector<Address>{Address::v4(0xc0000201), *Address::parse("2001:db8::1")};
  }
  int asked = 0;

 private:
  std::vector<std::string> count(std::vector<std::string> answer) {
    ++asked;
    return answer;
  }
  std::string record_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto record = spf::parse(text);
  if (!record) return 0;
  REQUIRE(spf::is_spf(text));
  std::string again = "v=spf1";
  for (const auto& mechanism : record->mechanisms) {
    REQUIRE(mechanism.text.find(' ') == std::string::npos);
    again += ' ' + mechanism.text;
  }
  if (!record->redirect.empty()) again += " redirect=" + record->redirect;
  const auto same = spf::parse(again);
  REQUIRE(same && same->mechanisms.size() == record->mechanisms.size() && same->redirect == record->redirect);
  for (std::size_t i = 0; i < same->mechanisms.size(); ++i) {
    REQUIRE(same->mechanisms[i].prefix == record->mechanisms[i].prefix);
    REQUIRE(same->mechanisms[i].domain == record->mechanisms[i].domain);
  }
  Mirror dns(text);
  const auto walk = spf::walk("example.org", dns);
  REQUIRE(dns.asked <= 22);
  REQUIRE(walk.status != spf::Walk::Status::unavailable);
  return 0;
}
