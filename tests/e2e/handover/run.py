#!/usr/bin/env python3
"""run.py BUILD_DIR [MAILS]: clients that pass are handed over to a real Postfix. The last test sends MAILS (100) mails from a Postfix
through deferd to another one, while both are restarted and connections are cut."""
import pathlib
import random
import re
import signal
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from houses import CLIENTS, FRONT, FRONT_PORT, PLAIN, PROXIED, SUBMIT, Client, Ledger, Site, add_addresses, sender, try_once
from support import SmtpClient, enter_namespace, need, play, wait_for

enter_namespace()
need("postfix", "ss", "openssl")
add_addresses()
BUILD = sys.argv[1]
MAILS = int(sys.argv[2]) if len(sys.argv) > 2 else 100
XCLIENT = f"{{to: '127.0.0.1:{PLAIN}', with: xclient}}"


def deliver_after_the_wait(site):
    """A stranger's first try, and its retry up to the MTA's reply to the recipient."""
    assert try_once().startswith("451 4.7.1"), "not so soon"
    site.deferd.advance(300)
    client = Client()
    answer = client.mail()
    assert answer.startswith("250"), answer
    return client


def finish(client, text="Subject: test\r\n\r\ntest"):
    answer = client.say("DATA")
    assert answer.startswith("354"), answer
    answer = client.say(text + "\r\n.")
    assert answer.startswith("250") and "queued as" in answer, answer
    answer = client.say("QUIT")
    assert answer.startswith("221"), answer
    client.close()


# Starting and stopping a Postfix takes seconds, so what can be seen at one site is seen there.

def who_passes_delivers_and_stays_white():
    with Site(BUILD) as site:
        site.deferd.wait_until_ready()
        only_what_the_mta_offers_is_offered(site)
        the_passing_retry_itself_delivers_and_the_mta_sees_the_stranger(site)
        mail_that_the_mta_takes_keeps_its_sender_white(site)


def only_what_the_mta_offers_is_offered(site):
    client = Client()
    offered = sorted(line[4:].split()[0] for line in client.extensions)
    assert offered == ["8BITMIME", "DSN", "ENHANCEDSTATUSCODES", "SIZE", "SMTPUTF8"], offered
    assert any(line[4:] == "SIZE 30000000" for line in client.extensions), client.extensions
    assert client.mail().startswith("451 4.7.1"), "a stranger"
    client.close()


def the_passing_retry_itself_delivers_and_the_mta_sees_the_stranger(site):
    finish(deliver_after_the_wait(site))
    wait_for(lambda: "status=sent" in site.receiver.log(), "the mail in the receiving Postfix")
    assert f"connect from unknown[{CLIENTS[0]}]" in site.receiver.log()
    wait_for(lambda: f"smtp.handover client={CLIENTS[0]} result=accepted" in site.deferd.log(), "the log line")


def mail_that_the_mta_takes_keeps_its_sender_white(site):
    def white_until():
        return [row["expires"] for row in site.deferd.ctl_rows("list", "white")]

    def ended():
        return site.deferd.log().count("smtp.handover_ended")

    first, before = white_until(), ended()
    assert len(first) == 1
    site.deferd.advance(7200)
    client = Client()
    answer = client.mail("other@example.com", "r2@example.org")
    assert answer.startswith("250"), "white now: a new pair goes through at once"
    client.close()
    wait_for(lambda: ended() > before, "the session to end")
    assert white_until() == first, "who leaves before its message is not kept white"
    client = Client()
    assert client.mail("other@example.com", "r2@example.org").startswith("250")
    finish(client)
    wait_for(lambda: white_until() > first, "the row to be renewed")
    # Also where a rule let the recipient in, and the session was led.
    second = white_until()
    site.deferd.advance(7200)
    client = Client()
    assert client.mail(recipient="r-postmaster@example.org").startswith("250")
    assert client.say("DATA").startswith("354")
    assert "queued as" in client.say("Subject: test\r\n\r\ntest\r\n.")
    assert white_until() > second
    client.close()


