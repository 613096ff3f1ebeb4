-- The retry, 5 minutes later: let in with the header that tells of it.

local conn = greeted("192.0.2.4")
mail(conn, "<a@example.org>")
rcpt(conn, "<new@example.net>", SMFIR_CONTINUE)
message(conn, SMFIR_CONTINUE)
check(mt.eom_check(conn, MT_HDRADD, "X-Greylist"), "the header on delayed mail")
check(mt.getheader(conn, "X-Greylist", 0) == "delayed 00:05:00 by deferd", "what the header says")
mt.disconnect(conn)
