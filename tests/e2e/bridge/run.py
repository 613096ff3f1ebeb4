#!/usr/bin/env python3
"""run.py BUILD_DIR [TEST...]: clients, the kernel's packet filter, deferd with its monitor and helpers, and Postfix behind it. The clock
is the machine's."""
import atexit
import concurrent.futures
import contextlib
import json
import os
import pathlib
import signal
import sys
import time

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[1]), str(pathlib.Path(__file__).resolve().parents[1] / "daemon")]
from support import Deferd, Sink, enter_namespace, need, play, run, temporary_folder, wait_for

enter_namespace(named=True)
need("ip", "nft", "postfix")
os.environ["DEFERD_BUILD"] = str(pathlib.Path(sys.argv[1]).resolve())

from gateway import (BLACK, BYPASS, DEFERD, EXEMPT, HELD_BYTE, MTA, PASS_TIME, PATIENCE, TRAPPED, WATCH_EXPIRY, WHITE_EXPIRY, ListedGateway, Mta,
                     Session, gateway, greeting, held, lay_cable, mail, new_client, new_clients, say, timed)

SOON = 8  # seconds: it takes one at most, but of a machine that has more to do


def pass_the_greylist(deferd, client):
    """From a stranger's first try to the retry that makes it white."""
    first = time.monotonic()
    banner, end = mail(client)
    assert banner.startswith(DEFERD) and end.startswith("451 4.7.1"), (banner, end)
    assert client not in deferd.white()

    def retry():
        assert mail(client)[1].startswith("451"), "deferd took a mail"
        return client in deferd.white()

    passed = timed(retry, "a retry to pass")
    waited = time.monotonic() - first
    assert waited > PASS_TIME - 1, f"white after {waited:.1f} s"  # less a second: the clock counts whole ones
    known = timed(lambda: client in held(), "the client to be in the set")
    assert known < SOON, known
    say(f"{client}: deferred, white {waited:.1f} s after its first try ({passed:.1f} s of retries), in the set {known:.2f} s later")


def who_comes_back_in_time_reaches_the_mail_server_and_is_seen_there():
    with gateway() as deferd:
        for client in new_clients():
            pass_the_greylist(deferd, client)
            before = deferd.white()[client]
            assert WHITE_EXPIRY - 30 < before <= WHITE_EXPIRY, before
            delivered = len(sink.messages)
            banner, end = mail(client)
            assert banner.startswith(MTA) and end.startswith("250"), (banner, end)
            wait_for(lambda: len(sink.messages) > delivered, "the mail to be delivered")
            assert f"connect from unknown[{client}]" in postfix.log()
            seen = timed(lambda: deferd.white()[client] > WATCH_EXPIRY - 60, "the connection to be seen")
            say(f"{client}: delivered by Postfix; its row has {deferd.white()[client]:.0f} s left instead of {before:.0f} s ({seen:.2f} s)")


def write_to(host):
    run("timeout", "2", "bash", "-c", f"exec 3<>/dev/tcp/{host}/25", check=False)  # nobody listens there


def a_host_that_is_written_to_may_answer():
    with gateway() as deferd:
        exempt = new_client(4)
        deferd.change(exempt=[exempt])
        write_to(exempt)
        for client in new_clients():
            write_to(client)
            known = timed(lambda: client in held(), "the host to be in the set")
            assert greeting(client).startswith(MTA)
            say(f"{client}: in the set {known:.2f} s after we wrote to it")
        assert exempt not in deferd.white(), "it is ours, and was seen before the others"


def who_is_exempt_reaches_the_mail_server_without_being_white():
    with gateway() as deferd:
        usual = held(EXEMPT)
        clients, neighbour = new_clients(), new_client(4)
        network = neighbour.removesuffix("7") + "0/24"
        for client in (*clients, neighbour):
            assert greeting(client).startswith(DEFERD)
        deferd.change(exempt=[*clients, network])
        known = timed(lambda: held(EXEMPT) == usual | {*clients, network}, "the sets to hold who is exempt")
        for client in (*clients, neighbour):
            banner, end = mail(client)
            assert banner.startswith(MTA) and end.startswith("250"), (banner, end)
        assert not deferd.white()
        deferd.load_rules()
        assert clients[0] in held(EXEMPT), "rules that are loaded anew leave them"
        deferd.change(exempt=[clients[0]])
        wait_for(lambda: held(EXEMPT) == usual | {clients[0]}, "the others to be out of the sets")
        for client, who in ((clients[0], MTA), (clients[1], DEFERD), (neighbour, DEFERD)):
            assert greeting(client).startswith(who), client
        wait_for(deferd.bridge_is_well, "the bridge to be well")
        say(f"who is exempt was in the sets {known:.2f} s after the reload")


