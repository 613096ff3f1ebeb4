// The ioctl itself, and which system's structures this one has. FreeBSD and OpenBSD only.
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "pfbridge/helper/pf_table.h"

namespace deferd::bridge {
namespace {

#if defined(__OpenBSD__)
using System = pf::OpenBsd;
#else
using System = pf::FreeBsd;
#endif
static_assert(pf::kHas64Bits, "the layouts of 32-bit systems are not known");

class OpenDevice : public pf::Device {
 public:
  explicit OpenDevice(int descriptor) : descriptor_(descriptor) {}
  ~OpenDevice() override { ::close(descriptor_); }
  OpenDevice(const OpenDevice&) = delete;
  OpenDevice& operator=(const OpenDevice&) = delete;

  int control(unsigned long request, void* argument) override { return ::ioctl(descriptor_, request, argument) == 0 ? 0 : errno; }

 private:
  int descriptor_;
};

}  // namespace

std::unique_ptr<pf::Device> open_pf_device(std::string& error) {
  const int descriptor = ::open("/dev/pf", O_RDWR | O_CLOEXEC);
  if (descriptor >= 0) return std::make_unique<OpenDevice>(descriptor);
  error = std::string("/dev/pf: ") + std::strerror(errno);
  return nullptr;
}

std::unique_ptr<Backend> make_pf_table(pf::Device& device, pf::TableName table) {
  return make_pf_table_of<System>(device, std::move(table));
}

std::optional<Endpoint> pf_original_destination(pf::Device& device, const Endpoint& peer, const Endpoint& local) {
  return pf::Tables<System>(device).original_destination(peer, local);
}

}  // namespace deferd::bridge
