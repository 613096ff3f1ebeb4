"""Plugins that throw and hang, and what MTAs never say: mail flows."""
import struct
import time

from fixture import BUILD, serving
from mta import Mta, attempt
from support import wait_for

BAD = f"plugin_dirs: [{BUILD}/plugins, {BUILD}/tests/bad_plugins]\n"


def plugin_state(deferd, name):
    return next(row["state"] for row in deferd.ctl_rows("plugins") if row["name"] == name)


def a_plugin_that_throws_is_put_aside_and_the_next_decides():
    with serving(settings=BAD, plugins="  - throws_in_hook: {hook: rcpt}\n  - greylist\n", engine="memory") as deferd:
        for number in range(30):
            assert attempt(deferd.socket, recipient=f"r{number}@example.org").startswith("451")
        wait_for(lambda: "plugin.quarantined plugin=throws_in_hook" in deferd.log(), "it to be put aside")
        assert plugin_state(deferd, "throws_in_hook") == "quarantined" and plugin_state(deferd, "greylist") == "ok"
        deferd.advance(300)
        assert attempt(deferd.socket, recipient="r0@example.org").startswith("250")


def a_plugin_that_throws_everywhere_harms_nobody():
    with serving(settings=BAD, plugins="  - throws_in_hook: {what: number}\n  - greylist\n", engine="memory") as deferd:
        for _ in range(30):
            assert attempt(deferd.socket).startswith("451")
        wait_for(lambda: "plugin.quarantined plugin=throws_in_hook" in deferd.log(), "it to be put aside")
        deferd.advance(300)
        assert attempt(deferd.socket).startswith("250")


def a_plugin_that_hangs_costs_its_budget_and_is_put_aside():
    plugins = "  - hangs_in_hook: {hook: rcpt}\n    budget: 100ms\n  - greylist\n"
    with serving(settings=BAD, plugins=plugins, engine="memory") as deferd:
        attempt(deferd.socket)  # the first call hangs for as long as it likes: nobody knew
        begin = time.monotonic()
        for number in range(20):
            assert attempt(deferd.socket, recipient=f"r{number}@example.org").startswith("451")
        took = time.monotonic() - begin
        assert took < 20, took
        wait_for(lambda: "plugin.slow plugin=hangs_in_hook" in deferd.log(), "it to be called slow")
        wait_for(lambda: "plugin.quarantined plugin=hangs_in_hook" in deferd.log(), "it to be put aside")
        deferd.advance(300)
        assert attempt(deferd.socket, recipient="r0@example.org").startswith("250")
        assert deferd.stop() < 10


def on_error_defer_is_the_word_of_a_plugin_that_fails():
    plugins = "  - throws_in_hook: {hook: rcpt}\n    on_error: defer\n"
    with serving(settings=BAD, plugins=plugins, engine="memory") as deferd:
        assert attempt(deferd.socket).startswith("451")


def garbage_on_the_socket_disturbs_nobody():
    with serving(engine="memory") as deferd:
        for bytes in (b"GET / HTTP/1.1\r\n\r\n", struct.pack(">I", 0xFFFFFFFF) + b"C", struct.pack(">I", 5) + b"\0\0\0\0\0",
                      struct.pack(">I", 0), struct.pack(">I", 3) + b"R<a"):
            mta = Mta(deferd.socket)
            try:
                mta.socket.sendall(bytes)
            except OSError:
                pass
            mta.close()
        assert attempt(deferd.socket).startswith("451")
        assert deferd.process.poll() is None


TESTS = [a_plugin_that_throws_is_put_aside_and_the_next_decides, a_plugin_that_throws_everywhere_harms_nobody,
         a_plugin_that_hangs_costs_its_budget_and_is_put_aside, on_error_defer_is_the_word_of_a_plugin_that_fails,
         garbage_on_the_socket_disturbs_nobody]
