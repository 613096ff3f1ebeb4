// A list file and, after a NUL, what is looked up in it.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "deferd/matchlist.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace deferd;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto end = input.find('\0');
  const auto subject = end == std::string_view::npos ? std::string_view() : input.substr(end + 1);

  std::vector<std::string> errors;
  const auto hosts = read_list<HostList>(input.substr(0, end), "fuzz", errors);
  const auto mail = read_list<MailList>(input.substr(0, end), "fuzz", errors);
  const auto address = Address::parse(subject);
  const auto host = hosts->find(address ? *address : Address(), subject);
  const auto mailbox = mail->find(subject);
  if (host && (host->line == 0 || hosts->size() == 0)) std::abort();
  if (mailbox && (mailbox->line == 0 || mail->size() == 0)) std::abort();
  return 0;
}
