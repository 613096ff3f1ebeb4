"""Programs that plugins start where there is a user for them. The clock is the machine's."""
import contextlib
import os
import pathlib
import pwd
import shutil
import signal

from fixture import BUILD, deferd_ends
from monitored import Monitored, gone, status
from mta import Mta
from support import temporary_folder, wait_for

USER = "games"
ACCOUNT = pwd.getpwnam(USER)


def processes(program=None):
    """Of the commands' user, perhaps only those that run `program`."""
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, KeyError):
            pid = int(path.name)
            name = (path / "cmdline").read_bytes().split(b"\0")[0].decode().split("/")[-1]
            if os.readlink(path / "ns/net") != os.readlink("/proc/self/ns/net"):
                continue  # another test's
            if status(pid)["Uid"].split()[0] == str(ACCOUNT.pw_uid) and not gone(pid) and program in (None, name):
                found.append(pid)
    return found


def runner():
    wait_for(lambda: processes("deferd"), "what runs programs to be there")
    return processes("deferd")[0]


def kill_worker(deferd):
    nobody = str(pwd.getpwnam("nobody").pw_uid)
    os.kill(next(pid for pid in deferd.children() if status(pid)["Uid"].split()[0] == nobody), signal.SIGKILL)
    deferd.said("deferd.ready", 2)


class WithList(Monitored):
    """Its one list is what a script prints, which has a folder of its user's, `$PLACE`."""

    def __init__(self, folder, script, settings="", user=USER, more="", others=""):
        self.place = folder / "place"
        self.place.mkdir()
        shutil.chown(self.place, USER)
        self.root = folder
        path = self.script("list", f"PLACE={self.place}\n{script}")
        keep = folder / "nobody" / "lists"
        super().__init__(folder, settings=(f"commands: {{user: {user}}}\n" if user else "") + more,
                         plugins=f"  - blacklist: {{keep: {keep}, lists: [{{name: own, exec: ['{path}', '$(id)', 'a b'], {settings}}}]}}\n{others}")

    def written(self, name):
        path = self.place / name
        return path.read_text() if path.exists() else ""

    def list(self):
        return self.ctl_rows("lists")[0]

    def loaded(self):
        wait_for(lambda: self.list()["state"] == "good", "the list")

    def has(self, address):
        return bool(self.ctl_rows("lists", "test", address))

    def refreshes(self):
        wait_for(lambda: not self.ctl("lists", "refresh", "own", check=False).startswith("deferctl: "), "the list to be refreshed")


@contextlib.contextmanager
def serving_list(script, **options):
    with temporary_folder() as folder, WithList(folder, script, **options) as deferd:
        yield deferd


def a_list_is_printed_by_a_user_who_is_neither_root_nor_the_worker():
    with serving_list("echo 192.0.2.$(id -u)\n"
                      "exec >$PLACE/seen; id -u; id -G; pwd; ls /proc/self/fd | wc -l; grep -c SECRET /proc/self/environ\n"
                      "sed -n 's/^NoNewPrivs:[^0-9]*//p' /proc/self/status; printf '%s\\n' \"$@\"") as deferd:
        deferd.loaded()
        assert deferd.has(f"192.0.2.{ACCOUNT.pw_uid}")
        groups = " ".join(map(str, os.getgrouplist(USER, ACCOUNT.pw_gid)))
        seen = deferd.written("seen").splitlines()
        assert sorted(seen[1].split()) == sorted(groups.split()), (seen, groups)
        assert seen[:1] + seen[2:] == [str(ACCOUNT.pw_uid), "/", "4", "0", "1", "$(id)", "a b"], seen
        its = status(runner())
        assert its["Uid"].split() == [str(ACCOUNT.pw_uid)] * 4, its["Uid"]
        assert its["Gid"].split() == [str(ACCOUNT.pw_gid)] * 4, its["Gid"]
        assert all(int(its[kind], 16) == 0 for kind in ("CapEff", "CapPrm", "CapAmb")), its
        assert its["NoNewPrivs"] == "1" and its["Threads"] == "1"
        wait_for(lambda: f"monitor.runner_started user={USER}" in deferd.log(), "the log line")


def what_runs_programs_holds_nothing_but_its_channel():
    with serving_list("echo 192.0.2.1") as deferd:
        deferd.loaded()
        links = [os.readlink(path) for path in pathlib.Path(f"/proc/{runner()}/fd").iterdir() if int(path.name) > 2]
        assert sorted(link.split(":")[0] for link in links) == ["pipe", "pipe", "socket"], links


def a_killed_runner_is_back_and_lists_are_refreshed():
    with serving_list("date +%N >$PLACE/run; echo 192.0.2.1") as deferd:
        deferd.loaded()
        before = deferd.written("run")
        os.kill(runner(), signal.SIGKILL)
        deferd.said("monitor.runner_ended how=\"killed by signal 9\" again_in_s=1")
        assert deferd.has("192.0.2.1"), "it stays in use"
        deferd.said("monitor.runner_started", 2)
        deferd.refreshes()
        assert deferd.written("run") != before
        assert deferd.list()["state"] == "good"


