#!/usr/bin/env python3
"""run.py BUILD_DIR [TEST...]: block lists from a web server that fails in every way, from spamd-setup's port, after restarts, over SMTP;
and the trap at the MX of the lowest priority."""
import contextlib
import gzip
import http.server
import json
import pathlib
import re
import socket
import ssl
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import Deferd, Sink, SmtpClient, enter_namespace, need, play, run, temporary_folder, wait_for

LISTED, OTHER = "192.0.2.7", "198.51.100.7"
GOOD = b"# traps\n192.0.2.0/24\n2001:db8:bad::/48\n"


class Web:
    """Answers /list as its `answer` says: a function of the handler."""

    def __init__(self, certificate=None):
        web = self
        self.requests = []
        self.answer = good

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                web.requests.append((self.path, dict(self.headers)))
                self.close_connection = True
                with contextlib.suppress(ConnectionError):
                    web.answer(self)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        scheme = "http"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
            scheme = "https"
        self.url = f"{scheme}://127.0.0.1:{self.server.server_address[1]}/list"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


def send(handler, body, status=200, length=None, headers=()):
    handler.send_response(status)
    handler.send_header("Content-Length", str(len(body) if length is None else length))
    for name, value in headers:
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(body)


def good(handler):
    if handler.headers.get("If-None-Match") == '"one"':
        send(handler, b"", 304)
    else:
        send(handler, GOOD, headers=[("ETag", '"one"')])


def hang(handler):
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b"198.51.100.0/24\n")
    handler.wfile.flush()
    handler.rfile.read(1)  # until the client goes


BAD = {
    "not found": lambda h: send(h, b"198.51.100.7\n", 404),
    "broken": lambda h: send(h, b"198.51.100.7\n", 500),
    "half a file": lambda h: send(h, b"198.51.100.7\n", length=100000),
    "half a packed file": lambda h: send(h, gzip.compress(b"198.51.100.7\n" * 100)[:30]),
    "bomb": lambda h: send(h, gzip.compress(b"\n" * (300 << 20), 1)),
    "endless redirects": lambda h: send(h, b"", 302, headers=[("Location", "/list")]),
    "redirect to a file": lambda h: send(h, b"", 302, headers=[("Location", "file:///etc/passwd")]),
    "page": lambda h: send(h, b"<html>\n<title>Moved</title>\n198.51.100.7\n</html>\n"),
    "nothing": lambda h: send(h, b""),
    "half the world": lambda h: send(h, b"128.0.0.0/1\n"),
    "too slow": hang,
    "no answer": lambda h: h.connection.close(),
}


class WithLists(Deferd):
    def __init__(self, build, folder, lists, settings=""):
        self.folder, self.settings = folder, settings
        super().__init__(build, folder, self.plugins(lists))

    def plugins(self, lists):
        return f"  - blacklist: {{keep: {self.folder}/lists, {self.settings}lists: [{lists}]}}\n  - greylist: {{}}\n"

    def row(self, name):
        return next(row for row in self.ctl_rows("lists") if row["list"] == name)

    def decides(self, client):
        return "blacklist" if "on traps" in self.ctl("explain", client) else "others"

    def alarm(self, name):
        text = run("curl", "-sS", "--unix-socket", str(self.control), "http://localhost/metrics")
        return int(re.search(rf'^deferd_blacklist_alarm{{.*list="{name}".*}} (\d+)', text, re.M).group(1))


@contextlib.contextmanager
def serving(lists, settings=""):
    with temporary_folder() as folder, WithLists(BUILD, folder, lists, settings) as deferd:
        yield deferd


def old_list_stays_whatever_the_server_says():
    with Web() as web, serving(f"{{name: traps, url: '{web.url}', timeout: 3s, max_mib: 64}}") as deferd:
        wait_for(lambda: deferd.row("traps")["state"] == "good", "the list")
        assert deferd.decides(LISTED) == "blacklist" and deferd.alarm("traps") == 0
        assert deferd.decides(OTHER) == "others"
        for what, answer in BAD.items():
            web.answer = answer
            out = deferd.ctl("lists", "refresh", "traps", check=False)
            row = deferd.row("traps")
            assert out.startswith("deferctl: "), (what, out)
            assert row["state"] == "failing" and row["error"], (what, row)
            assert row["entries"] == 2 and deferd.decides(LISTED) == "blacklist", what
            assert deferd.decides(OTHER) == "others", what
            assert deferd.alarm("traps") == 1, what
        web.answer = good
        deferd.ctl("lists", "refresh", "traps")
        assert web.requests[-1][1].get("If-None-Match") == '"one"', web.requests[-1]
        assert deferd.row("traps")["state"] == "good" and deferd.alarm("traps") == 0
        for event in ("blacklist.failing", "blacklist.recovered"):  # the log is written in batches
            wait_for(lambda: event in deferd.log(), event)


