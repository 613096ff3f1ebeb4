#include <sys/time.h>
#include <sys/types.h>
#if defined(__FreeBSD__) || defined(__OpenBSD__)
#include <net/bpf.h>  // needs both; before pcap.h, whose own copy lacks BIOCLOCK
#endif
#include <net/if.h>
#include <pcap.h>
#include <sys/ioctl.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>

#include "pfbridge/helper/capture.h"

namespace deferd::bridge {
namespace {

constexpr int kSnapLength = 512;  // headers of pflog or NFLOG, IPv6 with extensions, TCP
constexpr int kPackets = 500;     // in one reading

// The parser decides; this only keeps the rest of what is logged out of this process. libpcap has no filters for NFLOG. tcp[] is
// IPv4's alone.
constexpr const char* kFilter =
    "(ip and tcp dst port 25 and tcp[13] & 0x12 = 0x02) or (ip6 and tcp dst port 25 and ip6[53] & 0x12 = 0x02)";

struct Close {
  void operator()(pcap_t* handle) const { ::pcap_close(handle); }
};
using Handle = std::unique_ptr<pcap_t, Close>;

class PcapCapture : public Capture {
 public:
  PcapCapture(Handle handle, const CaptureOption& option)
      : handle_(std::move(handle)), option_(option), link_(::pcap_datalink(handle_.get())) {}

  int descriptor() const override { return option_.is_file ? -1 : ::pcap_get_selectable_fd(handle_.get()); }

  State read(const Take& take) override {
    for (int packets = 0; packets < kPackets; ++packets) {
      pcap_pkthdr* header = nullptr;
      const u_char* bytes = nullptr;
      errno = 0;
      const int status = ::pcap_next_ex(handle_.get(), &header, &bytes);
      if (status == PCAP_ERROR_BREAK) return State::ended;  // of a file
      if (status == 0) return State::open;
      // Of NFLOG libpcap takes a group that has nothing for a failure.
      if (status < 0) return errno == EAGAIN && !option_.is_file ? State::open : State::failed;
      if (const auto connection = parse(Bytes(bytes, header->caplen))) take(*connection);
    }
    return State::open;
  }

  std::string error() const override { return option_.device + ": " + ::pcap_geterr(handle_.get()); }

 private:
  std::optional<Connection> parse(Bytes record) const {
    auto connection = link_ == kLinkPflog ? read_pflog(record) : read_nflog(record, option_.direction);
    if (connection && link_ == kLinkNflog && !option_.is_file) name_interface(*connection);
    return connection;
  }

  // Here the number means something. One that has just gone stays a number.
  static void name_interface(Connection& connection) {
    unsigned index = 0;
    const auto& number = connection.interface;
    std::from_chars(number.data(), number.data() + number.size(), index);
    std::array<char, IF_NAMESIZE> name{};
    if (::if_indextoname(index, name.data()) != nullptr) connection.interface = name.data();
  }

  const Handle handle_;
  const CaptureOption option_;
  const int link_;
};

// What an administrator does about it.
std::string remedy(const std::string& device, int status) {
  const bool nflog = device.starts_with("nflog:");
  switch (status) {
    case PCAP_ERROR_NO_SUCH_DEVICE:
      return nflog ? "; the kernel lacks NFLOG (nfnetlink_log)" : "; create it: ifconfig " + device + " create up";
    case PCAP_ERROR_IFACE_NOT_UP:
      return "; ifconfig " + device + " up";
    case PCAP_ERROR_PERM_DENIED:
      return "; start the helper as root, it gives that up by itself";
    default:
      return nflog ? "; a group has one listener, who is started as root: /proc/net/netfilter/nfnetlink_log shows who has it"
                   : "";
  }
}

Handle open_file(const std::string& path, std::string& error) {
  std::array<char, PCAP_ERRBUF_SIZE> why{};
  Handle handle(::pcap_open_offline(path.c_str(), why.data()));
  if (!handle) error = why.data();
  return handle;
}

void filter(pcap_t* handle) {
  bpf_program program{};
  if (::pcap_compile(handle, &program, kFilter, 1, 0) != 0) return;
  ::pcap_setfilter(handle, &program);
  ::pcap_freecode(&program);
}

// From now on the descriptor reads this interface and no other, where the system can do that: bpf(4).
bool lock([[maybe_unused]] int descriptor) {
#if defined(__FreeBSD__) || defined(__OpenBSD__)
  return ::ioctl(descriptor, BIOCLOCK) == 0;
#else
  return true;
#endif
}

Handle open_device(const std::string& device, std::string& error) {
  std::array<char, PCAP_ERRBUF_SIZE> why{};
  Handle handle(::pcap_create(device.c_str(), why.data()));
  if (!handle) {
    error = device + ": " + why.data();
    return nullptr;
  }
  ::pcap_set_snaplen(handle.get(), kSnapLength);
  ::pcap_set_promisc(handle.get(), 0);
  ::pcap_set_timeout(handle.get(), 100);
  ::pcap_set_immediate_mode(handle.get(), 1);  // else poll() says nothing until a buffer is full
  const int status = ::pcap_activate(handle.get());
  const std::string detail = ::pcap_geterr(handle.get());
  if (status < 0)
    error = device + ": " + (detail.empty() ? ::pcap_statustostr(status) : detail) + remedy(device, status);
  else if (::pcap_setnonblock(handle.get(), 1, why.data()) != 0)
    error = device + ": " + why.data();
  if (!error.empty()) return nullptr;
  filter(handle.get());
  if (lock(::pcap_fileno(handle.get()))) return handle;
  error = device + ": cannot be locked: " + std::strerror(errno);
  return nullptr;
}

}  // namespace

std::unique_ptr<Capture> open_capture(const CaptureOption& option, std::string& error) {
  auto handle = option.is_file ? open_file(option.device, error) : open_device(option.device, error);
  if (!handle) return nullptr;
  const int link = ::pcap_datalink(handle.get());
  if (link == kLinkPflog || link == kLinkNflog) return std::make_unique<PcapCapture>(std::move(handle), option);
  error = option.device + ": not the log of a packet filter; name pflog0 or another pflog interface, or nflog:GROUP";
  return nullptr;
}

}  // namespace deferd::bridge