def nor_can_a_stranger_send_to_foreign_domains(site):
    client = deliver_after_the_wait(site)
    answer = client.say("RCPT TO:<someone@foreign.example>")
    assert answer.startswith("554 5.7.1"), answer
    client.close()
    answer = try_once(recipient="someone@foreign.example")
    assert answer.startswith("554 5.7.1"), answer


def by_xclient_the_mta_sees_the_stranger_who_cannot_claim_another_address():
    with Site(BUILD, handover=XCLIENT) as site:
        site.deferd.wait_until_ready()
        nor_can_a_stranger_send_to_foreign_domains(site)
        client = Client()
        assert client.mail().startswith("250")
        assert client.say("RSET").startswith("250")
        answer = client.say("XCLIENT ADDR=127.0.0.1 NAME=localhost")
        assert answer[0] == "5", answer
        assert client.say("MAIL FROM:<a@example.net>").startswith("250")
        assert client.say("RCPT TO:<someone@foreign.example>").startswith("554")
        assert client.say("RCPT TO:<r1@example.org>").startswith("250")
        finish(client)
        wait_for(lambda: f"client=unknown[{CLIENTS[0]}]" in site.receiver.log(), "the stranger's address")


def inside_tls_much_goes_through_in_order():
    with Site(BUILD, tls=True) as site:
        site.deferd.wait_until_ready()
        deliver_after_the_wait(site).close()
        client = Client()
        client.start_tls()
        assert client.mail(recipient="r2@example.org").startswith("250")
        text = "".join(f"{number:076d}\r\n" for number in range(100_000))
        finish(client, "Subject: long\r\n\r\n" + text)
        wait_for(lambda: "to=<r2@example.org>" in site.receiver.log(), "the mail in the receiving Postfix")
        sizes = [int(size) for size in re.findall(r"size=(\d+)", site.receiver.log())]
        assert max(sizes) > 100_000 * 77, sizes


def an_mta_that_takes_us_for_the_client_is_refused():
    with Site(BUILD, handover=f"{{to: '127.0.0.1:{PLAIN}', with: proxy-v2}}") as site:
        wait_for(lambda: "smtp.handover_unsafe" in site.deferd.log(), "the target to be refused")
        assert "smtpd_upstream_proxy_protocol=haproxy" in site.deferd.log()
        assert try_once().startswith("451")
        site.deferd.advance(300)
        assert try_once().startswith("451"), "nobody is handed over"
        assert [row["prefix"] for row in site.deferd.ctl_rows("list", "white")] == [CLIENTS[0]]


def an_mta_that_is_away_costs_time_only():
    with Site(BUILD) as site:
        site.deferd.wait_until_ready()
        assert try_once().startswith("451 4.7.1")
        site.deferd.advance(300)
        site.receiver.stop()
        answer = try_once()
        assert answer.startswith("451 4.3.0"), answer
        wait_for(lambda: "result=unavailable" in site.deferd.log(), "the log line")
        site.receiver.start()
        wait_for(lambda: try_once().startswith("250"), "the hand-over to heal")


def a_stop_lets_handed_over_sessions_finish():
    with Site(BUILD) as site:
        site.deferd.wait_until_ready()
        client = deliver_after_the_wait(site)
        led = Client(CLIENTS[1])
        assert led.mail(recipient="r-postmaster@example.org").startswith("250")
        assert led.say("DATA").startswith("354")
        site.deferd.signal(signal.SIGTERM)
        wait_for(lambda: "deferd.stopping" in site.deferd.log(), "the stop to begin")
        finish(client)
        assert "queued as" in led.say("Subject: test\r\n\r\ntest\r\n.")
        assert led.read().startswith("421"), "and no message more"
        assert site.deferd.process.wait(20) == 0
        site.deferd.start()
        wait_for(lambda: site.deferd.log().count("smtp.handover_ready") == 2, "the probe to find the MTA again")
        a_second_sigterm_waits_for_nobody(site)


def a_second_sigterm_waits_for_nobody(site):
    client = Client()
    assert client.mail().startswith("250"), "white"
    site.deferd.signal(signal.SIGTERM)
    wait_for(lambda: site.deferd.log().count("deferd.stopping") == 2, "the stop to begin")
    site.deferd.signal(signal.SIGTERM)
    assert site.deferd.process.wait(20) == 0
    client.close()