def list_is_there_after_a_restart_without_a_network():
    with Web() as web, serving(f"{{name: traps, url: '{web.url}'}}") as deferd:
        wait_for(lambda: deferd.row("traps")["state"] == "good", "the list")
        deferd.stop()
        web.answer = hang
        asked = len(web.requests)
        deferd.start()
        assert deferd.decides(LISTED) == "blacklist"
        assert len(web.requests) == asked, "a fresh copy needs no fetch"
        assert deferd.ctl_rows("lists", "test", LISTED)[0]["line"] == 2
        deferd.advance(8 * 24 * 3600)
        wait_for(lambda: deferd.row("traps")["state"] == "too old", "its age to be noticed", 30)
        assert deferd.decides(LISTED) == "others"


def reload_keeps_what_it_has():
    with Web() as web, serving(f"{{name: traps, url: '{web.url}'}}") as deferd:
        wait_for(lambda: deferd.row("traps")["state"] == "good", "the list")
        asked = len(web.requests)
        deferd.write_config(deferd.plugins(f"{{name: traps, url: '{web.url}', message: Other words}}"))
        deferd.ctl("reload")
        assert deferd.row("traps")["message"] == "Other words"
        assert deferd.decides(LISTED) == "blacklist" and len(web.requests) == asked
        deferd.write_config(deferd.plugins("{name: traps, url: 'gopher://127.0.0.1/'}"))
        assert "must begin with https://" in deferd.ctl("reload", check=False)
        assert deferd.decides(LISTED) == "blacklist"


def only_certified_servers_are_believed():
    need("openssl")
    with temporary_folder() as folder:
        for name in ("server", "other"):
            run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=test",
                "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", f"{folder}/{name}.key", "-out", f"{folder}/{name}.crt")
        pem = folder / "server.pem"
        pem.write_text((folder / "server.key").read_text() + (folder / "server.crt").read_text())
        with Web(pem) as secure, Web() as plain:
            lists = f"{{name: traps, url: '{secure.url}'}}"
            with serving(lists, f"ca_file: {folder}/other.crt, ") as deferd:
                wait_for(lambda: "error" in deferd.row("traps"), "the certificate to be refused")
                assert "certificate" in deferd.row("traps")["error"], deferd.row("traps")
                assert deferd.decides(LISTED) == "others" and deferd.alarm("traps") == 1
            with serving(lists, f"ca_file: {folder}/server.crt, ") as deferd:
                wait_for(lambda: deferd.row("traps")["state"] == "good", "the list")
                assert deferd.decides(LISTED) == "blacklist"
                secure.answer = lambda h: send(h, b"", 302, headers=[("Location", plain.url)])
                deferd.ctl("lists", "refresh", "traps", check=False)
                assert deferd.row("traps")["state"] == "failing" and not plain.requests, "never from https to http"


def configure(port, source, text):
    """As spamd-setup: from a reserved port, one line, close."""
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        connection.bind(("127.0.0.1", source))
        connection.connect(("127.0.0.1", port))
        with contextlib.suppress(ConnectionError):
            connection.sendall(text.encode())


def spamd_setup_is_understood():
    with serving("{name: friends, white: yes, entries: [192.0.2.8]}", "config_port: 127.0.0.1:8026, ") as deferd:
        configure(8026, 40000, 'traps;"no";inet;1;192.0.2.0/24\n')
        wait_for(lambda: "blacklist.refused" in deferd.log(), "the caller to be refused")
        assert deferd.decides(LISTED) == "others"
        configure(8026, 1023, 'traps;"Your address %A is listed";inet;2;192.0.2.0/24;203.0.113.7/32\n')
        wait_for(lambda: deferd.decides(LISTED) == "blacklist", "the list")
        assert deferd.decides("192.0.2.8") == "others"
        configure(8026, 1022, 'traps;"The older form";192.0.2.0/25\n')
        wait_for(lambda: deferd.decides("192.0.2.200") == "others", "the list to be replaced")
        deferd.stop()
        deferd.start()
        assert deferd.decides(LISTED) == "blacklist", "after a restart"
        configure(8026, 1021, "traps;\n")
        wait_for(lambda: deferd.decides(LISTED) == "others", "the list to be emptied")