def a_row_that_ends_leaves_the_set():
    with gateway() as deferd:
        clients = new_clients()
        for client in clients:
            deferd.ctl("add", "white", client, "--for", "3s")
        wait_for(lambda: set(clients) <= held(), "both to be in the set")
        wait_for(lambda: not deferd.white(), "the rows to end")
        gone = timed(lambda: not held(), "both to be out of the set")
        for client in clients:
            assert greeting(client).startswith(DEFERD)
        say(f"{', '.join(clients)}: out of the set {gone:.2f} s after the rows ended, and strangers again")


def the_trapped_stay_in_the_tarpit():
    with gateway() as deferd, concurrent.futures.ThreadPoolExecutor() as at_once:
        clients = new_clients()

        def is_trapped(client):
            banner, end = mail(client, "trap@example.org")
            assert banner.startswith(DEFERD) and end.startswith("450"), (banner, end)
            trapped = time.monotonic()
            while time.monotonic() < trapped + PASS_TIME:
                session = Session(client)
                session.quit()
                assert session.banner.startswith(DEFERD) and session.waited > HELD_BYTE * len(session.banner), session.waited
            assert mail(client)[1].startswith("450"), "the retry of a trapped client"
            say(f"{client}: trapped, and held at each try; its banner took {session.waited:.1f} s")

        list(at_once.map(is_trapped, clients))
        assert {row["prefix"] for row in deferd.ctl_rows("list", "trapped")} == set(clients)
        for client in (*clients, sign := new_client(4)):
            deferd.ctl("add", "white", client)
        wait_for(lambda: sign in held(), "what was white later to be in the set")
        assert held() == {sign}, "the trap counts first"


def a_white_client_that_is_trapped_leaves_the_set():
    with gateway() as deferd:
        for client in new_clients():
            deferd.ctl("add", "white", client)
            wait_for(lambda: client in held(), "the client to be in the set")
            deferd.ctl("add", "trapped", client)
            gone = timed(lambda: client not in held(), "the client to be out of the set")
            assert greeting(client).startswith(DEFERD)
            say(f"{client}: out of the set {gone:.2f} s after it was trapped")


def only_the_listed_and_the_trapped_meet_deferd_where_that_is_wanted():
    with gateway(ListedGateway) as deferd:
        listed, trapped, strangers, neighbour = new_clients(), new_clients(), new_clients(), new_client(4)
        network = neighbour.removesuffix("7") + "0/24"
        deferd.change(listed=[*listed, network])
        known = timed(lambda: held(BLACK) == {*listed, network}, "the sets to hold the list")
        for client in (*listed, neighbour):
            banner, end = mail(client)
            assert banner.startswith(DEFERD) and end.startswith("450"), (banner, end)
        for client in strangers:
            assert mail(client)[0].startswith(MTA)
        for client in trapped:
            deferd.ctl("add", "trapped", client)
        wait_for(lambda: held(TRAPPED) == set(trapped), "the sets to hold the trapped")
        for client in trapped:
            assert greeting(client).startswith(DEFERD)
        say(f"a new list was in the sets {known:.2f} s after the reload")

        deferd.change(exempt=[listed[0], trapped[1]])
        wait_for(lambda: held(BLACK) == {listed[1], network} and held(TRAPPED) == {trapped[0]}, "who is exempt to be let pass")
        for client, who in ((listed[0], MTA), (trapped[1], MTA), (listed[1], DEFERD), (trapped[0], DEFERD)):
            assert greeting(client).startswith(who), client

        deferd.change(exempt=[], listed=[listed[0]])
        wait_for(lambda: held(BLACK) == {listed[0]} and held(TRAPPED) == set(trapped), "the sets to be as the next list says")
        for client, who in ((listed[0], DEFERD), (listed[1], MTA), (neighbour, MTA)):
            assert greeting(client).startswith(who), client


def strangers_reach_the_mail_server_while_deferd_stands_still():
    with gateway() as deferd:
        before, meanwhile, after = new_clients(), new_clients(), new_clients()
        for client in before:
            assert greeting(client).startswith(DEFERD)
        assert not held(BYPASS)
        worker = deferd.worker()
        os.kill(worker, signal.SIGSTOP)
        try:
            opened = timed(lambda: len(held(("bypass4",))) > 0 < len(held(("bypass6",))), "the way round deferd", PATIENCE + 20)
            assert opened > PATIENCE / 4, "not waited for a sign of life"
            for client in meanwhile:
                assert mail(client)[1].startswith("250")
        finally:
            os.kill(worker, signal.SIGCONT)
        closed = timed(lambda: not held(BYPASS), "the way round to be closed")
        for client in after:
            assert greeting(client).startswith(DEFERD)
        assert deferd.worker() == worker
        say(f"the way round was open {opened:.1f} s after SIGSTOP (patience: {PATIENCE} s), and closed {closed:.2f} s after SIGCONT")


