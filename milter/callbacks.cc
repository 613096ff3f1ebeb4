#include "milter/callbacks.h"

#include <array>
#include <atomic>
#include <string_view>
#include <vector>

namespace deferd {

namespace {

std::atomic<bool> early_replies = false;

// "Go on" where the MTA does not wait for an answer and where it does.
sfsistat early_go_on() { return early_replies ? SMFIS_CONTINUE : SMFIS_NOREPLY; }

class ContextMacros : public Macros {
 public:
  explicit ContextMacros(SMFICTX* context) : context_(context) {}
  std::string_view get(const char* name) const override {
    const char* value = smfi_getsymval(context_, const_cast<char*>(name));
    return value == nullptr ? std::string_view() : value;
  }

 private:
  SMFICTX* context_;
};

std::vector<std::string_view> arguments(char** argv) {
  std::vector<std::string_view> all;
  for (; argv != nullptr && *argv != nullptr && all.size() < 32; ++argv) all.emplace_back(*argv);
  return all;
}

// The MTA's answer; libmilter copies the texts.
sfsistat say(SMFICTX* context, const MilterReply& reply) {
  if (reply.kind == MilterReply::Kind::go_on) return SMFIS_CONTINUE;
  std::array<const char*, 33> line{};  // the last stays null
  for (std::size_t i = 0; i < reply.lines.size() && i + 1 < line.size(); ++i) line[i] = reply.lines[i].c_str();
  smfi_setmlreply(context, std::to_string(reply.code).c_str(), reply.enhanced.c_str(), line[0], line[1], line[2], line[3],
                  line[4], line[5], line[6], line[7], line[8], line[9], line[10], line[11], line[12], line[13], line[14],
                  line[15], line[16], line[17], line[18], line[19], line[20], line[21], line[22], line[23], line[24], line[25],
                  line[26], line[27], line[28], line[29], line[30], line[31], line[32]);
  return reply.kind == MilterReply::Kind::reject ? SMFIS_REJECT : SMFIS_TEMPFAIL;
}

// Runs one step of a connection; `fallback` is what the MTA is told when the gate is closed or anything is thrown.
template <class Step>
sfsistat run(SMFICTX* context, const char* where, sfsistat fallback, Step step) noexcept {
  const Gate<Switchboard>::Pass pass(milter_gate());
  Switchboard* const board = pass.target();
  if (board == nullptr) return fallback;
  auto* connection = static_cast<MilterConnection*>(smfi_getpriv(context));
  try {
    if (connection == nullptr) {
      connection = &board->connected();
      smfi_setpriv(context, connection);
    }
    const auto status = step(*board, *connection, ContextMacros(context));
    board->settle(*connection);
    return status;
  } catch (const std::exception& error) {
    board->failed(connection, where, error.what());
  } catch (...) {
    board->failed(connection, where, "unknown");
  }
  return fallback;
}

// An answer the MTA waits for only if `early_replies`.
template <class Step>
sfsistat run_early(SMFICTX* context, const char* where, Step step) noexcept {
  return run(context, where, early_go_on(), [&](Switchboard& board, MilterConnection& connection, const Macros& macros) {
    const MilterReply reply = step(connection, macros);
    if (!early_replies) return early_go_on();
    board.answering(reply);
    return say(context, reply);
  });
}

extern "C" {

sfsistat deferd_negotiate(SMFICTX* context, unsigned long actions, unsigned long steps, unsigned long, unsigned long,
                          unsigned long* want_actions, unsigned long* want_steps, unsigned long* want_2, unsigned long* want_3) {
  unsigned long unwanted = SMFIP_NOBODY | SMFIP_NOEOH | SMFIP_NOUNKNOWN | SMFIP_NR_HDR;
  if (!early_replies) unwanted |= SMFIP_NR_CONN | SMFIP_NR_HELO | SMFIP_NR_MAIL;
  unsigned long use = SMFIF_SETSYMLIST;
  const Gate<Switchboard>::Pass pass(milter_gate());
  if (Switchboard* const board = pass.target(); board != nullptr) try {
      const auto hooks = board->hooks();
      const auto config = board->config();
      if ((hooks & hook::headers) == 0) unwanted |= SMFIP_NOHDRS;
      if ((hooks & hook::data) == 0 && config->voice != Voice::data) unwanted |= SMFIP_NODATA;
      if (!config->header.empty()) use |= SMFIF_ADDHDRS;
    } catch (...) {
      board->failed(nullptr, "negotiate", "cannot tell what the plugins want");
    }
  *want_actions = actions & use;
  *want_steps = steps & unwanted;
  *want_2 = *want_3 = 0;
  if ((*want_actions & SMFIF_SETSYMLIST) != 0) {
    // Replaces the MTA's own lists: all that is read anywhere in this folder.
    const auto ask_for = [context](int stage, const char* macros) { smfi_setsymlist(context, stage, const_cast<char*>(macros)); };
    ask_for(SMFIM_CONNECT, "j v _ {daemon_name} {daemon_addr} {daemon_port} {if_addr} {client_port} {client_resolve}");
    ask_for(SMFIM_HELO, "{tls_version} {verify} {cert_subject}");
    ask_for(SMFIM_ENVFROM, "i {auth_authen}");
    ask_for(SMFIM_ENVRCPT, "i {rcpt_mailer}");
    ask_for(SMFIM_DATA, "i");
    ask_for(SMFIM_EOM, "i");
  }
  return SMFIS_CONTINUE;
}

sfsistat deferd_connect(SMFICTX* context, char* host, _SOCK_ADDR* address) {
  return run_early(context, "connect", [&](MilterConnection& connection, const Macros& macros) {
    return connection.session.connect(host == nullptr ? "" : host, MilterPeer::of(address), macros);
  });
}

sfsistat deferd_helo(SMFICTX* context, char* name) {
  return run_early(context, "helo", [&](MilterConnection& connection, const Macros& macros) {
    return connection.session.helo(name == nullptr ? "" : name, macros);
  });
}

sfsistat deferd_mail(SMFICTX* context, char** argv) {
  return run_early(context, "mail", [&](MilterConnection& connection, const Macros& macros) {
    return connection.session.mail(arguments(argv), macros);
  });
}

sfsistat deferd_rcpt(SMFICTX* context, char** argv) {
  return run(context, "rcpt", SMFIS_CONTINUE, [&](Switchboard& board, MilterConnection& connection, const Macros& macros) {
    const auto reply = connection.session.rcpt(arguments(argv), macros);
    board.answering(reply);
    return say(context, reply);
  });
}

sfsistat deferd_data(SMFICTX* context) {
  return run(context, "data", SMFIS_CONTINUE, [&](Switchboard& board, MilterConnection& connection, const Macros& macros) {
    const auto reply = connection.session.data(macros);
    board.answering(reply);
    return say(context, reply);
  });
}

sfsistat deferd_header(SMFICTX* context, char* name, char* value) {
  return run(context, "header", SMFIS_NOREPLY, [&](Switchboard&, MilterConnection& connection, const Macros&) {
    if (name != nullptr && value != nullptr) connection.session.header(name, value);
    return SMFIS_NOREPLY;
  });
}

sfsistat deferd_end(SMFICTX* context) {
  return run(context, "end", SMFIS_CONTINUE, [&](Switchboard& board, MilterConnection& connection, const Macros& macros) {
    const auto reply = connection.session.end(macros);
    if (const auto& delay = connection.session.delay_header(); !delay.empty())
      smfi_addheader(context, const_cast<char*>(board.config()->header.c_str()), const_cast<char*>(delay.c_str()));
    board.answering(reply);
    board.message_ended(reply);
    return say(context, reply);
  });
}

sfsistat deferd_abort(SMFICTX* context) {
  return run(context, "abort", SMFIS_CONTINUE, [](Switchboard&, MilterConnection& connection, const Macros&) {
    connection.session.abort();
    return SMFIS_CONTINUE;
  });
}

// The end of a connection, or of a client's use of it (QUIT_NC). When the gate is closed the switchboard has ended it already.
sfsistat deferd_close(SMFICTX* context) {
  auto* connection = static_cast<MilterConnection*>(smfi_getpriv(context));
  smfi_setpriv(context, nullptr);
  const Gate<Switchboard>::Pass pass(milter_gate());
  if (connection != nullptr && pass.target() != nullptr) pass.target()->disconnected(*connection);
  return SMFIS_CONTINUE;
}

}  // extern "C"

}  // namespace

Gate<Switchboard>& milter_gate() {
  static auto* const gate = new Gate<Switchboard>;
  return *gate;
}

smfiDesc milter_callbacks(bool with_early_replies) {
  early_replies = with_early_replies;
  smfiDesc filter{};
  filter.xxfi_name = const_cast<char*>("deferd");
  filter.xxfi_version = SMFI_VERSION;
  filter.xxfi_flags = SMFIF_ADDHDRS;
  filter.xxfi_connect = deferd_connect;
  filter.xxfi_helo = deferd_helo;
  filter.xxfi_envfrom = deferd_mail;
  filter.xxfi_envrcpt = deferd_rcpt;
  filter.xxfi_header = deferd_header;
  filter.xxfi_eom = deferd_end;
  filter.xxfi_abort = deferd_abort;
  filter.xxfi_close = deferd_close;
  filter.xxfi_data = deferd_data;
  filter.xxfi_negotiate = deferd_negotiate;
  return filter;
}

}  // namespace deferd
