#!/usr/bin/env python3
"""run.py BUILD_DIR: deferd behind a real Postfix. Client addresses are claimed by XCLIENT."""
import pathlib
import signal
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import Deferd, Postfix, Sink, SmtpClient, deliver, enter_namespace, need, play, temporary_folder, wait_for

enter_namespace()
need("postfix")
BUILD = sys.argv[1]
PORT = Postfix.PORT


class Site:
    """deferd, Postfix and a sink behind it."""

    def __init__(self, deferd_options=None, postfix_options=None):
        self.options = deferd_options or {}
        self.postfix_options = postfix_options or {}

    def __enter__(self):
        self.context = temporary_folder()
        self.folder = self.context.__enter__()
        self.sink = Sink()
        self.deferd = Deferd(BUILD, self.folder, **self.options).__enter__()
        self.postfix = Postfix(self.folder, self.deferd.socket, self.sink.port, **self.postfix_options).__enter__()
        return self

    def __exit__(self, *exception):
        self.postfix.__exit__(*exception)
        self.deferd.__exit__(*exception)
        self.sink.close()
        self.context.__exit__(*exception)


def first_try(client="192.0.2.7", sender="a@example.net", recipients=("r1@example.org",)):
    return deliver(PORT, client, sender, recipients)


def a_stranger_is_deferred_and_its_retry_is_delivered_with_the_header():
    with Site() as site:
        replies, _ = first_try()
        assert replies == ["451 4.7.1 Please try again later"], replies
        wait_for(lambda: "milter-reject: RCPT from unknown[192.0.2.7]: 451 4.7.1" in site.postfix.log(), "Postfix's log line")
        wait_for(lambda: "rcpt.defer id=" in site.deferd.log(), "the log line")
        site.deferd.advance(299)
        assert first_try()[0][0].startswith("451")
        site.deferd.advance(1)
        replies, end = first_try()
        assert replies[0].startswith("250") and end.startswith("250"), (replies, end)
        wait_for(lambda: site.sink.messages, "the mail in the sink")
        recipients, text = site.sink.messages[0]
        assert recipients == ["r1@example.org"]
        header = [line for line in text.splitlines() if line.startswith("X-Greylist:")]
        assert len(header) == 1 and "00:05:00" in header[0], text


def a_white_client_passes_at_once():
    with Site() as site:
        first_try()
        site.deferd.advance(300)
        assert first_try()[1].startswith("250")
        replies, end = deliver(PORT, "192.0.2.7", "other@example.com", ["r2@example.org"])
        assert end and end.startswith("250"), replies
        assert [row["prefix"] for row in site.deferd.ctl_rows("list", "white")] == ["192.0.2.7"]


def what_was_told_survives_kill_9():
    with Site() as site:
        first_try()
        site.deferd.kill()
        site.deferd.start()
        site.deferd.advance(300)
        assert first_try()[1].startswith("250")
        site.deferd.kill()
        site.deferd.start()
        assert deliver(PORT, "192.0.2.7", "other@example.com", ["r2@example.org"])[1].startswith("250")


def mail_flows_while_deferd_is_away():
    with Site() as site:
        site.deferd.kill()
        assert first_try()[1].startswith("250")


def passed_grey_and_unknown_recipients_of_one_message_are_each_accounted_for():
    with Site() as site:
        deliver(PORT, "192.0.2.7", "a@example.net", ["known@example.org"])
        site.deferd.advance(300)
        # Another pair of the same client, which is not white yet: grey.
        replies, end = deliver(PORT, "192.0.2.7", "a@example.net", ["nobody@example.org", "r9@example.org", "known@example.org"])
        assert [reply[:3] for reply in replies] == ["550", "451", "250"], replies
        assert end.startswith("250")
        wait_for(lambda: site.sink.messages, "the mail in the sink")
        assert site.sink.messages[0][0] == ["known@example.org"]
        grey = site.deferd.ctl_rows("list", "grey")
        assert [row["to"] for row in grey if row["state"] == "waiting"] == ["r9@example.org"], grey