def what_happens_to_the_set_is_healed():
    with gateway() as deferd:
        kept = (*new_clients(), "198.19.0.0/16", "2001:db8:8fff::/48")
        for prefix in kept:
            deferd.ctl("add", "white", prefix)
        wait_for(deferd.in_step, "the set to hold the rows")

        def heals(what, reconcile=False, others=frozenset()):
            if reconcile:
                deferd.ctl("bridge", "reconcile")
            took = timed(lambda: held() == set(deferd.white()) | others, f"the set to hold the rows after {what}", 40)
            wait_for(deferd.bridge_is_well, "the bridge to be well")
            assert set(kept) <= held()
            for client in kept[:2]:
                assert greeting(client).startswith(MTA)
            say(f"{what}: set == rows after {took:.2f} s")

        helper, gone, came = deferd.helper(), new_client(4), new_client(6)
        deferd.ctl("add", "white", gone)
        wait_for(deferd.in_step, "the set to hold the row")
        os.kill(helper, signal.SIGKILL)
        deferd.ctl("delete", gone)
        deferd.ctl("add", "white", came)
        heals("kill -9 of the helper, a row added and one removed")
        assert deferd.helper() != helper and came in held() and gone not in held()

        for name in ("white4", "white6", "prefixes4", "prefixes6"):
            run("nft", "flush", "set", "inet", "deferd", name)
        assert not held()
        heals("nft flush set", reconcile=True)

        deferd.load_rules()
        heals("nft -f of the rules")

        run("nft", "flush", "ruleset")
        deferd.ctl("add", "white", new_client(6))
        deferd.load_rules()
        heals("nft flush ruleset and the rules again", reconcile=True)

        for end, what in ((deferd.stop, "a restart"), (deferd.kill_with_9, "kill -9 of all of deferd")):
            gone, stray = new_client(4), new_client(6)
            deferd.ctl("add", "white", gone, "--for", "4s")
            over = time.monotonic() + 5
            wait_for(lambda: gone in held(), "the set to hold the row")
            end()
            assert gone in held()
            run("nft", "delete", "element", "inet", "deferd", "white4", f"{{ {kept[0]} }}")
            run("nft", "add", "element", "inet", "deferd", "white6", f"{{ {stray} }}")
            wait_for(lambda: time.monotonic() > over, "a row to end meanwhile")
            deferd.start()
            heals(what + ", a row that ended and one taken from the set meanwhile", others={stray})
            assert gone not in held()
            wait_for(lambda: not held(BYPASS), "the way round deferd to be closed")
            run("nft", "delete", "element", "inet", "deferd", "white6", f"{{ {stray} }}")


def children_of(pid):
    """How many: zombies, too."""
    found = 0
    for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it ended meanwhile
            found += path.read_text().rpartition(") ")[2].split()[1] == str(pid)
    return found


def a_started_helper_is_buried_though_its_plugin_is_gone():
    with temporary_folder() as folder:
        table, program = folder / "white", pathlib.Path(os.environ["DEFERD_BUILD"]) / "bin" / "deferd-helper"
        words = [str(program), "--table", f"white=file:{table}", "--stdio"]
        with Deferd(os.environ["DEFERD_BUILD"], folder, plugins=f"  - pfbridge: {{helper: {json.dumps(words)}}}\n") as deferd:
            deferd.ctl("add", "white", "192.0.2.7")
            wait_for(lambda: table.exists() and "192.0.2.7" in table.read_text(), "the helper to be told")
            assert children_of(deferd.process.pid) == 1
            deferd.write_config()
            assert "reload.done" in deferd.reload(), deferd.log()
            wait_for(lambda: children_of(deferd.process.pid) == 0, "the helper to be gone")


signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # by way of all that ends what was started
lay_cable()
stack = contextlib.ExitStack()
atexit.register(stack.close)
sink = Sink()
postfix = stack.enter_context(Mta(stack.enter_context(temporary_folder()), sink.port))
TESTS = [who_comes_back_in_time_reaches_the_mail_server_and_is_seen_there, a_host_that_is_written_to_may_answer,
         who_is_exempt_reaches_the_mail_server_without_being_white, a_row_that_ends_leaves_the_set, the_trapped_stay_in_the_tarpit, a_white_client_that_is_trapped_leaves_the_set,
         only_the_listed_and_the_trapped_meet_deferd_where_that_is_wanted,
         strangers_reach_the_mail_server_while_deferd_stands_still, what_happens_to_the_set_is_healed,
         a_started_helper_is_buried_though_its_plugin_is_gone]
play([test for test in TESTS if len(sys.argv) < 3 or test.__name__ in sys.argv[2:]])
