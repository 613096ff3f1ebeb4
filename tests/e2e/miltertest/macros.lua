-- Macros there, missing, late and strange.

-- All that Postfix and Sendmail send, and more.
local conn = negotiated()
mt.macro(conn, SMFIC_CONNECT, "j", "mx.example.net", "{daemon_name}", "MTA", "v", "Postfix 3.7.11", "_", "x [192.0.2.3]",
  "{client_port}", "nonsense", "{daemon_addr}", "nonsense", "{unheard_of}", "x")
check(mt.conninfo(conn, "mail.example.org", "192.0.2.3") == nil, "conninfo")
mt.macro(conn, SMFIC_HELO, "{tls_version}", "TLSv1.3", "{cert_subject}", "")
check(mt.helo(conn, "mail.example.org") == nil, "helo")
mt.macro(conn, SMFIC_MAIL, "i", "4QTEST", "{mail_addr}", "a@example.org")
mail(conn, "<a@example.org>")
mt.macro(conn, SMFIC_RCPT, "i", "4QTEST", "{rcpt_mailer}", "esmtp")
rcpt(conn, "<defer@example.net>", SMFIR_REPLYCODE)

-- The MTA has refused this recipient itself.
mt.macro(conn, SMFIC_RCPT, "{rcpt_mailer}", "error")
rcpt(conn, "<defer@example.net>", SMFIR_CONTINUE)
check(mt.abort(conn) == nil, "abort")

-- Logging in between messages exempts from then on.
mt.macro(conn, SMFIC_MAIL, "{auth_authen}", "anna", "{auth_type}", "PLAIN")
mail(conn, "<a@example.org>")
rcpt(conn, "<defer@example.net>", SMFIR_CONTINUE)
message(conn, SMFIR_CONTINUE)
mt.disconnect(conn)

-- A certificate counts only when the MTA has verified it.
for verify, reply in pairs({OK = SMFIR_CONTINUE, FAIL = SMFIR_REPLYCODE, NO = SMFIR_REPLYCODE}) do
  conn = negotiated()
  check(mt.conninfo(conn, "mail.example.org", "192.0.2.3") == nil, "conninfo")
  mt.macro(conn, SMFIC_HELO, "{tls_version}", "TLSv1.3", "{verify}", verify, "{cert_subject}", "/CN=mail.example.org")
  check(mt.helo(conn, "mail.example.org") == nil, "helo")
  mail(conn, "<a@example.org>")
  rcpt(conn, "<defer@example.net>", reply)
  mt.disconnect(conn)
end
