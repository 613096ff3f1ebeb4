-- Many messages over one connection, and several connections taking turns.

local conn = greeted("192.0.2.2")
for i = 1, 50 do
  mail(conn, "<a" .. i .. "@example.org>")
  rcpt(conn, "<defer@example.net>", SMFIR_REPLYCODE)
  rcpt(conn, "<ok@example.net>", SMFIR_CONTINUE)
  if i % 5 == 0 then
    check(mt.abort(conn) == nil, "abort")
  else
    message(conn, SMFIR_CONTINUE)
  end
end
mt.disconnect(conn)

local conns = {}
for i = 1, 10 do conns[i] = greeted("192.0.2." .. i) end
for _, c in ipairs(conns) do mail(c, "<a@example.org>") end
for i, c in ipairs(conns) do
  if i % 2 == 0 then rcpt(c, "<ok@example.net>", SMFIR_CONTINUE) else rcpt(c, "<defer@example.net>", SMFIR_REPLYCODE) end
end
for i, c in ipairs(conns) do
  if i % 2 == 0 then message(c, SMFIR_CONTINUE) end
  mt.disconnect(c)
end