class Standalone(WithLists):
    def write_config(self, plugins=None, *_):
        self.config.write_text(f"""store: {{engine: memory}}
listen: {{smtp: ["127.0.0.1:0"]}}
smtp: {{name: mx.example.net, proxy_from: [127.0.0.1], limits: {{per_prefix: 1000, new_per_prefix: 0}}}}
exempt: {{networks: []}}
control: {{socket: {self.control}}}
plugins:
{plugins}  - tarpit: {{hold: {{per_byte: 0s}}, strangers: {{per_byte: 0s}}}}
""")

    def port(self):
        return int(json.loads(self.ctl("--json", "status"))["smtp"][0].rsplit(":", 1)[1])


def listed_client_is_held_and_hears_every_list_in_the_end():
    lists = ("{name: traps, entries: [192.0.2.0/24, '2001:db8:bad::/48'], message: 'Your address %A is listed\\nSee us'}, "
             "{name: more, entries: [192.0.2.7, '2001:db8:bad::7'], message: 'And here'}")
    with temporary_folder() as folder, Standalone(BUILD, folder, lists) as deferd:
        for client, family, server in ((LISTED, "TCP4", "192.0.2.1"), ("2001:db8:bad::7", "TCP6", "2001:db8::1")):
            smtp = ProxiedClient(deferd.port(), f"PROXY {family} {client} {server} 40000 25")
            for line in ("EHLO mail.example.org", "MAIL FROM:<a@example.org>", "RCPT TO:<b@example.net>"):
                assert smtp.say(line).startswith("250"), line
            assert smtp.say("DATA").startswith("354")
            smtp.file.write(b"Subject: money\r\n\r\n" + b"line\r\n" * 12)
            smtp.file.flush()
            reply = smtp.read()
            assert reply == f"450-4.7.1 Your address {client} is listed\n450-4.7.1 See us\n450 4.7.1 And here", reply


class ProxiedClient(SmtpClient):
    def __init__(self, port, header):
        self.socket = socket.create_connection(("127.0.0.1", port), 30)
        self.file = self.socket.makefile("rwb")
        self.file.write(header.encode() + b"\r\n")
        self.file.flush()
        self.read()


BETTER_MX, WORST_MX = "192.0.2.1", "192.0.2.2"  # where clients of ours connect to; deferd asks the better one on loopback
PROVEN = 10


class BehindTwoMx(Standalone):
    """Serves both MXs, as it must."""

    def plugins(self, port):
        return (f"  - traplist: {{low_priority_mx: {{addresses: [{WORST_MX}], better: ['127.0.0.1:{port}'], proven: {PROVEN}s, every: 1s, "
                "timeout: 1s}}\n  - greylist: {}\n")

    def attempt(self, client, server):
        smtp = ProxiedClient(self.port(), f"PROXY TCP4 {client} {server} 40000 25")
        for line in ("EHLO mail.example.org", "MAIL FROM:<a@example.org>", "RCPT TO:<b@example.net>", "DATA"):
            smtp.say(line)
        smtp.file.close()
        smtp.socket.close()

    def trapped(self):
        return [row["prefix"] for row in self.ctl_rows("list", "trapped")]


def client_that_passes_by_the_better_mx_is_trapped():
    bot, honest, late = LISTED, OTHER, "203.0.113.7"
    primary = Sink()
    began = time.monotonic()
    with temporary_folder() as folder, BehindTwoMx(BUILD, folder, primary.port) as deferd:
        deferd.attempt(honest, BETTER_MX)

        def springs():
            for client in (bot, honest):
                deferd.attempt(client, WORST_MX)
            return deferd.trapped()

        wait_for(springs, "the trap to spring", 120)
        assert time.monotonic() - began >= PROVEN, "the better MX was not up for long enough"
        row = deferd.ctl_rows("list", "trapped")[0]
        assert row["evidence"] == f"mail to b@example.net at {WORST_MX} while every better MX accepted connections", row
        deferd.attempt(honest, WORST_MX)
        assert deferd.trapped() == [bot], deferd.trapped()

        primary.close()
        wait_for(lambda: "traplist.better_mx_down" in deferd.log(), "the better MX to be missed", 60)
        for _ in range(5):
            deferd.attempt(late, WORST_MX)
        assert deferd.trapped() == [bot], "nobody is trapped while the better MX is down"


enter_namespace()
BUILD = sys.argv[1]
TESTS = [old_list_stays_whatever_the_server_says, list_is_there_after_a_restart_without_a_network, reload_keeps_what_it_has,
         only_certified_servers_are_believed, spamd_setup_is_understood, listed_client_is_held_and_hears_every_list_in_the_end,
         client_that_passes_by_the_better_mx_is_trapped]
play([test for test in TESTS if len(sys.argv) < 3 or test.__name__ in sys.argv[2:]])
