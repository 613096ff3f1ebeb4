-- What the scripts share. Globals: `socket`, where the milter is.

function check(condition, what)
  if condition then return end
  mt.echo("failed: " .. what)  -- miltertest keeps what error() says to itself
  error(what)
end

-- A milter connection on which nothing was said yet but the negotiation.
function negotiated()
  local conn = mt.connect(socket, 20, 0.1)
  check(conn ~= nil, "connect to " .. socket)
  check(mt.negotiate(conn, nil, nil, nil) == nil, "negotiate")
  return conn
end

-- A client that has said HELO.
function greeted(address)
  local conn = negotiated()
  check(mt.conninfo(conn, "mail.example.org", address) == nil, "conninfo")
  check(mt.helo(conn, "mail.example.org") == nil, "helo")
  return conn
end

function mail(conn, from)
  check(mt.mailfrom(conn, from) == nil, "mail " .. from)
end

-- One recipient; `reply` is the SMFIR_ code expected.
function rcpt(conn, to, reply)
  check(mt.rcptto(conn, to) == nil, "rcpt " .. to)
  local got = mt.getreply(conn)
  check(got == reply, "reply to rcpt " .. to .. ": '" .. string.char(got) .. "', not '" .. string.char(reply) .. "'")
end

-- The rest of a message; `reply` is expected at its end.
function message(conn, reply)
  if not mt.test_option(conn, SMFIP_NODATA) then check(mt.data(conn) == nil, "data") end
  if not mt.test_option(conn, SMFIP_NOHDRS) then
    check(mt.header(conn, "From", "a@example.org") == nil, "header")
    check(mt.header(conn, "Subject", "test") == nil, "header")
  end
  if not mt.test_option(conn, SMFIP_NOEOH) then check(mt.eoh(conn) == nil, "eoh") end
  if not mt.test_option(conn, SMFIP_NOBODY) then check(mt.bodystring(conn, "test\r\n") == nil, "body") end
  check(mt.eom(conn) == nil, "eom")
  check(mt.getreply(conn) == reply, "reply at the end of the message")
end
