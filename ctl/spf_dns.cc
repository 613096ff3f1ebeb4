#include "ctl/spf_dns.h"

#include <ares.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "ctl/dns_type.h"

namespace deferd::spf {
namespace {

constexpr int kFirstWaitMs = 1500;  // c-ares doubles it with each try
constexpr int kTries = 3;
constexpr int kMostRecords = 256;

/// A packet that came, or why none did.
struct Reply {
  int status = ARES_ECONNREFUSED;
  std::vector<unsigned char> packet;
  bool done = false;
};

void on_reply(void* to, int status, int /*timeouts*/, unsigned char* packet, int size) {
  auto& reply = *static_cast<Reply*>(to);
  reply.status = status;
  if (packet != nullptr) reply.packet.assign(packet, packet + size);
  reply.done = true;
}

/// No such name, nothing of that type, or a text that cannot be a name (RFC 7208 section 4.3).
bool is_void(int status) { return status == ARES_ENOTFOUND || status == ARES_ENODATA || status == ARES_EBADNAME; }

tl::unexpected<Error> no_answer(const std::string& name, int status) {
  return fail(Errc::unavailable, "DNS has no answer about " + name + ": " + ares_strerror(status));
}

/// c-ares 1.18 wants IPv4 and IPv6 addresses with a port as 192.0.2.1:53 and [2001:db8::1]:53.
bool names_a_server(std::string_view server) {
  const auto is_port = [](std::string_view text) {
    return !text.empty() && text.size() <= 5 &&
           std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
  };
  if (server.starts_with('[')) {
    const auto close = server.find("]:");
    return close != server.npos && Address::parse(server.substr(1, close - 1)) && is_port(server.substr(close + 2));
  }
  if (Address::parse(server)) return true;
  const auto colon = server.rfind(':');
  return colon != server.npos && Address::parse(server.substr(0, colon)) && server.find(':') == colon &&
         is_port(server.substr(colon + 1));
}

}  // namespace

struct DnsResolver::Channel {
  ares_channel channel = nullptr;
  ~Channel() {
    if (channel != nullptr) ares_destroy(channel);
  }

  Reply ask(const std::string& name, int type) {
    Reply reply;
    ares_query(channel, name.c_str(), dns::kInternet, type, on_reply, &reply);
    while (!reply.done) wait();
    return reply;
  }

