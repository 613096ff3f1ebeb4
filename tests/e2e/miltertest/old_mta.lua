-- MTAs that speak an older protocol, or offer less.

for _, offer in ipairs({{2, 0x3f, 0x7f}, {3, 0x3f, 0x1ff}, {4, 0x3f, 0x3ff}, {6, 0x1, 0x3f}}) do
  local conn = mt.connect(socket, 20, 0.1)
  check(mt.negotiate(conn, offer[1], offer[2], offer[3]) == nil, "negotiate version " .. offer[1])
  check(mt.conninfo(conn, "mail.example.org", "192.0.2.5") == nil, "conninfo")
  check(mt.getreply(conn) == SMFIR_CONTINUE, "an answer to conninfo")
  check(mt.helo(conn, "mail.example.org") == nil, "helo")
  check(mt.getreply(conn) == SMFIR_CONTINUE, "an answer to helo")
  mail(conn, "<a@example.org>")
  check(mt.getreply(conn) == SMFIR_CONTINUE, "an answer to mail")
  rcpt(conn, "<defer@example.net>", SMFIR_REPLYCODE)
  rcpt(conn, "<ok@example.net>", SMFIR_CONTINUE)
  message(conn, SMFIR_CONTINUE)
  mt.disconnect(conn)
end
