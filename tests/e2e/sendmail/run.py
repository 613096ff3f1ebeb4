#!/usr/bin/env python3
"""run.py BUILD_DIR: deferd behind a real Sendmail. Each stranger connects from a loopback address of its own."""
import contextlib
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import Deferd, Sink, SmtpClient, enter_namespace, need, play, run, skip, temporary_folder, wait_for

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2] / ".deps/sendmail"
PROGRAM = ROOT / "usr/libexec/sendmail/sendmail"
HOST = "mx.deferd.test"
PORT = 2526

enter_namespace()
need("m4", "mount")
if not PROGRAM.exists():
    skip("there is no .deps/sendmail; ./dev setup fetches it")
BUILD = sys.argv[1]


@contextlib.contextmanager
def named_host(folder):
    """Sendmail asks for the name and addresses of its host; in this namespace they come from files."""
    files = {"hosts": f"127.0.0.1 localhost\n127.0.0.1 {HOST} mx\n", "resolv.conf": "",
             "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n"}
    socket.sethostname(HOST)
    with contextlib.ExitStack() as mounts:
        for name, text in files.items():
            (folder / name).write_text(text)
            run("mount", "--bind", str(folder / name), f"/etc/{name}")
            mounts.callback(run, "umount", f"/etc/{name}")
        yield


