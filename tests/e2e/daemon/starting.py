"""How deferd starts, refuses to start, and ends."""
import os
import pathlib
import pwd
import signal
import socket
import time

from fixture import BUILD, CLOCK, deferd_ends, folder_of_nobody, serving
from mta import Mta, attempt
from support import Deferd, temporary_folder, wait_for


def second(deferd, *arguments, **changed):
    """Starts another deferd with the configuration of the first, but for what `changed` names."""
    text = deferd.config.read_text()
    for old, new in ({"db": "db2", "milter.sock": "milter2.sock", "control.sock": "control2.sock"} | changed).items():
        text = text.replace(f"{deferd.folder}/{old}", f"{deferd.folder}/{new}")
    config = deferd.folder / "second.yaml"
    config.write_text(text)
    return deferd_ends("-c", config, *CLOCK, *arguments)


def a_store_has_one_deferd():
    with serving() as deferd:
        code, said = second(deferd, db="db")
        assert code == 69 and f"{deferd.folder}/db is in use by another process" in said, (code, said)
        assert attempt(deferd.socket).startswith("451")


def a_live_milter_socket_is_not_stolen():
    with serving() as deferd:
        code, said = second(deferd, **{"milter.sock": "milter.sock"})
        assert code == 69 and f"{deferd.folder}/milter.sock belongs to another deferd that is running" in said, (code, said)
        assert attempt(deferd.socket).startswith("451")


def a_live_control_socket_is_not_stolen():
    with serving() as deferd:
        code, said = second(deferd, **{"control.sock": "control.sock"})
        assert code == 69 and f"{deferd.folder}/control.sock" in said, (code, said)
        assert "451" in attempt(deferd.socket) and deferd.ctl("status")


def sockets_that_a_crash_left_are_taken_over():
    with serving() as deferd:
        deferd.kill()
        assert (deferd.folder / "milter.sock").exists() and deferd.control.exists()
        deferd.start()
        assert attempt(deferd.socket).startswith("451")


def root_needs_a_user_to_become():
    with temporary_folder() as folder:
        deferd = Deferd(BUILD, folder)
        code, said = deferd_ends("-c", deferd.config)
        assert code == 78 and "refusing to run as root" in said, (code, said)
        assert not (folder / "db").exists()


def an_unknown_user_is_told():
    with temporary_folder() as folder:
        code, said = deferd_ends("-c", Deferd(BUILD, folder, settings="user: nosuchuser\n").config)
        assert code == 69 and "there is no account 'nosuchuser'" in said, (code, said)


def background(folder):
    """A folder of nobody's with a configuration for --daemon, which starts as root; its pid file."""
    place = folder_of_nobody(folder)
    deferd = Deferd(BUILD, place, settings=f"user: nobody\nlog: {{to: {place}/deferd.log}}\n")
    return deferd, place / "deferd.pid"


def gone(pid):
    return not pathlib.Path(f"/proc/{pid}").exists() or "State:\tZ" in pathlib.Path(f"/proc/{pid}/status").read_text()


def in_the_background_it_is_ready_when_the_command_returns():
    with temporary_folder() as folder:
        deferd, pid_file = background(folder)
        code, said = deferd_ends("-c", deferd.config, "--daemon", "--pid-file", pid_file)
        assert code == 0 and not said, (code, said)
        pid = int(pid_file.read_text())
        try:
            assert attempt(deferd.socket).startswith("451"), deferd.log()
            worker = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().strip()
            lines = pathlib.Path(f"/proc/{worker}/status").read_text().splitlines()
            status = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
            account = pwd.getpwnam("nobody")
            assert status["Uid"].split() == [str(account.pw_uid)] * 4, status["Uid"]
            assert status["Gid"].split() == [str(account.pw_gid)] * 4, status["Gid"]
            assert "0" not in status["Groups"].split(), status["Groups"]
            assert int(status["CapEff"], 16) == 0, status["CapEff"]
            assert (deferd.folder / "db").stat().st_uid == account.pw_uid
            assert deferd.log_path.stat().st_uid == account.pw_uid
            wait_for(lambda: "deferd.ready" in deferd.log() and "monitor.worker_started" in deferd.log(), "both to have written there")

            code, said = second(deferd, "--daemon", "--pid-file", pid_file)
            assert code == 69 and f"already running as pid {pid}" in said, (code, said)
        finally:
            os.kill(pid, signal.SIGTERM)
        wait_for(lambda: gone(pid) and gone(worker), "it to end")
        assert not pid_file.exists()


def in_the_background_a_failed_start_is_told_by_the_command():
    with temporary_folder() as folder:
        deferd, pid_file = background(folder)
        deferd.config.write_text(deferd.config.read_text().replace(f"{deferd.folder}/db", "/proc/no-store-can-be-here"))
        code, said = deferd_ends("-c", deferd.config, "--daemon", "--pid-file", pid_file)
        assert code == 69 and "/proc/no-store-can-be-here" in said, (code, said)
        assert not pid_file.exists()


def in_the_background_standard_error_is_no_place_for_the_log():
    with temporary_folder() as folder:
        code, said = deferd_ends("-c", Deferd(BUILD, folder).config, *CLOCK, "--daemon")
        assert code == 78 and "log:" in said, (code, said)


def it_ends_in_time_with_idle_connections_open():
    with serving() as deferd:
        idle = [Mta(deferd.socket) for _ in range(20)]
        for mta in idle[:10]:
            mta.begin("192.0.2.7")
        control = socket.socket(socket.AF_UNIX)
        control.connect(str(deferd.control))
        took = deferd.stop()
        assert took < 10, took
        assert not (deferd.folder / "milter.sock").exists() and not deferd.control.exists()


def the_service_manager_is_told():
    with temporary_folder() as folder, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(folder / "notify.sock"))
        manager.settimeout(20)
        os.environ |= {"NOTIFY_SOCKET": str(folder / "notify.sock"), "WATCHDOG_USEC": "200000"}
        try:
            deferd = Deferd(BUILD, folder, engine="memory").start()
        finally:
            del os.environ["NOTIFY_SOCKET"], os.environ["WATCHDOG_USEC"]
        heard = lambda: manager.recv(1000).decode().splitlines()
        try:
            assert heard() == ["READY=1"]
            assert heard() == heard() == ["WATCHDOG=1"]
            before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
            deferd.signal(signal.SIGHUP)
            while (reloading := heard()) == ["WATCHDOG=1"]:
                pass
            assert reloading[0] == "RELOADING=1", reloading
            assert before <= int(reloading[1].removeprefix("MONOTONIC_USEC=")) <= time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
            assert heard() == ["READY=1"]
            deferd.stop()
            while (last := heard()) == ["WATCHDOG=1"]:
                pass
            assert last == ["STOPPING=1"], last
        finally:
            deferd.kill()


def no_thread_interrupts_who_is_at_work():
    with serving() as deferd:
        threads = os.listdir(f"/proc/{deferd.process.pid}/task")
        assert len(threads) > 3 and {os.sched_getscheduler(int(thread)) for thread in threads} == {os.SCHED_BATCH}, threads


TESTS = [a_store_has_one_deferd, a_live_milter_socket_is_not_stolen, a_live_control_socket_is_not_stolen,
         sockets_that_a_crash_left_are_taken_over, root_needs_a_user_to_become, an_unknown_user_is_told,
         in_the_background_it_is_ready_when_the_command_returns, in_the_background_a_failed_start_is_told_by_the_command,
         in_the_background_standard_error_is_no_place_for_the_log, it_ends_in_time_with_idle_connections_open,
         the_service_manager_is_told, no_thread_interrupts_who_is_at_work]
