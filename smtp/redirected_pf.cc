// FreeBSD and OpenBSD.
#include <fcntl.h>
#include <sys/ioctl.h>

#include <cerrno>
#include <cstring>

#include "smtp/pf_redirection.h"
#include "smtp/redirected.h"

#if defined(__FreeBSD__)
#include <sys/capsicum.h>
#include <unistd.h>
#endif

namespace deferd::smtp {
namespace {

#if defined(__OpenBSD__)
using System = bridge::pf::OpenBsd;
#else
using System = bridge::pf::FreeBsd;
#endif

int pf_device = -1;  // open for reading: pf lets its holder ask, and change nothing

class Kernel : public bridge::pf::Device {
 public:
  int control(unsigned long request, void* argument) override { return ::ioctl(pf_device, request, argument) == 0 ? 0 : errno; }
};

// A reader of /dev/pf may list rules and tables, too. Where a descriptor can be told to know one request only, it is; a kernel
// without capabilities refuses, and then it stays a reader's.
void leave_one_request([[maybe_unused]] int descriptor) {
#if defined(__FreeBSD__)
  cap_rights_t rights;
  cap_rights_init(&rights, CAP_IOCTL);
  const cap_ioctl_t requests[] = {System::kNatLook};
  if (::cap_rights_limit(descriptor, &rights) == 0) ::cap_ioctls_limit(descriptor, requests, 1);
#endif
}

}  // namespace

std::string open_redirections() {
  if (pf_device >= 0) return {};
  const int opened = ::open("/dev/pf", O_RDONLY | O_CLOEXEC);
  if (opened < 0) return errno == ENOENT ? std::string() : std::string("/dev/pf: ") + std::strerror(errno);  // ENOENT: no pf here
  leave_one_request(opened);
  pf_device = opened;
  return {};
}

std::optional<Endpoint> destination_before_redirect(int socket, const Endpoint& own) {
  sockaddr_storage peer{};
  socklen_t size = sizeof peer;
  if (pf_device < 0 || ::getpeername(socket, reinterpret_cast<sockaddr*>(&peer), &size) != 0) return std::nullopt;
  Kernel kernel;
  return destination_before_rdr<System>(kernel, endpoint_of(peer), own);
}

}  // namespace deferd::smtp