def the_next_worker_has_a_runner_of_its_own():
    with serving_list("date +%N >$PLACE/run; echo 192.0.2.1") as deferd:
        deferd.loaded()
        before, former = deferd.written("run"), runner()
        kill_worker(deferd)
        deferd.refreshes()
        assert deferd.written("run") != before
        wait_for(lambda: gone(former), "the runner of the worker that was killed to end")
        assert len(processes("deferd")) == 1
        assert "monitor.runner_ended" not in deferd.log()


def what_does_not_end_in_time_is_killed_with_all_it_has_started():
    with serving_list("sleep 1000 & echo $$ $! >$PLACE/pids; wait", settings="timeout: 1s") as deferd:
        wait_for(lambda: deferd.written("pids").endswith("\n"), "the program")
        pids = [int(pid) for pid in deferd.written("pids").split()]
        wait_for(lambda: "did not end in time" in deferd.list().get("error", ""), "the time limit")
        wait_for(lambda: all(gone(pid) for pid in pids), "all of it to end")


def nothing_is_left_when_all_is_killed():
    with serving_list("sleep 1000 & echo $$ $! >$PLACE/pids; wait") as deferd:
        wait_for(lambda: deferd.written("pids").endswith("\n"), "the program")
        deferd.kill()
        wait_for(lambda: not processes(), "all to end")


def the_bridges_helper_is_that_users_and_is_disturbed_by_nobodys_end():
    with temporary_folder() as folder:
        place = folder / "place"
        place.mkdir()
        shutil.chown(place, USER)
        table = place / "white"
        helper = [BUILD / "bin/deferd-helper", "--table", f"white=file:{table}", "--bypass", f"file:{place}/bypass", "--stdio"]
        plugins = "  - greylist\n  - pfbridge: {helper: [" + ", ".join(f"'{word}'" for word in helper) + "]}\n"

        def takes(address):
            deferd.ctl("add", "white", address)
            wait_for(lambda: table.exists() and address in table.read_text().split(), f"the helper to be told of {address}")
            return processes("deferd-helper")

        try:
            with Monitored(folder, settings=f"commands: {{user: {USER}}}\n", plugins=plugins) as deferd:
                [first] = takes("192.0.2.1")
                os.kill(runner(), signal.SIGKILL)
                deferd.said("monitor.runner_started", 2)
                assert takes("192.0.2.2") == [first], "it speaks to the worker, not to who has started it"
                os.kill(first, signal.SIGKILL)
                [second] = takes("192.0.2.3")
                assert second != first
                kill_worker(deferd)
                assert second in takes("192.0.2.4"), "it stays, to let everybody pass if no worker came back"
        finally:
            for pid in processes("deferd-helper"):
                os.kill(pid, signal.SIGKILL)


def without_a_user_for_them_programs_run_as_the_worker():
    with serving_list("echo 192.0.2.$(($(id -u) % 251))", user=None) as deferd:
        deferd.loaded()
        assert deferd.has(f"192.0.2.{pwd.getpwnam('nobody').pw_uid % 251}")
        assert "monitor.runner_started" not in deferd.log()


def what_the_worker_runs_ends_with_it_though_a_plugin_hangs():
    # Each of these keeps the answer back, for longer in all than it is waited for.
    hang = "".join(f"  - hangs_in_hook: {{hook: reply}}\n    as: hang{number}\n    budget: 100ms\n" for number in range(4))
    with temporary_folder() as folder:
        pids_file = folder / "nobody" / "pids"
        deferd = WithList(folder, f"sleep 1000 & echo $$ $! >{pids_file}; wait", user=None, settings="timeout: 10m",
                          more=f"plugin_dirs: [{BUILD}/plugins, {BUILD}/tests/bad_plugins]\n", others=hang)
        deferd.config.write_text(deferd.config.read_text().replace("milter: {", "milter: {drain: 0s, "))
        with deferd, Mta(deferd.socket) as mta:
            wait_for(lambda: pids_file.exists() and pids_file.read_text().endswith("\n"), "the program")
            pids = [int(pid) for pid in pids_file.read_text().split()]
            mta.begin("192.0.2.7")
            mta.mail("a@example.net")
            mta.send(b"R", b"<r@example.org>\0")
            deferd.said("plugin.slow plugin=hang0")
            deferd.stop()
            wait_for(lambda: "milter.stuck" in deferd.log(), "the log line")
            wait_for(lambda: all(gone(pid) for pid in pids), "all of it to end")


def a_user_who_is_not_there_is_told():
    with temporary_folder() as folder:
        deferd = WithList(folder, "echo 192.0.2.1", user="no-such-account")
        code, said = deferd_ends("-c", deferd.config)
        assert code == 69 and "commands: user: there is no account 'no-such-account'" in said, (code, said)


TESTS = [a_list_is_printed_by_a_user_who_is_neither_root_nor_the_worker, what_runs_programs_holds_nothing_but_its_channel,
         a_killed_runner_is_back_and_lists_are_refreshed, the_next_worker_has_a_runner_of_its_own,
         what_does_not_end_in_time_is_killed_with_all_it_has_started, nothing_is_left_when_all_is_killed,
         the_bridges_helper_is_that_users_and_is_disturbed_by_nobodys_end,
         without_a_user_for_them_programs_run_as_the_worker, what_the_worker_runs_ends_with_it_though_a_plugin_hangs,
         a_user_who_is_not_there_is_told]