def ipv6_clients_are_deferred_and_let_in():
    with Site() as site:
        client = "2001:db8:1::25"
        assert first_try(client)[0][0].startswith("451")
        site.deferd.advance(300)
        assert first_try(client)[1].startswith("250")
        assert [row["prefix"] for row in site.deferd.ctl_rows("list", "white")] == [client]


def many_messages_of_one_connection_are_judged_one_by_one():
    with Site() as site:
        smtp = SmtpClient(PORT)
        smtp.begin("192.0.2.7")
        for number in range(5):
            assert smtp.message("a@example.net", [f"r{number}@example.org"])[0][0].startswith("451")
            smtp.say("RSET")
        site.deferd.advance(300)
        for number in range(5):
            assert smtp.message("a@example.net", [f"r{number}@example.org"])[1].startswith("250")
        smtp.quit()


def voice_data_defers_the_whole_message_at_data():
    with Site({"settings": "", "plugins": Deferd.PLUGINS}) as site:
        text = site.deferd.config.read_text().replace("milter: {", "milter: {voice: data, ")
        site.deferd.config.write_text(text)
        site.deferd.ctl("reload")
        replies, end = first_try()
        assert replies[0].startswith("250") and end.startswith("451"), (replies, end)
        site.deferd.advance(300)
        assert first_try()[1].startswith("250")


def letters(number):
    return "".join(chr(ord("a") + int(digit)) for digit in str(number)) + "z"


def a_hundred_reloads_under_load_lose_nothing():
    # No quota: the load comes from one network. Senders are told apart by letters: digits in them are folded away.
    with Site({"plugins": "  - greylist: {pass_time: 5m, quota: {burst: 0}}\n"}) as site:
        stop = threading.Event()
        answers = []

        def load(number):
            count = 0
            while not stop.is_set():
                count += 1
                answers.append(deliver(PORT, f"198.51.100.{number}", letters(number) + letters(count) + "@example.net", ["r1@example.org"])[0][0])

        threads = [threading.Thread(target=load, args=(number,)) for number in range(1, 5)]
        for thread in threads:
            thread.start()
        for _ in range(100):
            done = site.deferd.log().count("reload.done")
            site.deferd.signal(signal.SIGHUP)
            wait_for(lambda: site.deferd.log().count("reload.done") > done, "the reload")
        stop.set()
        for thread in threads:
            thread.join()
        assert site.deferd.process.poll() is None
        assert answers and all(answer.startswith("451 4.7.1") for answer in answers), set(answers)
        told = len(answers)
        kept = sum(1 for row in site.deferd.ctl_rows("list", "grey") if row["state"] == "waiting")
        assert kept == told, f"{told} were deferred, {kept} are on record"


def a_stop_lets_the_message_in_progress_end():
    with Site() as site:
        first_try()
        site.deferd.advance(300)
        smtp = SmtpClient(PORT)
        smtp.begin("192.0.2.7")
        smtp.say("MAIL FROM:<a@example.net>")
        assert smtp.say("RCPT TO:<r1@example.org>").startswith("250")
        stopped = []
        stopper = threading.Thread(target=lambda: stopped.append(site.deferd.stop()))
        stopper.start()
        wait_for(lambda: "deferd.stopping" in site.deferd.log(), "the stop to begin")
        assert smtp.say("DATA").startswith("354")
        assert smtp.say("Subject: last\r\n\r\nx\r\n.").startswith("250")
        smtp.quit()
        stopper.join()
        assert stopped[0] < 10, stopped


play([a_stranger_is_deferred_and_its_retry_is_delivered_with_the_header, a_white_client_passes_at_once,
      what_was_told_survives_kill_9, mail_flows_while_deferd_is_away,
      passed_grey_and_unknown_recipients_of_one_message_are_each_accounted_for, ipv6_clients_are_deferred_and_let_in,
      many_messages_of_one_connection_are_judged_one_by_one, voice_data_defers_the_whole_message_at_data,
      a_hundred_reloads_under_load_lose_nothing, a_stop_lets_the_message_in_progress_end])
