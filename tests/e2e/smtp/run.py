#!/usr/bin/env python3
"""run.py BUILD_DIR [TEST...]: strangers at the SMTP front end of a real deferd: swaks, openssl s_client, and a balancer."""
import contextlib
import datetime
import json
import pathlib
import re
import socket
import ssl
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import Deferd, enter_namespace, need, play, run, temporary_folder, wait_for

SERVER, CLIENT, OTHER, BALANCER = "192.0.2.1", "192.0.2.7", "192.0.2.8", "192.0.2.100"
SERVER6, CLIENT6 = "2001:db8::1", "2001:db8:7::7"


class FrontEnd(Deferd):
    """A deferd that strangers talk to; `settings` are those below `smtp:`, as one line."""

    def __init__(self, build, folder, settings="", listen=f"'{SERVER}:0', '[{SERVER6}]:0'"):
        self.listen = listen
        super().__init__(build, folder, settings=settings)

    def write_config(self, plugins=Deferd.PLUGINS, settings="", engine="memory"):
        self.config.write_text(
            f"store: {{engine: memory}}\n"
            f"listen: {{smtp: [{self.listen}]}}\n"
            f"control: {{socket: {self.control}}}\n"
            f"smtp: {{name: mx.example.org, {settings}}}\n"
            f"exempt: {{networks: []}}\n"
            f"plugins:\n{plugins}")

    def port(self, address=SERVER):
        for listening in json.loads(self.ctl("--json", "status"))["smtp"]:
            host, port = listening.rsplit(":", 1)
            if host.strip("[]") == address:
                return int(port)
        raise AssertionError(f"nothing listens on {address}")


@contextlib.contextmanager
def serving(**options):
    with temporary_folder() as folder, FrontEnd(BUILD, folder, **options) as deferd:
        yield deferd


def swaks(deferd):
    """The dialogue, as swaks prints it."""
    done = subprocess.run(["swaks", "--server", SERVER, "--port", str(deferd.port()), "--local-interface", CLIENT, "--helo",
                           "mx.example.net", "--from", "a@example.net", "--to", "b@example.org", "--timeout", "20"],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
    assert done.returncode != 0, "deferd never takes mail itself:\n" + done.stdout
    return done.stdout


def certificate(folder, name, days=90):
    """A self-signed certificate; the settings that name it."""
    paths = folder / f"{name}.pem", folder / f"{name}.key"
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", str(days), "-subj",
        f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}", "-out", str(paths[0]), "-keyout", str(paths[1]))
    return f"certificate: {paths[0]}, key: {paths[1]}"


def s_client(deferd, *options):
    """What openssl says of the connection, and the server's lines; QUIT is said."""
    return subprocess.run(["openssl", "s_client", "-starttls", "smtp", "-connect", f"{SERVER}:{deferd.port()}", "-crlf", *options],
                          input="QUIT\n", stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60).stdout


def whose_certificate(deferd):
    said = s_client(deferd)
    found = re.search(r"subject=CN = (\S+)", said)
    assert found, said
    return found[1]


def wait_for_line(deferd, pattern):
    wait_for(lambda: re.search(pattern, deferd.log()), f"{pattern} in the log")


class Raw:
    """A connection of which every byte is the test's."""

    def __init__(self, deferd, source, first=b"", server=SERVER):
        self.socket = socket.create_connection((server, deferd.port(server)), timeout=20, source_address=(source, 0))
        self.socket.sendall(first)
        self.file = self.socket.makefile("rb")

    def line(self):
        return self.file.readline().decode().rstrip("\r\n")

    def say(self, line):
        self.socket.sendall(line.encode() + b"\r\n")
        answer = self.line()
        while answer[3:4] == "-":
            answer = self.line()
        return answer

    def start_tls(self, context, name):
        self.file.close()
        self.socket = context.wrap_socket(self.socket, server_hostname=name)
        self.file = self.socket.makefile("rb")

    def attempt(self):
        """To the first RCPT."""
        assert self.say("EHLO mx.example.net").startswith("250")
        assert self.say("MAIL FROM:<a@example.net>").startswith("250")
        return self.say("RCPT TO:<b@example.org>")

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.file.close()
        self.socket.close()


