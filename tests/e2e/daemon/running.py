"""What deferctl and the metrics tell of a running deferd, and what it does for the operator."""
import re
import socket

from fixture import ctl_ends, serving
from mta import Mta, attempt
from support import wait_for


def decision(deferd, pattern="rcpt.defer"):
    """The id of the last decision logged with that line."""
    found = []
    wait_for(lambda: found.extend(re.findall(pattern + r" id=(\S+)", deferd.log())) or found, "the decision's log line")
    return found[-1]


def everything(deferd):
    return [deferd.ctl("--json", "list", table) for table in ("white", "grey", "trapped")] + [
        deferd.ctl("--json", "show", "192.0.2.7"), [line for line in deferd.ctl("status").splitlines() if line.startswith("store.rec")]]


def explain_changes_nothing():
    with serving() as deferd:
        for recipient in ("r1@example.org", "r2@example.org"):
            attempt(deferd.socket, recipient=recipient)
        attempt(deferd.socket, "198.51.100.7")
        deferd.advance(300)
        assert attempt(deferd.socket, "198.51.100.7").startswith("250")
        before = everything(deferd)
        for client, answer in (("192.0.2.7", "now: pass"), ("203.0.113.9", "now: defer 451"), ("198.51.100.7", "now: pass")):
            for _ in range(3):
                said = deferd.ctl("explain", client, "--from", "a@example.net", "--to", "r1@example.org")
                assert said.startswith(answer), said
        deferd.ctl("explain", decision(deferd))
        assert everything(deferd) == before
        assert attempt(deferd.socket, "203.0.113.9", recipient="r1@example.org").startswith("451")


def a_past_decision_is_explained_as_it_was_and_as_it_would_be():
    with serving() as deferd:
        attempt(deferd.socket)
        id = decision(deferd)
        deferd.advance(300)
        said = deferd.ctl("explain", id)
        assert "at 2026-01-01T00:00:00Z: defer 451 4.7.1" in said and "first try from 192.0.2.0/24" in said, said
        assert "now: pass" in said and "retried after 5m" in said, said
        code, said = ctl_ends(deferd, "explain", "0123456789abcdef.1")
        assert code == 1, (code, said)


def a_past_decision_is_known_after_a_restart():
    with serving() as deferd:
        attempt(deferd.socket)
        id = decision(deferd)
        deferd.stop()
        deferd.start()
        assert "first try" in deferd.ctl("explain", id)


def released_mail_passes_at_its_next_try():
    with serving() as deferd:
        attempt(deferd.socket)
        attempt(deferd.socket, recipient="other@example.com")
        deferd.ctl("release", decision(deferd, "rcpt.defer(?= id=.*r@example.org)"))
        assert attempt(deferd.socket, recipient="other@example.com").startswith("451")
        assert attempt(deferd.socket).startswith("250")


def expected_mail_is_not_delayed():
    with serving() as deferd:
        deferd.ctl("expect", "r@example.org", "--from", "example.com", "--for", "15m")
        assert attempt(deferd.socket, sender="a@example.net").startswith("451")
        assert attempt(deferd.socket, "198.51.100.9", "confirm@mail.example.com").startswith("250")
        deferd.advance(901)
        assert attempt(deferd.socket, "203.0.113.9", "confirm@example.com").startswith("451")


def a_prefix_added_to_white_passes_until_it_is_deleted():
    with serving() as deferd:
        deferd.ctl("add", "white", "192.0.2.0/24", "--for", "1h", "--note", "the partner's servers")
        assert attempt(deferd.socket).startswith("250")
        deferd.ctl("delete", "192.0.2.0/24")
        assert ctl_ends(deferd, "delete", "192.0.2.0/24")[0] == 1, "there is nothing more to delete"
        assert attempt(deferd.socket).startswith("451")


def ourselves_are_exempt_without_being_told():
    with serving() as deferd:
        assert attempt(deferd.socket, "127.0.0.1").startswith("250")
        assert attempt(deferd.socket, "::1").startswith("250")
        wait_for(lambda: "plugin=exempt" in deferd.log(), "the decision's log line")
        assert not deferd.ctl_rows("list", "grey")


def a_plugin_in_the_shadow_is_heard_and_has_no_say():
    with serving(plugins="  - greylist: {pass_time: 5m}\n    shadow: yes\n") as deferd:
        assert attempt(deferd.socket).startswith("250")
        wait_for(lambda: re.search(r"shadow.*greylist|greylist.*shadow", deferd.log()), "a line of what it would have said")
        assert deferd.ctl_rows("list", "white") == []


def mail_that_waited_carries_the_header():
    with serving() as deferd:
        attempt(deferd.socket)
        deferd.advance(420)
        with Mta(deferd.socket) as mta:
            mta.begin("192.0.2.7")
            mta.mail("a@example.net")
            assert mta.rcpt("r@example.org").startswith("250") and mta.text().startswith("250")
            assert [name for name, value in mta.headers if "00:07:00" in value] == ["X-Greylist"], mta.headers


def metrics_are_there_in_the_text_format():
    with serving() as deferd:
        attempt(deferd.socket)
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(10)
            connection.connect(str(deferd.control))
            connection.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            answer = b"".join(iter(lambda: connection.recv(65536), b"")).decode()
        head, body = answer.split("\r\n\r\n", 1)
        assert head.startswith("HTTP/1.1 200 ") and "text/plain; version=0.0.4" in head, head
        assert "# TYPE deferd_verdicts_total counter" in body, body
        assert re.search(r'^deferd_verdicts_total\{.*plugin="greylist".*\} 1$', body, re.MULTILINE), body
        assert re.search(r"^deferd_decisions_total\{.*\} 1$", body, re.MULTILINE), body


TESTS = [explain_changes_nothing, a_past_decision_is_explained_as_it_was_and_as_it_would_be, a_past_decision_is_known_after_a_restart,
         released_mail_passes_at_its_next_try, expected_mail_is_not_delayed, a_prefix_added_to_white_passes_until_it_is_deleted,
         ourselves_are_exempt_without_being_told, a_plugin_in_the_shadow_is_heard_and_has_no_say, mail_that_waited_carries_the_header,
         metrics_are_there_in_the_text_format]
