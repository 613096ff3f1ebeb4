#!/usr/bin/env python3
"""run.py BUILD_DIR [TEST...]: conf/spamd-like.yaml in spamd's place: what strangers and trapped clients meet, what the log says.

The file is used as it is, but for paths and for the stutter, which is quicker here.
"""
import contextlib
import pathlib
import re
import socket
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import Deferd, enter_namespace, need, play, run, temporary_folder, wait_for

CONF = pathlib.Path(__file__).resolve().parents[3] / "conf" / "spamd-like.yaml"
STRANGER, TRAPPED = "192.0.2.7", "198.51.100.7"
PER_BYTE = 0.02
QUICK = f"{int(PER_BYTE * 1000)}ms"
TEXT = ["From: \t=?utf-8?q?win?= <a@example.org>", "To: bert", "Subject: money", "X-Mailer: bot", ""] + ["line"] * 10


class InSpamdsPlace(Deferd):
    def __init__(self, build, folder, black_list_only=False):
        self.black_list_only = black_list_only
        super().__init__(build, folder)

    def write_config(self, *_ignored):
        text = CONF.read_text()
        for old, new in (("path: /var/lib/deferd/db", f"path: {self.folder}/db"), ("/run/deferd/control.sock", str(self.control)),
                         ("to: syslog", "to: stderr"), ("user: deferd\n", ""), ("per_byte: 1s", f"per_byte: {QUICK}"),
                         ("during: 10s", "during: 200ms"), ('name: ""', "name: mx.example.net")):
            assert old in text, f"{CONF} does not hold {old!r}"
            text = text.replace(old, new)
        if self.black_list_only:
            active, commented = text.split("# Black-list-only mode")
            block = "".join(line[2:] + "\n" for line in commented[commented.index("# plugins:"):].splitlines())
            assert "tarpit: {strangers: {" in block, block
            text = active[:active.index("\nplugins:")] + "\n" + block.replace(
                "tarpit: {strangers: {", f"tarpit: {{hold: {{per_byte: {QUICK}}}, strangers: {{per_byte: {QUICK}, ")
        self.config.write_text(text)

    def lines(self):
        """What spamd would have said, without time and level."""
        return [line.split(" ", 2)[2] for line in self.log().splitlines() if re.search(r"Z \w+ (\(|[\d.]+: |listening)", line)]


class Client:
    """Reads byte by byte, to see them come."""

    def __init__(self, address):
        self.socket = socket.create_connection(("127.0.0.1", 8025), 30, (address, 0))

    def read(self):
        """A reply, and how long it took from its first byte to its last."""
        reply, first = b"", None
        while not re.search(rb"(^|\n)\d{3} [^\n]*\n$", reply):
            byte = self.socket.recv(1)
            assert byte, f"hung up after {reply!r}"
            first = first or time.monotonic()
            reply += byte
        return reply.decode().rstrip("\r\n"), time.monotonic() - first

    def say(self, line):
        self.socket.sendall(line.encode() + b"\r\n")
        return self.read()[0]

    def envelope(self):
        replies = [self.say(line) for line in ("EHLO mail.example.org", "MAIL FROM:<a@example.org>", "RCPT TO:<b@example.net>")]
        assert all(reply.splitlines()[-1].startswith("250 ") for reply in replies), replies

    def gone(self):
        return self.socket.recv(1) == b""


@contextlib.contextmanager
def serving(**options):
    with temporary_folder() as folder, InSpamdsPlace(BUILD, folder, **options) as deferd:
        yield deferd


def attempt(address):
    client = Client(address)
    client.read()
    client.envelope()
    reply = client.say("DATA")
    assert client.gone()
    return reply


def trap(deferd, address):
    run("curl", "-sS", "--fail-with-body", "--unix-socket", str(deferd.control), "-X", "PUT", "-H", "Content-Type: application/json",
        "-d", f'{{"prefix": "{address}", "for": "1d"}}', "http://localhost/v1/tables/trapped")


