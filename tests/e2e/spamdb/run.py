#!/usr/bin/env python3
"""run.py BUILD_DIR [TEST...]: deferctl called as spamdb, import and export, against a real deferd with its real plugins."""
import pathlib
import socket
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import Deferd, enter_namespace, play, run, temporary_folder

NOW = 1767225600  # 2026-01-01T00:00:00Z, where the testing clock stands
CLIENT = "192.0.2.7"
PLUGINS = "  - traplist: {}\n  - greylist: {profile: %s}\n"


class SpamdLike(Deferd):
    def __init__(self, build, folder, profile="spamd"):
        super().__init__(build, folder, plugins=PLUGINS % profile)

    def write_config(self, plugins=PLUGINS, settings="", engine="rocksdb"):
        self.config.write_text(
            f"store: {{engine: {engine}, path: {self.folder}/db}}\n"
            "listen: {smtp: ['127.0.0.1:8025']}\n"
            "smtp: {name: mx.example.net, voice: rcpt}\n"
            f"control: {{socket: {self.control}}}\n"
            f"plugins:\n{plugins}")

    def spamdb(self, *words):
        """Its exit code, its lines in order, what it complains of."""
        done = subprocess.run([self.bin / "spamdb", *words], env={"DEFERD_SOCKET": str(self.control)}, text=True, timeout=60,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        return done.returncode, sorted(done.stdout.splitlines()), done.stderr

    def lines(self, *words):
        code, lines, errors = self.spamdb(*words)
        assert code == 0, (code, errors)
        return lines

    def import_text(self, text, *words):
        dump = self.folder / "dump"
        dump.write_text(text)
        return self.ctl("import", str(dump), *words)


def attempt(recipient, client=CLIENT, sender="a@example.org"):
    """What a client at that address hears of a recipient."""
    with socket.create_connection(("127.0.0.1", 8025), 20, (client, 0)) as connection:
        file = connection.makefile("rwb")

        def read():
            while True:
                line = file.readline().decode()
                if line[3:4] != "-":
                    return line.rstrip("\r\n")

        read()
        for line in ("EHLO mail.example.org", f"MAIL FROM:<{sender}>", f"RCPT TO:<{recipient}>"):
            file.write(line.encode() + b"\r\n")
            file.flush()
            reply = read()
        return reply


def with_daemon(test):
    def run_it():
        with temporary_folder() as folder, SpamdLike(BUILD, folder) as deferd:
            test(deferd)
    run_it.__name__ = test.__name__
    return run_it


@with_daemon
def mail_shows_as_spamdb_shows_it(deferd):
    assert attempt("Bob@example.net").startswith("451")
    grey = f"GREY|{CLIENT}|mail.example.org|<a@example.org>|<Bob@example.net>|{NOW}|{NOW + 14400}|{NOW + 14400}|1|0"
    assert deferd.lines() == [grey], deferd.lines()
    assert deferd.spamdb(CLIENT)[0] == 1, "tuples are not looked up by address"
    deferd.advance(25 * 60 + 1)
    assert attempt("Bob@example.net").startswith("451")  # the retry that makes white
    now = NOW + 25 * 60 + 1
    assert deferd.lines(CLIENT) == [f"WHITE|{CLIENT}|||{now}|{now}|{now + 3110400}|1|0"], deferd.lines(CLIENT)
    passed = [line for line in deferd.lines() if line.startswith("GREY")]
    assert passed == [f"GREY|{CLIENT}|mail.example.org|<a@example.org>|<Bob@example.net>|{NOW}|{now}|{NOW + 14400}|2|0"], passed
    assert deferd.lines("-d", CLIENT) == []
    assert deferd.lines("-d", "-G", CLIENT) == []
    assert deferd.lines() == []
    assert deferd.spamdb("-d", "-G", CLIENT)[0] == 1


@with_daemon
def trap_added_by_spamdb_traps_at_once(deferd):
    assert deferd.lines("-a", "-T", "Trap@Example.net") == []
    assert deferd.lines("trap@example.net") == ["SPAMTRAP|trap@example.net"]
    assert attempt("trap@example.net").startswith("450 4.7.1")
    assert deferd.lines(CLIENT) == [f"TRAPPED|{CLIENT}|{NOW + 86400}"]
    assert attempt("bob@example.net").startswith("450 4.7.1")
    assert deferd.lines("-d", CLIENT, "trap@example.net") == []
    assert attempt("trap@example.net").startswith("451")
    deferd.stop()
    deferd.start()
    assert [line for line in deferd.lines() if not line.startswith("GREY")] == []


@with_daemon
def exit_codes_are_spamdbs(deferd):
    for words, code in ((("-t",), 1), (("-z",), 1), (("-a", "-G", CLIENT), 2), (("-a",), 2), (("-a", "-T", "nobody"), 255),
                        (("-a", "nobody", CLIENT, "1.2.3"), 2), (("-d", CLIENT), 0), (("-d", CLIENT), 1), (("198.51.100.7", CLIENT), 2),
                        ((), 0)):
        heard = deferd.spamdb(*words)
        assert heard[0] == code, (words, heard)
    deferd.stop()
    assert deferd.spamdb()[0] == 1


DUMP = "".join(sorted(
    [f"WHITE|192.0.{i // 250}.{i % 250}|||{NOW - i}|{NOW - i // 2}|{NOW + 90000 + i}|{1 + i % 3}|{i % 4}\n" for i in range(2000)] +
    [f"GREY|198.51.100.{i}|mx{i}.example.org|<a{i}@example.org>|<B@example.net>|{NOW - i}|{NOW + 9000}|{NOW + 9000}|1|0\n"
     for i in range(200)] +
    [f"GREY|203.0.113.{i}|mx|<>|<b{i}@example.net>|{NOW - 9000}|{NOW - 60}|{NOW + 5000}|3|0\n" for i in range(200)] +
    [f"TRAPPED|2001:db8::{i:x}|{NOW + 4000 + i}\n" for i in range(1, 200)] + [f"SPAMTRAP|trap{i}@example.net\n" for i in range(50)]))


def export_and_import_give_the_same_bytes_again():
    for profile in ("spamd", '""'):
        with temporary_folder() as folder, SpamdLike(BUILD, folder, profile) as deferd:
            deferd.import_text(DUMP)
            first = deferd.ctl("export")
            if profile == "spamd":
                assert first == DUMP, "what spamdb listed is not what came out"
        with temporary_folder() as folder, SpamdLike(BUILD, folder, profile) as deferd:
            deferd.import_text(first)
            assert deferd.ctl("export") == first, profile
            again = deferd.import_text(first)
            assert all(row.split()[1] == "0" for row in again.splitlines()[1:]), again
            assert deferd.ctl("export") == first, profile


def white_clients_of_others_are_white_here():
    now = NOW
    postgrey = ("VERSION=3\nformat=print\ntype=btree\nHEADER=END\n"
                f" 192.0.2.7\n 7,{now - 3600}\n 198.51.100.0/a@example.org/b@example.net\n {now - 600},{now - 600},7\nDATA=END\n")
    milter_greylist = ("# milter-greylist database\n"
                       f"198.51.100.7\t<a@example.org>\t<b@example.net>\t{now} # 2026-01-01 00:00:00\n"
                       f"192.0.2.7\t<a@example.org>\t<b@example.net>\t{now + 5000} AUTO # 2026-01-01 01:23:20\n")
    for name, text in (("postgrey", postgrey), ("milter-greylist", milter_greylist), ("list", "192.0.2.7\n")):
        with temporary_folder() as folder, SpamdLike(BUILD, folder, '""') as deferd:
            deferd.import_text(text, "--format", name)
            assert [row["prefix"] for row in deferd.ctl_rows("list", "white")] == ["192.0.2.7"], name
            if name != "list":  # and who had waited long enough is let in by the next try
                assert deferd.ctl("explain", "198.51.100.7", "--from", "a@example.org", "--to", "b@example.net").startswith("now: pass")


enter_namespace()
BUILD = pathlib.Path(sys.argv[1]).resolve()
run("ip", "addr", "add", CLIENT, "dev", "lo")
tests = [mail_shows_as_spamdb_shows_it, trap_added_by_spamdb_traps_at_once, exit_codes_are_spamdbs,
         export_and_import_give_the_same_bytes_again, white_clients_of_others_are_white_here]
play([test for test in tests if len(sys.argv) < 3 or test.__name__ in sys.argv[2:]])