class Sendmail:
    """In the foreground on an unprivileged port, relaying example.org to a sink."""

    def __init__(self, folder, milter, sink_port):
        self.folder = folder
        self.log_path = folder / "sendmail.log"
        (folder / "queue").mkdir()
        # Debian's is setgid, and the loader does not take LD_LIBRARY_PATH from whoever starts such a program.
        self.program = folder / "sendmail"
        shutil.copyfile(PROGRAM, self.program)
        self.program.chmod(0o755)
        cf = ROOT / "usr/share/sendmail/cf"
        (folder / "aliases").write_text("")
        (folder / "service.switch").write_text("hosts files\naliases files\n")
        (folder / "sendmail.mc").write_text(f"""define(`_CF_DIR_', `{cf}/')dnl
include(`{cf}/m4/cf.m4')dnl
OSTYPE(`linux')dnl
FEATURE(`no_default_msa')dnl
FEATURE(`accept_unresolvable_domains')dnl
FEATURE(`nocanonify')dnl
define(`QUEUE_DIR', `{folder}/queue')dnl
define(`MSP_QUEUE_DIR', `{folder}/queue')dnl
define(`ALIAS_FILE', `{folder}/aliases')dnl
define(`STATUS_FILE', `{folder}/statistics')dnl
define(`HELP_FILE', `{folder}/helpfile')dnl
define(`confPID_FILE', `{folder}/sendmail.pid')dnl
define(`confCW_FILE', `-o {folder}/local-host-names')dnl
define(`confDEF_USER_ID', `nobody')dnl
define(`confDOMAIN_NAME', `{HOST}')dnl
define(`confDONT_BLAME_SENDMAIL', `GroupWritableDirPathSafe')dnl
define(`confTO_IDENT', `0')dnl
define(`confTO_ICONNECT', `5s')dnl
define(`confSERVICE_SWITCH_FILE', `{folder}/service.switch')dnl
define(`confQUEUE_LA', `1000')dnl
define(`confREFUSE_LA', `1000')dnl
define(`RELAY_MAILER_ARGS', `TCP $h {sink_port}')dnl
define(`SMART_HOST', `relay:[127.0.0.1]')dnl
RELAY_DOMAIN(`example.org')dnl
DAEMON_OPTIONS(`Name=MTA, Family=inet, Addr=0.0.0.0, Port={PORT}')dnl
INPUT_MAIL_FILTER(`deferd', `S={milter}, T=S:10s;R:10s;E:30s')dnl
MAILER(`smtp')dnl
""")
        (folder / "sendmail.cf").write_text(run("m4", str(folder / "sendmail.mc")))
        self.process = None

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def listens(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", PORT)) == 0

    def __enter__(self):
        environment = dict(os.environ, LD_LIBRARY_PATH=str(next(ROOT.glob("usr/lib/*/libwrap.so.0")).parent))
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen([self.program, "-bD", "-C", self.folder / "sendmail.cf", "-X", self.log_path], env=environment,
                                            stdout=log, stderr=log, start_new_session=True)
        try:
            wait_for(lambda: self.listens() or self.process.poll() is not None, "Sendmail to listen")
            assert self.process.poll() is None, "Sendmail ended"
        except BaseException:
            self.__exit__(*sys.exc_info())
            raise
        return self

    def __exit__(self, *exception):
        if exception[0]:
            print("---- Sendmail's log\n" + self.log()[-6000:])
        # Its children, a connection each, are in its session.
        if self.process.poll() is None:
            os.killpg(self.process.pid, 15)
            self.process.wait(10)


class Site:
    """deferd, Sendmail and a sink behind it."""

    def __init__(self, **options):
        self.options = options

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            folder = stack.enter_context(temporary_folder())
            stack.enter_context(named_host(folder))
            self.sink = stack.enter_context(contextlib.closing(Sink()))
            self.deferd = stack.enter_context(Deferd(BUILD, folder, settings="exempt: {networks: []}\n", **self.options))
            stack.enter_context(Sendmail(folder, self.deferd.socket, self.sink.port))
            self.stack = stack.pop_all()
        return self

    def __exit__(self, *exception):
        self.stack.__exit__(*exception)


class Client(SmtpClient):
    """Connects from an address of its own."""

    def __init__(self, address):
        self.socket = socket.create_connection(("127.0.0.1", PORT), 30, source_address=(address, 0))
        self.file = self.socket.makefile("rwb")
        greeting = self.read()
        assert greeting.startswith("220"), greeting
        assert self.say("EHLO client.example.net").startswith("250")


def deliver(client="127.0.0.2", sender="a@example.net", recipients=("r1@example.org",)):
    smtp = Client(client)
    try:
        return smtp.message(sender, recipients)
    finally:
        smtp.quit()


def a_stranger_is_deferred_and_its_retry_is_delivered_with_the_header():
    with Site() as site:
        replies, _ = deliver()
        assert replies == ["451 4.7.1 Please try again later"], replies
        wait_for(lambda: re.search("rcpt.defer id=.* client=127.0.0.2 .* queue=", site.deferd.log()), "the decision's log line")
        site.deferd.advance(299)
        assert deliver()[0][0].startswith("451")
        site.deferd.advance(1)
        replies, end = deliver()
        assert replies[0].startswith("250") and end.startswith("250"), (replies, end)
        wait_for(lambda: site.sink.messages, "the mail in the sink")
        recipients, text = site.sink.messages[0]
        assert recipients == ["r1@example.org"]
        header = [line for line in text.splitlines() if line.startswith("X-Greylist:")]
        assert len(header) == 1 and "00:05:00" in header[0], text


def a_white_client_passes_at_once():
    with Site() as site:
        deliver()
        site.deferd.advance(300)
        assert deliver()[1].startswith("250")
        replies, end = deliver("127.0.0.2", "other@example.com", ["r2@example.org"])
        assert end and end.startswith("250"), replies
        assert [row["prefix"] for row in site.deferd.ctl_rows("list", "white")] == ["127.0.0.2"]
        assert deliver("127.0.9.9", "other@example.com", ["r2@example.org"])[0][0].startswith("451")


def what_was_told_survives_kill_9():
    with Site() as site:
        deliver()
        site.deferd.kill()
        site.deferd.start()
        site.deferd.advance(300)
        assert deliver()[1].startswith("250")
        site.deferd.kill()
        site.deferd.start()
        assert deliver("127.0.0.2", "other@example.com", ["r2@example.org"])[1].startswith("250")


def mail_flows_while_deferd_is_away():
    with Site() as site:
        site.deferd.kill()
        assert deliver()[1].startswith("250")


def a_connection_that_outlives_deferd_goes_on_undecided():
    with Site() as site:
        smtp = Client("127.0.0.2")
        assert smtp.message("a@example.net", ["r1@example.org"])[0][0].startswith("451")
        smtp.say("RSET")
        site.deferd.kill()
        assert smtp.message("a@example.net", ["r1@example.org"])[1].startswith("250")
        site.deferd.start()
        smtp.quit()
        assert deliver(sender="b@example.net")[0][0].startswith("451")


def passed_grey_and_unknown_recipients_of_one_message_are_each_accounted_for():
    with Site() as site:
        deliver(recipients=["known@example.org"])
        site.deferd.advance(300)
        replies, end = deliver(recipients=["nobody@elsewhere.example", "r9@example.org", "known@example.org"])
        assert [reply[:3] for reply in replies] == ["550", "451", "250"], replies
        assert end.startswith("250")
        wait_for(lambda: site.sink.messages, "the mail in the sink")
        assert site.sink.messages[0][0] == ["known@example.org"]
        grey = site.deferd.ctl_rows("list", "grey")
        assert [row["to"] for row in grey if row["state"] in ("waiting", "due")] == ["r9@example.org"], grey


def many_messages_of_one_connection_are_judged_one_by_one():
    with Site() as site:
        smtp = Client("127.0.0.2")
        for number in range(5):
            assert smtp.message("a@example.net", [f"r{number}@example.org"])[0][0].startswith("451")
            smtp.say("RSET")
        site.deferd.advance(300)
        for number in range(5):
            assert smtp.message("a@example.net", [f"r{number}@example.org"])[1].startswith("250")
        smtp.quit()


def voice_data_defers_the_whole_message_at_data():
    with Site() as site:
        text = site.deferd.config.read_text().replace("milter: {socket_mode", "milter: {voice: data, socket_mode")
        site.deferd.config.write_text(text)
        site.deferd.ctl("reload")
        replies, end = deliver()
        assert replies[0].startswith("250") and end.startswith("451"), (replies, end)
        site.deferd.advance(300)
        assert deliver()[1].startswith("250")


def a_stop_lets_the_message_in_progress_end():
    with Site() as site:
        deliver()
        site.deferd.advance(300)
        smtp = Client("127.0.0.2")
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
      what_was_told_survives_kill_9, mail_flows_while_deferd_is_away, a_connection_that_outlives_deferd_goes_on_undecided,
      passed_grey_and_unknown_recipients_of_one_message_are_each_accounted_for,
      many_messages_of_one_connection_are_judged_one_by_one, voice_data_defers_the_whole_message_at_data,
      a_stop_lets_the_message_in_progress_end])