  /// Until there is something to read, or it is time for another try.
  void wait() {
    std::array<ares_socket_t, ARES_GETSOCK_MAXNUM> sockets;
    const int wanted = ares_getsock(channel, sockets.data(), static_cast<int>(sockets.size()));
    std::array<pollfd, ARES_GETSOCK_MAXNUM> polled;
    nfds_t count = 0;
    for (std::size_t i = 0; i < sockets.size(); ++i) {
      const bool reads = ARES_GETSOCK_READABLE(wanted, i), writes = ARES_GETSOCK_WRITABLE(wanted, i);
      if (!reads && !writes) continue;
      polled[count++] = {sockets[i], static_cast<short>((reads ? POLLIN : 0) | (writes ? POLLOUT : 0)), 0};
    }
    timeval longest{1, 0}, left{};
    timeval* next = ares_timeout(channel, &longest, &left);
    const bool any = ::poll(polled.data(), count, static_cast<int>(next->tv_sec * 1000 + next->tv_usec / 1000 + 1)) > 0;
    if (!any) return ares_process_fd(channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);  // what is late
    for (nfds_t i = 0; i < count; ++i) {
      const bool failed = (polled[i].revents & (POLLERR | POLLHUP | POLLNVAL)) != 0;
      const bool reads = failed || (polled[i].revents & POLLIN) != 0, writes = (polled[i].revents & POLLOUT) != 0;
      ares_process_fd(channel, reads ? polled[i].fd : ARES_SOCKET_BAD, writes ? polled[i].fd : ARES_SOCKET_BAD);
    }
  }
};

DnsResolver::DnsResolver(std::unique_ptr<Channel> channel) : channel_(std::move(channel)) {}
DnsResolver::~DnsResolver() = default;

Result<std::unique_ptr<DnsResolver>> DnsResolver::make(const std::string& server) {
  static const int started = ares_library_init(ARES_LIB_INIT_ALL);
  if (!server.empty() && !names_a_server(server))
    return fail(Errc::invalid, "'" + server + "' is no server such as 192.0.2.53, 192.0.2.53:5353 or [2001:db8::53]:5353");
  ares_options options{};
  options.timeout = kFirstWaitMs;
  options.tries = kTries;
  auto channel = std::make_unique<Channel>();
  int status = started;
  if (status == ARES_SUCCESS) status = ares_init_options(&channel->channel, &options, ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES);
  if (status == ARES_SUCCESS && !server.empty()) status = ares_set_servers_ports_csv(channel->channel, server.c_str());
  if (status != ARES_SUCCESS)
    return fail(Errc::unavailable, std::string("the resolver does not start: ") + ares_strerror(status));
  return std::unique_ptr<DnsResolver>(new DnsResolver(std::move(channel)));
}

Result<std::vector<std::string>> DnsResolver::texts(const std::string& name) {
  const auto reply = channel_->ask(name, dns::kTxt);
  std::vector<std::string> texts;
  if (is_void(reply.status)) return texts;
  if (reply.status != ARES_SUCCESS) return no_answer(name, reply.status);
  ares_txt_ext* pieces = nullptr;
  const int status = ares_parse_txt_reply_ext(reply.packet.data(), static_cast<int>(reply.packet.size()), &pieces);
  if (status != ARES_SUCCESS && !is_void(status)) return no_answer(name, status);
  for (const auto* piece = pieces; piece != nullptr; piece = piece->next) {
    if (piece->record_start != 0) texts.emplace_back();
    if (!texts.empty()) texts.back().append(reinterpret_cast<const char*>(piece->txt), piece->length);
  }
  if (pieces != nullptr) ares_free_data(pieces);
  return texts;
}

Result<std::vector<Address>> DnsResolver::addresses(const std::string& name) {
  std::vector<Address> found;
  if (name.empty() || name == ".") return found;
  for (const int type : {dns::kA, dns::kAaaa}) {
    const auto reply = channel_->ask(name, type);
    if (is_void(reply.status)) continue;
    if (reply.status != ARES_SUCCESS) return no_answer(name, reply.status);
    const int size = static_cast<int>(reply.packet.size());
    int status = ARES_SUCCESS, count = kMostRecords;
    if (type == dns::kA) {
      std::array<ares_addrttl, kMostRecords> records;
      status = ares_parse_a_reply(reply.packet.data(), size, nullptr, records.data(), &count);
      for (int i = 0; status == ARES_SUCCESS && i < count; ++i)
        found.push_back(Address::v4(ntohl(records[static_cast<std::size_t>(i)].ipaddr.s_addr)));
    } else {
      std::array<ares_addr6ttl, kMostRecords> records;
      status = ares_parse_aaaa_reply(reply.packet.data(), size, nullptr, records.data(), &count);
      for (int i = 0; status == ARES_SUCCESS && i < count; ++i) {
        std::array<std::uint8_t, 16> bytes;
        std::copy_n(records[static_cast<std::size_t>(i)].ip6addr._S6_un._S6_u8, bytes.size(), bytes.begin());
        found.push_back(Address::v6(bytes));
      }
    }
    if (status != ARES_SUCCESS && !is_void(status)) return no_answer(name, status);
  }
  return found;
}

Result<std::vector<std::string>> DnsResolver::exchangers(const std::string& name) {
  const auto reply = channel_->ask(name, dns::kMx);
  std::vector<std::string> names;
  if (is_void(reply.status)) return names;
  if (reply.status != ARES_SUCCESS) return no_answer(name, reply.status);
  ares_mx_reply* records = nullptr;
  const int status = ares_parse_mx_reply(reply.packet.data(), static_cast<int>(reply.packet.size()), &records);
  if (status != ARES_SUCCESS && !is_void(status)) return no_answer(name, status);
  for (const auto* record = records; record != nullptr; record = record->next) names.emplace_back(record->host);
  if (records != nullptr) ares_free_data(records);
  return names;
}

}  // namespace deferd::spf