def white(deferd):
    return [row["prefix"] for row in deferd.ctl_rows("list", "white")]


def stranger_is_stuttered_at_first_and_deferred_at_data():
    with serving():
        client = Client(STRANGER)
        banner, took = client.read()
        assert banner == "220 mx.example.net ESMTP", banner
        assert took >= 5 * PER_BYTE, took  # 0.2 s of stutter, then the rest
        client.envelope()
        assert client.say("DATA") == "451 4.7.1 Please try again later"
        assert client.gone()


def retry_after_25_minutes_makes_white_and_hears_451_once_more():
    with serving() as deferd:
        for seconds, is_white in ((0, False), (25 * 60, False), (1, True)):
            deferd.advance(seconds)
            assert attempt(STRANGER).startswith("451"), seconds
            assert (white(deferd) == [STRANGER]) == is_white, seconds


def trapped_client_is_led_through_the_whole_dialogue():
    with serving() as deferd:
        trap(deferd, TRAPPED)
        client = Client(TRAPPED)
        assert client.read()[0].startswith("220")
        client.envelope()
        begin = time.monotonic()
        reply = client.say("DATA")
        assert reply.startswith("354"), reply
        assert time.monotonic() - begin >= len(reply) * PER_BYTE, "the stutter must go on to the end"
        client.socket.sendall("\r\n".join(TEXT + ["and more"]).encode() + b"\r\n")
        assert client.read()[0].startswith("450 4.7.1 Your address 198.51.100.7 "), "told after the tenth line of the text, without waiting for the dot"


def log_reads_as_spamds():
    with serving() as deferd:
        trap(deferd, TRAPPED)
        attempt(STRANGER)
        client = Client(TRAPPED)
        client.read()
        client.envelope()
        client.say("DATA")
        client.socket.sendall("\r\n".join(TEXT).encode() + b"\r\n")
        client.read()
        assert client.gone()
        wait_for(lambda: len(deferd.lines()) >= 10, "the log of two connections")
        expected = ["listening for incoming connections.",
                    rf"{STRANGER}: connected (1/0)", rf"(GREY) {STRANGER}: <a@example.org> -> <b@example.net>",
                    rf"{STRANGER}: disconnected after N seconds.",
                    rf"{TRAPPED}: connected (1/0)", rf"(BLACK) {TRAPPED}: <a@example.org> -> <b@example.net>",
                    rf"{TRAPPED}: From: \x09=?utf-8?q?win?= <a@example.org>", rf"{TRAPPED}: To: bert", rf"{TRAPPED}: Subject: money",
                    rf"{TRAPPED}: disconnected after N seconds. lists: traplist"]
        lines = [re.sub(r"after \d+ seconds", "after N seconds", line) for line in deferd.lines()]
        assert lines == expected, "\n".join(lines)


def black_list_only_mode_holds_everybody():
    with serving(black_list_only=True) as deferd:
        client = Client(STRANGER)
        client.read()
        client.envelope()
        assert client.say("DATA").startswith("354")
        client.socket.sendall("\r\n".join(TEXT).encode() + b"\r\n")
        assert client.read()[0].startswith("450 4.7.1 ")
        assert client.gone()
        assert white(deferd) == []


enter_namespace()
need("curl")
BUILD = pathlib.Path(sys.argv[1]).resolve()
for address in (STRANGER, TRAPPED):
    run("ip", "addr", "add", address, "dev", "lo")

tests = [stranger_is_stuttered_at_first_and_deferred_at_data, retry_after_25_minutes_makes_white_and_hears_451_once_more,
         trapped_client_is_led_through_the_whole_dialogue, log_reads_as_spamds, black_list_only_mode_holds_everybody]
play([test for test in tests if len(sys.argv) < 3 or test.__name__ in sys.argv[2:]])
