#include "smtp/mta_client.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "smtp/command.h"
#include "smtp/mta_reply.h"
#include "smtp/path.h"
#include "smtp/proxy_header.h"

namespace deferd::smtp {
namespace {

constexpr std::string_view kEnd = "\r\n";

bool same(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](unsigned char x, unsigned char y) { return std::toupper(x) == std::toupper(y); });
}

/// The lines of a reply without their codes.
template <class Each>
void each_line(std::string_view reply, Each&& each) {
  while (!reply.empty()) {
    const auto end = std::min(reply.find('\n'), reply.size() - 1);
    auto line = reply.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    each(line.size() > 4 ? line.substr(4) : std::string_view());
    reply.remove_prefix(end + 1);
  }
}

/// RFC 3461 section 4, as XCLIENT has it.
std::string xtext(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c > ' ' && c < 0x7f && c != '+' && c != '=')
      out += c;
    else
      fmt::format_to(std::back_inserter(out), "+{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

/// One line of ours, whatever strangers put into it.
std::string line_of(std::string_view text) {
  std::string line(text);
  for (char& c : line)
    if (static_cast<unsigned char>(c) < ' ' || c == 0x7f) c = '?';
  return line.append(kEnd);
}

std::string xclient_address(const Address& address) { return (address.is_v4() ? "" : "IPV6:") + address.to_string(); }

const std::string* find_extension(const std::vector<std::string>& extensions, std::string_view keyword) {
  for (const auto& extension : extensions)
    if (same(std::string_view(extension).substr(0, extension.find(' ')), keyword)) return &extension;
  return nullptr;
}

/// The extension that brings a parameter of MAIL or RCPT with it: RFC 1870, 6152, 6531, 3461. Empty: none that we let through.
std::string_view extension_of(std::string_view keyword) {
  static constexpr std::pair<std::string_view, std::string_view> kExtensions[] = {
      {"SIZE", "SIZE"}, {"BODY", "8BITMIME"}, {"SMTPUTF8", "SMTPUTF8"}, {"RET", "DSN"},
      {"ENVID", "DSN"}, {"NOTIFY", "DSN"},    {"ORCPT", "DSN"}};
  for (const auto& [parameter, extension] : kExtensions)
    if (same(keyword, parameter)) return extension;
  return {};
}

}  // namespace

std::string_view to_string(MtaStage stage) {
  constexpr std::string_view kNames[] = {"connect", "the banner", "our EHLO", "XCLIENT", "EHLO", "MAIL", "RCPT"};
  return kNames[static_cast<std::size_t>(stage)];
}

std::string MtaResult::why() const {
  switch (outcome) {
    case Outcome::answered:
      return reply.substr(0, reply.find_first_of("\r\n"));
    case Outcome::refused:
      return fmt::format("refused at {}: {}", to_string(stage), reply);
    case Outcome::no_xclient:
      return "it does not offer XCLIENT to us";
    case Outcome::out_of_step:
      return stage == MtaStage::connect ? "it spoke before it was sent a PROXY header"
                                        : fmt::format("no proper reply at {}", to_string(stage));
    case Outcome::ended:
      return stage == MtaStage::connect ? "cannot connect: " + reply : fmt::format("it hung up at {}", to_string(stage));
    case Outcome::late:
      return fmt::format("no answer in time at {}", to_string(stage));
  }
  return {};
}

std::string offered_parameters(const std::vector<std::string>& parameters, const std::vector<std::string>& extensions) {
  std::string line;
  for (const auto& parameter : parameters) {
    const auto extension = extension_of(std::string_view(parameter).substr(0, parameter.find('=')));
    if (!extension.empty() && find_extension(extensions, extension) != nullptr) line.append(" ").append(parameter);
  }
  return line;
}

std::string recipient_line(std::string_view rcpt, const std::vector<std::string>& extensions) {
  const auto path = parse_recipient(parse_command(rcpt).argument);
  return path ? line_of("RCPT TO:<" + path->address + ">" + offered_parameters(path->parameters, extensions)) : std::string();
}

MtaClient::MtaClient(MtaScript script) : script_(std::move(script)) {}

std::string MtaClient::start() {
  result_.stage = MtaStage::banner;
  if (script_.with != HandoverConfig::With::proxy_v2) return {};
  return make_proxy_header_v2(script_.client, script_.client_port, script_.local, script_.local_port);
}

