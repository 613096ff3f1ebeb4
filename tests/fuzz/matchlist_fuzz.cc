// A list file and, behind a NUL, what is looked up in it: what is found stands in a line, and case makes no difference.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "deferd/matchlist.h"
#include "require.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace deferd;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto end = input.find('\0');
  const auto subject = end == std::string_view::npos ? std::string_view() : input.substr(end + 1);
  std::string shouted(subject);
  for (char& c : shouted)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');

  std::vector<std::string> errors;
  const auto hosts = read_list<HostList>(input.substr(0, end), "fuzz", errors);
  const auto mail = read_list<MailList>(input.substr(0, end), "fuzz", errors);
  const auto address = Address::parse(subject).value_or(Address());
  const auto host = hosts->find(address, subject);
  const auto mailbox = mail->find(subject);
  REQUIRE(!host || (host->line > 0 && hosts->size() > 0));
  REQUIRE(!mailbox || (mailbox->line > 0 && mail->size() > 0));
  REQUIRE(host.has_value() == hosts->find(address, shouted).has_value());
  REQUIRE(mailbox.has_value() == mail->find(shouted).has_value());
  return 0;
}
