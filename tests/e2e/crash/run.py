#!/usr/bin/env python3
"""run.py BUILD_DIR [SEED]: what was told to clients survives kill -9 at random moments under the load of 64 connections."""
import itertools
import pathlib
import random
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from mta import Mta, attempt
from support import Deferd, enter_namespace, play, temporary_folder

enter_namespace()
BUILD = sys.argv[1]
SEED = int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(1 << 30)
CONNECTIONS = 64
ROUNDS = 10
SENDER = "list@example.net"


def letters(number):
    """A name of its own, without digits: those might stand for others in the sender's address."""
    name = ""
    while number or not name:
        number, digit = divmod(number, 26)
        name = chr(ord("a") + digit) + name
    return name


class Load:
    """64 clients that try new recipients until deferd is gone."""

    names = itertools.count()

    def __init__(self, path):
        self.tried, self.told, self.odd = [], [], []
        self.threads = [threading.Thread(target=self.client, args=(path, f"198.18.{number}.25")) for number in range(CONNECTIONS)]
        for thread in self.threads:
            thread.start()

    def client(self, path, address):
        try:
            with Mta(path) as mta:
                mta.begin(address)
                while mta.mail(SENDER).startswith("250"):
                    recipient = letters(next(self.names)) + "@example.org"
                    self.tried.append((address, recipient))
                    reply = mta.rcpt(recipient)
                    (self.told if reply.startswith("451 4.7.1") else self.odd).append((address, recipient, reply))
                    mta.abort()
        except OSError:
            pass  # deferd was killed

    def join(self):
        for thread in self.threads:
            thread.join()


def nothing_that_was_told_is_lost():
    chance = random.Random(SEED)
    print(f"seed {SEED}")
    plugins = "  - greylist: {pass_time: 5m, quota: {burst: 0}}\n"
    with temporary_folder() as folder, Deferd(BUILD, folder, plugins=plugins, settings="log: {level: notice}\n") as deferd:
        path = folder / "milter.sock"
        tried, told = set(), set()
        for number in range(ROUNDS):
            load = Load(path)
            moment = chance.uniform(0.05, 1.5)
            time.sleep(moment)
            deferd.kill()
            load.join()
            assert not load.odd, load.odd[:5]
            tried.update(load.tried)
            told.update((address, recipient) for address, recipient, _ in load.told)
            begin = time.monotonic()
            deferd.start()
            took = time.monotonic() - begin
            rows = deferd.ctl_rows("list", "grey")
            kept = {(row["client"], row["to"]) for row in rows}
            print(f"round {number}: killed after {moment:.3f} s; told {len(told)}, on record {len(kept)}, of {len(tried)} tried; "
                  f"started again in {took:.2f} s")
            assert not told - kept, f"{len(told - kept)} missing: {sorted(told - kept)[:5]}"
            assert not kept - tried, f"never tried: {sorted(kept - tried)[:5]}"
            assert len(rows) == len(kept), "a tuple is listed twice"
            assert all(row["from"] == SENDER and row["state"] == "waiting" and row["tries"] == 1 for row in rows)
            assert took < 5, took
        assert len(told) > 1000, f"only {len(told)} deferrals: no load"
        deferd.advance(300)
        # One tuple of each client: the next would pass because the client is white.
        for address, recipient in dict(chance.sample(sorted(told), len(told))).items():
            reply = attempt(path, address, SENDER, recipient)
            assert reply.startswith("250"), (address, recipient, reply)


play([nothing_that_was_told_is_lost])
