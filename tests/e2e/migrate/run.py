#!/usr/bin/env python3
"""run.py BUILD_DIR [TEST...]: deferctl migrate spamd, from what spamd's programs print to clients that a real Postfix lets in at once."""
import contextlib
import os
import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import Deferd, Postfix, Sink, deliver, enter_namespace, need, play, run, temporary_folder, wait_for

NOW = 1767225600  # 2026-01-01T00:00:00Z, where the testing clock stands
STRANGER, WHITE, LIVE, RETRIED, TRAPPED, FRIEND = (f"203.0.113.{i}" for i in range(1, 7))
LISTED = "192.0.2.7"
DUMP = (f"WHITE|{WHITE}|||{NOW - 9000}|{NOW - 5000}|{NOW + 90000}|2|7\n"
        f"GREY|{RETRIED}|mx|<a@example.net>|<known@example.org>|{NOW - 4000}|{NOW - 30}|{NOW + 9000}|2|0\n"
        f"GREY|{STRANGER}|mx|<a@example.net>|<known@example.org>|{NOW - 4000}|{NOW + 9000}|{NOW + 9000}|1|0\n"
        f"TRAPPED|{TRAPPED}|{NOW + 40000}\n"
        "SPAMTRAP|trap@example.org\n")
TABLE = f"   {WHITE}\n   {LIVE}\n   {RETRIED}\n"
RULES = """table <spamd-white> persist
table <nospamd> persist file "/etc/mail/nospamd"
pass in on egress inet proto tcp from any to any port smtp divert-to 127.0.0.1 port spamd
pass in on egress proto tcp from <nospamd> to any port smtp
pass in log on egress proto tcp from <spamd-white> to any port smtp
"""
FLAGS = "-v -G 2:4:864 -h mx.example.org -n 'Our MX' -l 127.0.0.1 -p 8025 -c 500 -B 200 -s 2 -S 20 -w 512"


