// A filter that does nothing but answer, on libmilter: what no other filter on libmilter can be faster than.
//
//   noop_filter SOCKET [--quiet]
//
// It takes every step of the protocol and answers each; with --quiet only those that deferd answers, at RCPT. Every recipient is
// deferred.
#include <libmilter/mfapi.h>

#include <cstdio>
#include <string>
#include <string_view>

namespace {

extern "C" {

sfsistat noop_connect(SMFICTX*, char*, _SOCK_ADDR*) { return SMFIS_CONTINUE; }
sfsistat noop_text(SMFICTX*, char*) { return SMFIS_CONTINUE; }
sfsistat noop_mail(SMFICTX*, char**) { return SMFIS_CONTINUE; }
sfsistat noop_rcpt(SMFICTX*, char**) { return SMFIS_TEMPFAIL; }
sfsistat noop_header(SMFICTX*, char*, char*) { return SMFIS_CONTINUE; }
sfsistat noop_body(SMFICTX*, unsigned char*, size_t) { return SMFIS_CONTINUE; }
sfsistat noop_step(SMFICTX*) { return SMFIS_CONTINUE; }
sfsistat noop_unknown(SMFICTX*, const char*) { return SMFIS_CONTINUE; }

sfsistat quiet_negotiate(SMFICTX*, unsigned long, unsigned long steps, unsigned long, unsigned long, unsigned long* actions,
                         unsigned long* unwanted, unsigned long* more, unsigned long* still_more) {
  *actions = *more = *still_more = 0;
  *unwanted = steps & (SMFIP_NOBODY | SMFIP_NOHDRS | SMFIP_NOEOH | SMFIP_NOUNKNOWN | SMFIP_NODATA | SMFIP_NR_CONN |
                       SMFIP_NR_HELO | SMFIP_NR_MAIL);
  return SMFIS_CONTINUE;
}
sfsistat quiet_connect(SMFICTX*, char*, _SOCK_ADDR*) { return SMFIS_NOREPLY; }
sfsistat quiet_helo(SMFICTX*, char*) { return SMFIS_NOREPLY; }
sfsistat quiet_mail(SMFICTX*, char**) { return SMFIS_NOREPLY; }

}  // extern "C"

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fputs("usage: noop_filter SOCKET [--quiet]\n", stderr);
    return 64;
  }
  char name[] = "noop";
  std::string socket = std::string("unix:") + argv[1];
  smfiDesc filter{};
  filter.xxfi_name = name;
  filter.xxfi_version = SMFI_VERSION;
  filter.xxfi_connect = noop_connect;
  filter.xxfi_helo = noop_text;
  filter.xxfi_envfrom = noop_mail;
  filter.xxfi_envrcpt = noop_rcpt;
  filter.xxfi_header = noop_header;
  filter.xxfi_eoh = noop_step;
  filter.xxfi_body = noop_body;
  filter.xxfi_eom = noop_step;
  filter.xxfi_abort = noop_step;
  filter.xxfi_close = noop_step;
  filter.xxfi_unknown = noop_unknown;
  filter.xxfi_data = noop_step;
  if (argc > 2 && std::string_view(argv[2]) == "--quiet") {
    filter.xxfi_negotiate = quiet_negotiate;
    filter.xxfi_connect = quiet_connect;
    filter.xxfi_helo = quiet_helo;
    filter.xxfi_envfrom = quiet_mail;
  }
  if (smfi_setconn(socket.data()) != MI_SUCCESS || smfi_setbacklog(1024) != MI_SUCCESS || smfi_register(filter) != MI_SUCCESS ||
      smfi_opensocket(true) != MI_SUCCESS) {
    std::fputs("noop_filter: cannot open the socket\n", stderr);
    return 1;
  }
  return smfi_main() == MI_SUCCESS ? 0 : 1;
}
