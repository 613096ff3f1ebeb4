"""Where the log goes and what its lines are."""
import json
import signal

from fixture import serving
from mta import attempt
from support import wait_for


class LogFile:
    def __init__(self, path):
        self.path = path

    def text(self):
        return self.path.read_text() if self.path.exists() else ""


def every_line_is_a_json_object_whatever_strangers_say():
    with serving(settings="log: {format: json}\n", engine="memory") as deferd:
        helo = 'a"b\\c\x01\ninfo rcpt.pass id=1\x7f{"x":1}'
        assert attempt(deferd.socket, helo=helo, sender="ä\u2028\x1b[2J@example.net").startswith("451")
        wait_for(lambda: "rcpt.defer" in deferd.log(), "the decision's log line")
        lines = [json.loads(line) for line in deferd.log().rstrip().split("\n")]
        decisions = [line for line in lines if "rcpt" in line]
        assert len(decisions) == 1, decisions
        assert decisions[0]["client"] == "192.0.2.7" and decisions[0]["plugin"] == "greylist", decisions
        assert "\x1b" not in deferd.log() and "\x7f" not in deferd.log()


def text_lines_cannot_be_forged():
    with serving(engine="memory") as deferd:
        attempt(deferd.socket, helo="x\n2026-01-01T00:00:00Z info rcpt.accept id=1.1\r\x1b[31m")
        wait_for(lambda: "rcpt.defer" in deferd.log(), "the decision's log line")
        assert all(" rcpt.accept id=" not in line[:60] for line in deferd.log().splitlines()), deferd.log()
        assert "\x1b" not in deferd.log() and "\\x0a" in deferd.log()


def a_file_that_was_moved_away_is_opened_anew_at_sighup():
    with serving(engine="memory") as deferd:
        file = LogFile(deferd.folder / "mail.log")
        deferd.config.write_text(deferd.config.read_text() + f"log: {{to: {file.path}}}\n")
        deferd.ctl("reload")
        attempt(deferd.socket, recipient="first@example.org")
        wait_for(lambda: "first@example.org" in file.text(), "the log line in the file")
        old = LogFile(deferd.folder / "mail.log.1")
        file.path.rename(old.path)
        attempt(deferd.socket, recipient="second@example.org")
        wait_for(lambda: "second@example.org" in old.text(), "the log line in the file that was moved")
        deferd.signal(signal.SIGHUP)
        wait_for(lambda: "reload.done" in file.text(), "the new file")
        attempt(deferd.socket, recipient="third@example.org")
        wait_for(lambda: "third@example.org" in file.text(), "the log line in the new file")
        assert "third" not in old.text() and "second" not in file.text()


def a_log_file_that_cannot_be_opened_keeps_the_former_one():
    with serving(engine="memory") as deferd:
        deferd.config.write_text(deferd.config.read_text() + "log: {to: /proc/no-log-can-be-here}\n")
        said = deferd.ctl("reload", check=False)
        assert "/proc/no-log-can-be-here" in said and "stays in force" in said, said
        attempt(deferd.socket)
        wait_for(lambda: "rcpt.defer" in deferd.log(), "the decision's log line")


TESTS = [every_line_is_a_json_object_whatever_strangers_say, text_lines_cannot_be_forged,
         a_file_that_was_moved_away_is_opened_anew_at_sighup, a_log_file_that_cannot_be_opened_keeps_the_former_one]