class Spamd:
    """What spamd's host has: its programs in a PATH of their own, its files."""

    def __init__(self, folder, dump=DUMP, table=TABLE):
        self.folder = folder
        self.bin = folder / "bin"
        self.bin.mkdir()
        (folder / "dump").write_text(dump)
        (folder / "spamd-white").write_text(table)
        (folder / "nospamd").write_text(f"   {FRIEND}\n   198.51.100.0/24\n")
        (folder / "rc").write_text(f'spamd_flags="{FLAGS}"\nspamlogd_flags=\n')
        (folder / "pf.conf").write_text(RULES)
        (folder / "black").write_text("192.0.2.0/24\n")
        (folder / "spamd.conf").write_text(
            f'all:\\\n\t:black:\nblack:\\\n\t:black:\\\n\t:msg="Your address %A is listed":\\\n\t:method=file:\\\n\t:file={folder}/black:\n')
        (folder / "spamd.alloweddomains").write_text("example.org\n")
        self.program("spamdb", f"cat {folder}/dump")
        self.program("pfctl", f'while [ "$1" != -t ]; do shift; done; cat "{folder}/$2"')

    def program(self, name, text):
        file = self.bin / name
        file.write_text(f"#!/bin/sh\n{text}\n")
        file.chmod(0o755)

    def migrate(self, control, *words, check=True, path=None):
        """Its standard output; with `check=False` its exit code and what it complains of."""
        environment = dict(os.environ, PATH=f"{path or self.bin}:{os.environ['PATH']}")
        done = subprocess.run([BUILD / "bin" / "deferctl", "-s", control, "migrate", "spamd", "--rc", self.folder / "rc", "--rules",
                               self.folder / "pf.conf", "--spamd-conf", self.folder / "spamd.conf", *words],
                              env=environment, text=True, timeout=120, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if not check:
            return done.returncode, done.stderr
        assert done.returncode == 0, done
        return done.stdout


class Migrated(Deferd):
    """deferd with what `migrate` printed, but for its paths and times; a milter instead of the redirect, as Postfix can let mail in."""

    def __init__(self, build, folder, text):
        self.text = text
        super().__init__(build, folder)

    def write_config(self, *_ignored):
        text = self.text
        for old, new in (("path: /var/lib/deferd/db", f"path: {self.folder}/db"), ("/run/deferd/control.sock", str(self.control)),
                         ("to: syslog", "to: stderr"), ("user: deferd\n", ""), ('listen: {smtp: ["127.0.0.1:8025"]}',
                          f"listen: {{milter: ['{self.socket}']}}\nmilter: {{socket_mode: '0666'}}"),
                         ("action: defer}", f"action: defer, keep: {self.folder}/lists}}")):
            assert old in text, f"{old!r} is not in\n{text}"
            text = text.replace(old, new)
        self.config.write_text(text)


@contextlib.contextmanager
def migrated():
    """spamd's host, and a deferd that took over."""
    with temporary_folder() as folder:
        spamd = Spamd(folder)
        with Migrated(BUILD, folder, spamd.migrate(folder / "none.sock", "--dry-run")) as deferd:
            yield spamd, deferd


def configuration_is_one_that_deferd_takes():
    with temporary_folder() as folder:
        spamd = Spamd(folder)
        for words in ((), ("--flags", "-b -5"), ("--flags", "-4 -S 0 -s 0 -M 192.0.2.2 -y em0")):
            text = spamd.migrate(folder / "none.sock", "--dry-run", *words)
            (folder / "deferd.yaml").write_text(text.replace("user: deferd", "user: nobody"))  # who is there
            checked = run(str(BUILD / "bin" / "deferd"), "-t", "-c", str(folder / "deferd.yaml"), check=False)
            assert checked.splitlines()[-1:] == ["ok"], f"{words}: {checked}\n{text}"
        text = spamd.migrate(folder / "none.sock", "--dry-run")
        for line in ('name: "mx.example.org"', "total: 500", "kept: 200", "window: 512", f'    - "{FRIEND}"', "pass_time: 2m",
                     '# = table <nospamd> persist file "/etc/mail/nospamd"',
                     "# = pass in on egress inet proto tcp from any to any port smtp divert-to 127.0.0.1 port spamd",
                     "# spamd has 1 white clients, 2 grey mails, 1 trapped clients and 1 trap addresses."):
            assert line in text, f"{line!r} is not in\n{text}"


def nobody_who_was_white_waits():
    need("postfix")
    with migrated() as (spamd, deferd):
        printed = spamd.migrate(deferd.control)
        assert re.search(r"^# white +3 +0 +0$", printed, re.M), printed
        wait_for(lambda: "black" in deferd.ctl("lists", "test", LISTED), "the block list")
        sink = Sink()
        with Postfix(deferd.folder, deferd.socket, sink.port):
            for client, reply in ((WHITE, "250"), (LIVE, "250"), (RETRIED, "250"), (FRIEND, "250"), (STRANGER, "451"), (TRAPPED, "450"),
                                  (LISTED, "450")):
                heard = deliver(Postfix.PORT, client, "new@example.com", ["known@example.org"])[0][0]
                assert heard.startswith(reply), (client, heard)
        sink.close()


def exporting_is_the_way_back():
    with migrated() as (spamd, deferd):
        spamd.migrate(deferd.control)
        exported = deferd.ctl("export").splitlines()
        missing = set(DUMP.splitlines()) - set(exported)
        assert not missing, (missing, exported)
        assert {line.split("|")[1] for line in exported if line.startswith("WHITE")} == {WHITE, LIVE, RETRIED}, exported
        again = spamd.migrate(deferd.control)
        assert re.search(r"^# white +0 +3 +0$", again, re.M), again


def nothing_is_changed_by_a_dry_run():
    with migrated() as (spamd, deferd):
        text = spamd.migrate(deferd.control, "--dry-run")
        assert re.search(r"^# white +3 +0 +0$", text, re.M) and "this is what would be" in text, text
        assert deferd.ctl("export") == "", deferd.ctl("export")


def programs_that_fail_are_told():
    with temporary_folder() as folder:
        spamd = Spamd(folder)
        code, errors = spamd.migrate(folder / "none.sock", "--dry-run", check=False, path=BUILD / "bin")
        assert code == 64 and "spamdb is deferd's own here" in errors, (code, errors)
        spamd.program("pfctl", "exit 1")
        code, errors = spamd.migrate(folder / "none.sock", "--dry-run", check=False)
        assert code == 0 and "the table <spamd-white> was not read: pfctl failed; see --spamd-white" in errors, (code, errors)
        spamd.program("spamdb", "exit 1")
        code, errors = spamd.migrate(folder / "none.sock", "--dry-run", check=False)
        assert code == 64 and "spamdb failed" in errors, (code, errors)
        code, errors = spamd.migrate(folder / "none.sock", check=False, path=None)
        assert code == 64, (code, errors)
        code, errors = spamd.migrate(folder / "none.sock", str(folder / "dump"), check=False)
        assert code == 69, "without a daemon nothing can be imported"


enter_namespace()
BUILD = pathlib.Path(sys.argv[1]).resolve()
tests = [configuration_is_one_that_deferd_takes, nobody_who_was_white_waits, exporting_is_the_way_back, nothing_is_changed_by_a_dry_run,
         programs_that_fail_are_told]
play([test for test in tests if len(sys.argv) < 3 or test.__name__ in sys.argv[2:]])
