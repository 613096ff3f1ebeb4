-- Commands in the orders clients and MTAs come up with; after each the milter still serves.

-- Nothing at all.
mt.disconnect(negotiated())
mt.disconnect(negotiated(), false)

-- Hanging up at each step, politely and not.
for _, polite in ipairs({true, false}) do
  mt.disconnect(greeted("192.0.2.1"), polite)
  local conn = greeted("192.0.2.1")
  mail(conn, "<a@example.org>")
  mt.disconnect(conn, polite)
  conn = greeted("192.0.2.1")
  mail(conn, "<a@example.org>")
  rcpt(conn, "<ok@example.net>", SMFIR_CONTINUE)
  mt.disconnect(conn, polite)
end

-- No HELO; two of them; one between messages.
local conn = negotiated()
check(mt.conninfo(conn, "mail.example.org", "192.0.2.1") == nil, "conninfo")
mail(conn, "<a@example.org>")
rcpt(conn, "<defer@example.net>", SMFIR_REPLYCODE)
mt.disconnect(conn)

conn = greeted("192.0.2.1")
check(mt.helo(conn, "other.example.org") == nil, "second helo")
mail(conn, "<a@example.org>")
rcpt(conn, "<reject@example.net>", SMFIR_REPLYCODE)
check(mt.abort(conn) == nil, "abort")
check(mt.helo(conn, "third.example.org") == nil, "third helo")
mail(conn, "<>")
rcpt(conn, "<ok@example.net>", SMFIR_CONTINUE)
message(conn, SMFIR_CONTINUE)
mt.disconnect(conn)

-- Aborts where there is something to abort and where there is nothing.
conn = greeted("192.0.2.1")
check(mt.abort(conn) == nil, "abort before mail")
mail(conn, "<a@example.org>")
check(mt.abort(conn) == nil, "abort after mail")
check(mt.abort(conn) == nil, "abort twice")
mail(conn, "<a@example.org>")
rcpt(conn, "<ok@example.net>", SMFIR_CONTINUE)
check(mt.abort(conn) == nil, "abort after rcpt")
mail(conn, "<b@example.org>")
rcpt(conn, "<defer@example.net>", SMFIR_REPLYCODE)
rcpt(conn, "<ok@example.net>", SMFIR_CONTINUE)
rcpt(conn, "<reject@example.net>", SMFIR_REPLYCODE)
message(conn, SMFIR_CONTINUE)
mt.disconnect(conn)

-- A client over IPv6, and one the MTA cannot name: a local submission passes unasked.
conn = greeted("2001:db8::1")
mail(conn, "<a@example.org>")
rcpt(conn, "<defer@example.net>", SMFIR_REPLYCODE)
mt.disconnect(conn)
conn = greeted("unspec")
mail(conn, "<a@example.org>")
rcpt(conn, "<defer@example.net>", SMFIR_CONTINUE)
message(conn, SMFIR_CONTINUE)
mt.disconnect(conn)
