-- The whole way of a stranger's message: deferred, retried, let in with the header that tells of it.

local conn = greeted("192.0.2.4")
mail(conn, "<a@example.org>")
rcpt(conn, "<new@example.net>", SMFIR_REPLYCODE)
rcpt(conn, "<ok@example.net>", SMFIR_CONTINUE)
message(conn, SMFIR_CONTINUE)
check(not mt.eom_check(conn, MT_HDRADD, "X-Greylist"), "no header on mail that was not delayed")
mt.disconnect(conn)

mt.sleep(2.1)
conn = greeted("192.0.2.4")
mail(conn, "<a@example.org>")
rcpt(conn, "<new@example.net>", SMFIR_CONTINUE)
message(conn, SMFIR_CONTINUE)
check(mt.eom_check(conn, MT_HDRADD, "X-Greylist"), "the header on delayed mail")
check(string.find(mt.getheader(conn, "X-Greylist", 0), "^delayed 00:00:0%d by deferd"), "what the header says")
mt.disconnect(conn)