def who_names_an_open_recipient_first_gets_no_further_than_that():
    with Site(BUILD) as site:
        site.deferd.wait_until_ready()
        client = Client()
        assert client.mail(recipient="r-postmaster@example.org").startswith("250"), "open to everybody"
        answer = client.say("RCPT TO:<r1@example.org>")
        assert answer.startswith("451 4.7.1"), answer
        answer = client.say("RCPT TO:<r-postmaster@example.org>\r\nRCPT TO:<r2@example.org>\r\nNOOP")
        assert answer.startswith("250"), answer
        assert client.read().startswith("451 4.7.1") and client.read().startswith("250"), "in order, all at once"
        assert client.say("DATA").startswith("354")
        client.file.write(b"Subject: test\r\n\r\n..\r\ntest\r\n.\r\nMAIL FROM:<a@example.net>\r\nRCPT TO:<r3@example.org>\r\nDATA\r\n")
        client.file.flush()
        assert "queued as" in client.read()
        answers = [client.read() for _ in range(3)]
        assert [answer[:3] for answer in answers] == ["250", "451", "451"], answers
        # Nor by another dialogue behind the first.
        assert client.say("RSET").startswith("250")
        assert client.mail(recipient="r-postmaster@example.org").startswith("250")
        for way_out in ("EHLO mail.example.net", "RSET"):
            assert client.say(way_out).startswith("250")
            answer = client.mail(recipient="r4@example.org")
            assert answer.startswith("451 4.7.1"), answer
        assert client.say("QUIT").startswith("221")
        client.close()
        wait_for(lambda: site.sink.arrivals, "the mail to arrive")
        wait_for(lambda: not site.receiver.queued(), "the queue to be empty")
        recipients = {recipient for names, _, _ in site.sink.arrivals for recipient in names}
        assert recipients == {"r-postmaster@example.org"}, recipients
        assert "r1@example.org" not in site.receiver.log() and "r4@example.org" not in site.receiver.log()
        assert not site.deferd.ctl_rows("list", "white"), "that makes nobody white"

        # Nor by what only some MTAs take for the end of a message.
        arrived = len(site.sink.arrivals)
        client = Client()
        assert client.mail(recipient="r-postmaster@example.org").startswith("250")
        assert client.say("DATA").startswith("354")
        client.file.write(b"Subject: test\r\n\n.\r\nMAIL FROM:<a@example.net>\r\nRCPT TO:<r1@example.org>\r\nDATA\r\nSubject: smuggled\r\n\r\n.\r\n")
        client.file.flush()
        answer = client.read()
        assert answer.startswith("554 5.6.0"), answer
        client.close()
        wait_for(lambda: "lost connection after DATA" in site.receiver.log(), "Postfix to be hung up on")
        wait_for(lambda: not site.receiver.queued(), "Postfix to forget what it had of the message")
        assert len(site.sink.arrivals) == arrived, site.sink.arrivals
        nor_can_a_stranger_send_to_foreign_domains(site)


# ---- Postfix to Postfix

def recipients_of(number, attempt, chance):
    """1 to 50: known ones, some of them open to everybody, such that deferd rejects, and such that only the MTA knows not to exist."""
    count = 1 if chance.random() < 0.5 else chance.randint(2, 50)
    kinds = ("r", "r", "ropen", "bad", "nobody")
    return [f"{chance.choice(kinds if index else kinds[:3])}{number}-{attempt}-{index}@example.org" for index in range(count)]


def size_of(number, chance):
    if number % 50 == 49:
        return 20_000_000 if number < 50 or number % 250 == 249 else 3_000_000
    return chance.choice((0, 100, 2_000, 20_000, 200_000))