def a_stranger_is_deferred_at_data():
    with serving() as deferd:
        said = swaks(deferd)
        assert re.search(r"-> RCPT TO:<b@example.org>\n<-  250.*\n -> DATA\n<\*\* 451 4\.7\.1 ", said), said
        wait_for_line(deferd, rf"rcpt.defer .*client={CLIENT} .*from=a@example.net rcpt=b@example.org plugin=greylist")


def with_voice_rcpt_each_recipient_is_told():
    with serving(settings="voice: rcpt") as deferd:
        assert re.search(r"-> RCPT TO:<b@example.org>\n<\*\* 451 4\.7\.1 ", swaks(deferd))


def a_retry_passes_and_the_client_is_white():
    with serving() as deferd:
        swaks(deferd)
        assert deferd.ctl_rows("list", "white") == []
        deferd.advance(300)
        assert "<** 451" in swaks(deferd), "who passed is told to come back: the packet filter lets the next try through"
        rows = deferd.ctl_rows("list", "white")
        assert [row["prefix"] for row in rows] == [CLIENT], rows


def strangers_come_over_ipv6():
    with serving(settings="voice: rcpt") as deferd:
        with Raw(deferd, CLIENT6, server=SERVER6) as client:
            assert client.line().startswith("220")
            assert client.attempt().startswith("451 4.7.1")
        wait_for_line(deferd, f"rcpt.defer .*client={CLIENT6} ")


def starttls_is_offered_with_a_certificate_only():
    with temporary_folder() as keys:
        with serving() as deferd:
            assert "STARTTLS" not in swaks(deferd)
        with serving(settings=f"voice: rcpt, tls: {{{certificate(keys, 'mx.example.org')}}}") as deferd:
            assert "<-  250 STARTTLS" in swaks(deferd)
            with Raw(deferd, CLIENT) as client:
                assert client.line().startswith("220")
                assert client.say("EHLO mx.example.net") == "250 STARTTLS"
                assert client.say("STARTTLS").startswith("220")
                client.start_tls(ssl.create_default_context(cafile=keys / "mx.example.org.pem"), "mx.example.org")
                assert client.say("MAIL FROM:<a@example.net>").startswith("503"), "what was said before is forgotten"
                assert client.attempt().startswith("451 4.7.1")
            assert "Protocol  : TLSv1.2" in s_client(deferd, "-tls1_2")
            assert "no peer certificate available" in s_client(deferd, "-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0")


def a_new_certificate_is_taken_at_sighup_and_a_bad_one_is_not():
    with temporary_folder() as keys:
        with serving(settings=f"tls: {{{certificate(keys, 'old.example.org')}}}") as deferd:
            assert whose_certificate(deferd) == "old.example.org"
            # Renewed in its place, as ACME clients do.
            certificate(keys, "new.example.org")
            for kind in ("pem", "key"):
                (keys / f"new.example.org.{kind}").replace(keys / f"old.example.org.{kind}")
            assert whose_certificate(deferd) == "old.example.org", "only when it is asked to"
            assert "reload.done" in deferd.reload()
            assert whose_certificate(deferd) == "new.example.org"
            certificate(keys, "other.example.org")
            (keys / "other.example.org.key").replace(keys / "old.example.org.key")
            log = deferd.reload()
            assert "reload.refused" in log and "does not belong to the certificate" in log, log
            assert whose_certificate(deferd) == "new.example.org"


