-- A stranger's first try; the recipient nobody delays is not delayed.

local conn = greeted("192.0.2.4")
mail(conn, "<a@example.org>")
rcpt(conn, "<new@example.net>", SMFIR_REPLYCODE)
rcpt(conn, "<ok@example.net>", SMFIR_CONTINUE)
message(conn, SMFIR_CONTINUE)
check(not mt.eom_check(conn, MT_HDRADD, "X-Greylist"), "no header on mail that was not delayed")
mt.disconnect(conn)