def inject(number, chance, sent):
    """Gives one mail to the sending Postfix; a try that it did not confirm, as it is being restarted, does not count."""
    body = "Subject: test\r\n\r\n" + ("x" * 78 + "\r\n") * (size_of(number, chance) // 80)
    origin = f"s{chance.randrange(len(CLIENTS))}+m{number}@example.net"
    for attempt in range(1000):
        recipients = recipients_of(number, attempt, chance)
        try:
            smtp = SmtpClient(SUBMIT)
            smtp.begin(None)
            end = smtp.message(origin, recipients, body)[1]
            smtp.quit()
        except (OSError, AssertionError):
            end = None
        if end and end.startswith("250"):
            sent.update(recipients)
            return
        time.sleep(0.1)
    raise AssertionError("the sending Postfix takes no mail")


def trouble(site, sending, stop, done, killed):
    """Restarts and cuts in turn, and lets the testing clock run, until told to stop. Notes in `killed` when the sender was stopped."""
    rounds = 0
    while not stop.wait(1.0):
        rounds += 1
        site.deferd.advance(60)
        kind = ("nothing", "cut clients", "restart the MTA", "cut the MTA", "restart the sender")[rounds % 5]
        if kind == "cut clients":
            subprocess.run(["ss", "-K", "dst", FRONT, "dport", str(FRONT_PORT)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        elif kind == "cut the MTA":
            subprocess.run(["ss", "-K", "dport", str(PROXIED)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        elif kind == "restart the MTA":
            site.receiver.restart()
        elif kind == "restart the sender":
            begin = time.time()
            sending.stop()
            killed.append((begin, time.time()))
            sending.start()
        done.append(kind)


def no_recipient_is_lost_between_two_postfixes():
    chance = random.Random(25)
    with Site(BUILD, late_mta=True) as site, sender(site.folder / "sender") as sending:
        site.deferd.wait_until_ready()
        sent, stop, done, killed = set(), threading.Event(), [], []
        troubles = threading.Thread(target=trouble, args=(site, sending, stop, done, killed))
        begin = time.monotonic()
        troubles.start()
        try:
            for number in range(MAILS):
                inject(number, chance, sent)
            # Five rounds more, so that each trouble meets mail under way; then in peace.
            rounds = len(done)
            wait_for(lambda: len(done) >= rounds + 5, "five more troubles", 60)
        finally:
            stop.set()
            troubles.join()
        deadline = time.monotonic() + max(60, MAILS / 2)
        while sending.queued() and time.monotonic() < deadline:
            site.deferd.advance(60)
            time.sleep(0.5)
        wait_for(lambda: not site.receiver.queued() and not sending.queued(), "the queues to be empty", 60)
        seconds = time.monotonic() - begin
        ledger = Ledger(site.sink, sending, site.receiver, killed)
        site.deferd.signal(signal.SIGTERM)
        assert site.deferd.process.wait(20) == 0

        delivered = {recipient for recipient in sent if ledger.copies[recipient]}
        bounced = {recipient for recipient in sent if ledger.bounced[recipient]}
        twice = {recipient for recipient in delivered if len(ledger.copies[recipient]) > 1}
        print(f"      {MAILS} mails, {len(sent)} recipients in {seconds:.0f} s: {len(delivered)} delivered, {len(twice)} of them twice or "
              f"more, {len(bounced)} rejected; {len(done)} troubles; handed over {site.deferd.log().count('smtp.handover ')} times",
              flush=True)
        known = {recipient for recipient in sent if recipient.startswith("r")}
        for what, wrong in {"still queued": set(sending.queued()), "lost": sent - delivered - bounced,
                            "rejected": bounced & known, "let in": delivered - known,
                            "twice for no reason": {recipient for recipient in twice if not ledger.explains(recipient)}}.items():
            assert not wrong, f"{len(wrong)} {what}:\n" + "\n".join(ledger.story(name) for name in sorted(wrong)[:2])


TESTS = [who_passes_delivers_and_stays_white, who_names_an_open_recipient_first_gets_no_further_than_that,
         by_xclient_the_mta_sees_the_stranger_who_cannot_claim_another_address, inside_tls_much_goes_through_in_order,
         an_mta_that_takes_us_for_the_client_is_refused, an_mta_that_is_away_costs_time_only,
         a_stop_lets_handed_over_sessions_finish, no_recipient_is_lost_between_two_postfixes]
play(TESTS)