def a_certificate_that_expires_soon_is_told_in_the_log():
    with temporary_folder() as keys, temporary_folder() as folder:
        deferd = FrontEnd(BUILD, folder, settings=f"tls: {{{certificate(keys, 'mx.example.org', days=3)}}}")
        deferd.testing_clock = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")  # the certificate's
        with deferd:
            wait_for(lambda: re.search(r'smtp.certificate what="certificate: .* expires within 3 days', deferd.log()), "the log line")


def a_certificate_that_does_not_cover_the_mx_is_told_before_the_start():
    with temporary_folder() as keys, temporary_folder() as folder:
        tls = certificate(keys, "mx1.example.org")
        deferd = FrontEnd(BUILD, folder, settings=f"tls: {{{tls}, mx_names: [mx1.example.org, mx2.example.org]}}")
        said = run(str(deferd.bin / "deferd"), "-t", "-c", str(deferd.config))
        assert said.count("the certificate does not cover") == 1 and "does not cover mx2.example.org" in said, said
        deferd.write_config(settings=f"tls: {{{tls}}}")
        said = run(str(deferd.bin / "deferd"), "-t", "-c", str(deferd.config))
        assert "warning: smtp.tls: mx_names is empty" in said and said.endswith("ok\n"), said


def a_balancer_tells_who_the_client_is_and_nobody_else_may():
    with serving(settings=f"voice: rcpt, proxy_from: [{BALANCER}]") as deferd:
        header = f"PROXY TCP4 198.51.100.7 {SERVER} 4711 25\r\n".encode()
        with Raw(deferd, BALANCER, header) as client:
            assert client.line().startswith("220 mx.example.org")
            assert client.attempt().startswith("451")
        wait_for_line(deferd, "rcpt.defer .*client=198.51.100.7 ")
        with Raw(deferd, OTHER, header) as client:
            assert client.line().startswith("220")
            assert client.line().startswith("500")
            assert client.attempt().startswith("451")
        wait_for_line(deferd, f"rcpt.defer .*client={OTHER} ")


def sockets_are_told_and_limits_change_at_a_reload():
    with serving() as deferd:
        assert len(json.loads(deferd.ctl("--json", "status"))["smtp"]) == 2
        with Raw(deferd, CLIENT) as first:
            assert first.line().startswith("220")
            deferd.write_config(settings="limits: {per_prefix: 1}")
            assert "reload.done" in deferd.reload()
            with Raw(deferd, OTHER) as second:
                assert second.line().startswith("421"), "of the same /24"
        deferd.listen = f"'{SERVER}:0'"
        deferd.write_config()
        assert re.search("reload.restart_needed what=listen.smtp", deferd.reload())


def stopping_takes_leave_of_clients():
    with serving() as deferd:
        with Raw(deferd, CLIENT) as client:
            assert client.line().startswith("220")
            assert client.say("EHLO mx.example.net").startswith("250")
            assert deferd.stop() < 10
            assert client.line().startswith("421"), deferd.log()
            assert client.line() == ""


enter_namespace()
need("swaks", "openssl", "ip")
BUILD = pathlib.Path(sys.argv[1]).resolve()
for address in (SERVER, CLIENT, OTHER, BALANCER):
    run("ip", "addr", "add", address, "dev", "lo")
for address in (SERVER6, CLIENT6):
    run("ip", "addr", "add", address, "dev", "lo", "nodad")

tests = [a_stranger_is_deferred_at_data, with_voice_rcpt_each_recipient_is_told, a_retry_passes_and_the_client_is_white,
         strangers_come_over_ipv6, starttls_is_offered_with_a_certificate_only,
         a_new_certificate_is_taken_at_sighup_and_a_bad_one_is_not, a_certificate_that_expires_soon_is_told_in_the_log,
         a_certificate_that_does_not_cover_the_mx_is_told_before_the_start,
         a_balancer_tells_who_the_client_is_and_nobody_else_may, sockets_are_told_and_limits_change_at_a_reload,
         stopping_takes_leave_of_clients]
play([test for test in tests if len(sys.argv) < 3 or test.__name__ in sys.argv[2:]])