std::string MtaClient::receive(std::string_view bytes) {
  if (done_) return {};
  buffer_ += bytes;
  const auto [code, size] = first_reply(buffer_);
  if (code < 0) {
    finish(MtaResult::Outcome::out_of_step);
    return {};
  }
  if (code == 0) return {};
  if (result_.stage == MtaStage::rcpt) {
    result_.code = code;
    const bool plain = code / 100 == 2 || code / 100 == 4 || code / 100 == 5;
    if (plain) result_.reply = std::move(buffer_);
    finish(plain ? MtaResult::Outcome::answered : MtaResult::Outcome::out_of_step);
    return {};
  }
  // Whoever says more than it was asked answers something else than we think.
  const bool more = buffer_.size() > size;
  const auto reply = std::exchange(buffer_, {});
  if (more && code / 100 != 4) {
    finish(MtaResult::Outcome::out_of_step);
    return {};
  }
  return take(code, reply);
}

std::string MtaClient::take(int code, std::string_view reply) {
  const bool awaits_220 = result_.stage == MtaStage::banner || result_.stage == MtaStage::xclient;
  if (code != (awaits_220 ? 220 : 250)) {
    result_.code = code;
    const bool of_the_message = result_.stage == MtaStage::mail && code >= 550 && code <= 555;
    if (of_the_message)
      result_.reply = reply;
    else
      result_.reply = reply.substr(0, reply.find_first_of("\r\n"));
    finish(of_the_message ? MtaResult::Outcome::answered : MtaResult::Outcome::refused);
    return {};
  }
  switch (result_.stage) {
    case MtaStage::banner:
      if (script_.with == HandoverConfig::With::proxy_v2) return greet();
      result_.stage = MtaStage::our_ehlo;
      return line_of("EHLO " + script_.our_name);
    case MtaStage::our_ehlo:
      read_extensions(reply);
      return introduce();
    case MtaStage::xclient:
      return greet();
    case MtaStage::ehlo:
      result_.extensions.clear();
      if (script_.envelope.extended) read_extensions(reply);
      return sender();
    case MtaStage::mail:
      return recipient();
    case MtaStage::connect:
    case MtaStage::rcpt:
      break;
  }
  return {};
}

void MtaClient::give_up(MtaResult::Outcome why, std::string_view what) {
  if (done_) return;
  result_.reply = what;
  finish(why);
}

void MtaClient::finish(MtaResult::Outcome outcome) {
  result_.outcome = outcome;
  done_ = true;
  buffer_ = {};
}

std::string MtaClient::introduce() {
  const auto* offer = find_extension(result_.extensions, "XCLIENT");
  const auto offers = [&](std::string_view attribute) {
    for (std::size_t at = 0; at < offer->size();) {
      const auto end = std::min(offer->find(' ', at), offer->size());
      if (same(std::string_view(*offer).substr(at, end - at), attribute)) return true;
      at = end + 1;
    }
    return false;
  };
  if (offer == nullptr || !offers("ADDR")) {
    finish(MtaResult::Outcome::no_xclient);
    return {};
  }
  result_.stage = MtaStage::xclient;
  std::string line = "XCLIENT ADDR=" + xclient_address(script_.client);
  const auto add = [&](std::string_view attribute, std::string_view value) {
    if (offers(attribute)) fmt::format_to(std::back_inserter(line), " {}={}", attribute, value);
  };
  if (script_.client_port != 0) add("PORT", std::to_string(script_.client_port));
  add("NAME", script_.client_name.empty() ? "[UNAVAILABLE]" : xtext(script_.client_name));
  add("HELO", xtext(script_.envelope.helo));
  add("PROTO", script_.envelope.extended ? "ESMTP" : "SMTP");
  if (script_.local_port != 0) {
    add("DESTADDR", xclient_address(script_.local));
    add("DESTPORT", std::to_string(script_.local_port));
  }
  return line_of(line);
}

std::string MtaClient::greet() {
  result_.stage = MtaStage::ehlo;
  return line_of((script_.envelope.extended ? "EHLO " : "HELO ") + script_.envelope.helo);
}

// MAIL and RCPT are written anew from what was parsed: nothing odd that the client may have put between goes through to the MTA.
std::string MtaClient::sender() {
  result_.stage = MtaStage::mail;
  const auto path = parse_sender(parse_command(script_.envelope.mail).argument);
  if (!path) {
    finish(MtaResult::Outcome::out_of_step);
    return {};
  }
  return line_of("MAIL FROM:<" + path->address + ">" + offered_parameters(path->parameters, result_.extensions));
}

std::string MtaClient::recipient() {
  result_.stage = MtaStage::rcpt;
  auto line = recipient_line(script_.envelope.rcpt, result_.extensions);
  if (line.empty()) finish(MtaResult::Outcome::out_of_step);
  return line;
}

void MtaClient::read_extensions(std::string_view reply) {
  bool first = true;
  each_line(reply, [&](std::string_view line) {
    if (!std::exchange(first, false) && !line.empty()) result_.extensions.emplace_back(line);
  });
}

}  // namespace deferd::smtp
