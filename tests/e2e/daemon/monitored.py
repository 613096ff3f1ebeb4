"""What root starts: a monitor, a worker that is not root, helpers. The clock is the machine's."""
import contextlib
import os
import pathlib
import pwd
import re
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import time

from fixture import BUILD, ctl_ends, deferd_ends, folder_of_nobody
from mta import Mta, attempt
from support import Deferd, SmtpClient, run, temporary_folder, wait_for

PORT = 25


class Monitored(Deferd):
    """The configuration is root's, all else nobody's. `helpers` are shell scripts, or lists of words."""

    def __init__(self, folder, smtp="", helpers=(), **options):
        self.root, self.smtp = folder, smtp
        self.helpers = [[self.script(f"helper{number}", text), "word"] if isinstance(text, str) else text
                        for number, text in enumerate(helpers)]
        super().__init__(BUILD, folder_of_nobody(folder), testing_clock=None, **options)

    def script(self, name, text):
        path = self.root / name
        path.write_text("#!/bin/sh\n" + text + "\n")
        path.chmod(0o755)
        return path

    def write_config(self, plugins=Deferd.PLUGINS, settings="", engine="memory"):
        self.config = self.root / "deferd.yaml"
        self.config.write_text(
            f"store: {{engine: {engine}, path: {self.folder}/db}}\n"
            f"listen: {{milter: ['{self.socket}'], smtp: ['127.0.0.1:{PORT}']}}\n"
            "milter: {socket_mode: '0666'}\n"
            f"control: {{socket: {self.control}}}\n"
            f"smtp: {{name: mx.example.org, {self.smtp}}}\n"
            "exempt: {networks: []}\n"
            "user: nobody\n"
            f"helpers: [{', '.join('[' + ', '.join(map(str, words)) + ']' for words in self.helpers)}]\n"
            f"{settings}plugins:\n{plugins}")

    def children(self):
        """Pid and first word of each child of the monitor."""
        path = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        found = {}
        for pid in path.read_text().split():
            with contextlib.suppress(OSError):
                found[int(pid)] = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0].decode()
        return found

    def worker(self):
        return next(pid for pid, word in self.children().items() if word.endswith("/deferd"))

    def said(self, pattern, count=1):
        """Waits until the log holds that many."""
        wait_for(lambda: len(re.findall(pattern, self.log())) >= count, f"{count} x {pattern} in the log")

    def kill(self):
        """The monitor; the others end by themselves."""
        children = self.children() if self.process and self.process.poll() is None else []
        super().kill()
        wait_for(lambda: all(gone(pid) for pid in children), "worker and helpers to end")


@contextlib.contextmanager
def monitored(**options):
    with temporary_folder() as folder, Monitored(folder, **options) as deferd:
        yield deferd


def status(pid):
    lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    return dict(line.split(":\t", 1) for line in lines if ":\t" in line)


def gone(pid):
    try:
        return status(pid)["State"].startswith("Z")
    except OSError:
        return True


def greylisted(smtp):
    """The reply of a client that has just connected, at RCPT or, at the latest, at DATA."""
    assert smtp.say("EHLO mx.example.net").startswith("250")
    return smtp.message("a@example.net", ["b@example.org"])


def a_worker_that_is_not_root_listens_at_a_port_below_1024():
    with monitored() as deferd:
        assert greylisted(SmtpClient(PORT))[1].startswith("451")
        assert attempt(deferd.socket).startswith("451")
        account, worker = pwd.getpwnam("nobody"), status(deferd.worker())
        assert worker["Uid"].split() == [str(account.pw_uid)] * 4, worker["Uid"]
        assert worker["Gid"].split() == [str(account.pw_gid)] * 4, worker["Gid"]
        assert all(int(worker[kind], 16) == 0 for kind in ("CapEff", "CapPrm", "CapAmb")), worker
        assert worker["NoNewPrivs"] == "1"
        assert status(deferd.process.pid)["Uid"].split()[0] == "0"
        assert status(deferd.process.pid)["Threads"] == "1"


def the_worker_holds_nothing_of_the_monitor_but_what_it_was_given():
    def open_files(pid):
        folder = f"/proc/{pid}/fd"
        return {os.readlink(f"{folder}/{fd}") for fd in os.listdir(folder) if int(fd) > 2}

    with monitored(helpers=["exec sleep 1000"]) as deferd:
        deferd.said("monitor.helper_started")
        os.kill(deferd.worker(), signal.SIGKILL)  # the next one is forked while there is more to be had
        deferd.said("deferd.ready", 2)
        shared = open_files(deferd.process.pid) & open_files(deferd.worker())
        shared = {name for name in shared if name.startswith(("pipe:", "socket:", "/"))}
        assert len(shared) == 1, f"the listening socket alone is in both, not {shared}"


def a_killed_worker_is_back_and_who_came_meanwhile_is_served():
    with monitored() as deferd:
        first = deferd.worker()
        os.kill(first, signal.SIGSTOP)  # so that the client surely comes before it ends
        early = socket.create_connection(("127.0.0.1", PORT), 20)
        os.kill(first, signal.SIGKILL)
        wait_for(lambda: gone(first), "it to end")
        late = socket.create_connection(("127.0.0.1", PORT), 20)
        assert early.makefile("rb").readline().startswith(b"220 ")
        assert late.makefile("rb").readline().startswith(b"220 ")
        assert deferd.worker() != first
        wait_for(lambda: 'monitor.worker_ended how="killed by signal 9" again_in_s=1' in deferd.log(), "the log line")
        assert attempt(deferd.socket).startswith("451")
        assert deferd.stop() < 10


def a_killed_worker_loses_nothing_that_a_client_was_told():
    plugins = "  - greylist: {pass_time: 1s}\n"
    with monitored(engine="rocksdb", plugins=plugins) as deferd:
        assert attempt(deferd.socket).startswith("451")
        os.kill(deferd.worker(), signal.SIGKILL)
        deferd.said("deferd.ready", 2)
        assert deferd.ctl_rows("list", "grey")
        wait_for(lambda: attempt(deferd.socket).startswith("250"), "the retry to pass")


def a_killed_helper_is_started_again():
    with monitored(helpers=["echo \"begun $*\"; exec sleep 1000", "exit 3"]) as deferd:
        deferd.said(r"monitor.helper_said helper=helper0\[0\] line=\"begun word\"")
        wait_for(lambda: "sleep" in deferd.children().values(), "the shell to have become what it runs")
        first = next(pid for pid, word in deferd.children().items() if word == "sleep")
        assert status(first)["Uid"].split()[0] == "0"
        os.kill(first, signal.SIGKILL)
        deferd.said(r"monitor.helper_said helper=helper0\[0\] line=\"begun word\"", 2)
        deferd.said(r'monitor.helper_ended helper=helper1\[1\] how="exit code 3" again_in_s=2')
        assert attempt(deferd.socket).startswith("451"), "mail does not care"


def the_packet_filters_helper_is_found_by_its_name_and_spoken_to():
    with temporary_folder() as folder:
        table, place = folder / "table", folder / "helper.sock"
        helper = ["deferd-helper", "--table", f"white=file:{table}", "--socket", place, "--owner", "nobody"]
        plugins = f"  - greylist\n  - pfbridge: {{helper: 'unix:{place}'}}\n"
        holds = lambda address: table.exists() and address in table.read_text().split()
        with Monitored(folder, helpers=[helper], plugins=plugins) as deferd:
            deferd.ctl("add", "white", "192.0.2.7")
            wait_for(lambda: holds("192.0.2.7"), "the helper to be told")
            os.kill(next(pid for pid, word in deferd.children().items() if word == "deferd-helper"), signal.SIGKILL)
            deferd.ctl("add", "white", "192.0.2.8")
            wait_for(lambda: holds("192.0.2.8"), "the next helper to be told")
            os.kill(deferd.worker(), signal.SIGKILL)
            deferd.said("deferd.ready", 2)
            deferd.ctl("add", "white", "192.0.2.9")
            wait_for(lambda: holds("192.0.2.9"), "the helper to be told by the next worker")
            wait_for(lambda: "monitor.helper_ended helper=deferd-helper[0] how=\"killed by signal 9\"" in deferd.log(), "the log line")


def a_helper_has_three_descriptors_and_a_clean_environment():
    os.environ["SECRET"] = "x"
    try:
        with monitored(helpers=["echo fds $(ls /proc/self/fd | wc -l); env | sed 's/^/env /'; exec sleep 1000"]) as deferd:
            deferd.said("line=\"env LC_ALL=C")
            wait_for(lambda: 'line="fds 4"' in deferd.log(), "0 to 2, and the folder that ls reads")
            assert "SECRET" not in deferd.log()
    finally:
        del os.environ["SECRET"]


def a_reload_reaches_the_worker():
    with monitored() as deferd:
        worker = deferd.worker()
        deferd.write_config(plugins="  - greylist: {pass_time: 1s}\n")
        assert "reload.done" in deferd.reload()
        assert attempt(deferd.socket).startswith("451")
        wait_for(lambda: attempt(deferd.socket).startswith("250"), "the retry to pass")
        assert deferd.worker() == worker


def a_worker_that_is_started_again_goes_on_with_what_was_in_force():
    broken = {"the file is no configuration": "plugins: [\n", "a plugin's settings are wrong": None}
    for case, text in broken.items():
        with temporary_folder() as folder, Monitored(folder, smtp=certificate(folder, "mx.example.org"),
                                                     plugins="  - greylist: {pass_time: 5m}\n") as deferd:
            deferd.write_config(plugins="  - greylist: {pass_time: 1s}\n")
            assert "reload.done" in deferd.reload()
            if text:
                deferd.config.write_text(text)
            else:
                deferd.write_config(plugins="  - greylist: {pass_time: 1s, no_such_key: 1}\n")
            os.kill(deferd.worker(), signal.SIGKILL)
            deferd.said("deferd.ready", 2)
            assert attempt(deferd.socket).startswith("451"), case
            wait_for(lambda: attempt(deferd.socket).startswith("250"), "the retry to pass")
            assert whose_certificate() == "mx.example.org", "only root can read its key"


def the_monitor_writes_where_a_group_of_the_user_may():
    with temporary_folder() as folder, temporary_folder() as logs:
        groups = folder / "group"
        groups.write_text(re.sub("^games:(.*)$", r"games:\1,nobody", pathlib.Path("/etc/group").read_text(), flags=re.MULTILINE)
                          .replace(":,", ":"))
        groups.chmod(0o644)
        shutil.chown(logs, "root", "games")
        logs.chmod(0o770)
        run("mount", "--bind", str(groups), "/etc/group")
        try:
            log = logs / "deferd.log"
            deferd = Monitored(folder, settings=f"log: {{to: {log}}}\n")
            deferd.log = lambda: log.read_text() if log.exists() else ""
            with deferd:
                os.kill(deferd.worker(), signal.SIGKILL)
                deferd.said("monitor.worker_ended")
        finally:
            run("umount", "/etc/group")


def what_belongs_to_the_monitor_needs_a_restart():
    with monitored() as deferd:
        deferd.config.write_text(deferd.config.read_text().replace(f"127.0.0.1:{PORT}", "127.0.0.1:8025")
                                 .replace("helpers: []", "helpers: [[/bin/true]]"))
        code, said = ctl_ends(deferd, "reload")
        assert code == 0 and "only after a restart: listen.smtp" in said and "only after a restart: helpers" in said, said
        os.kill(deferd.worker(), signal.SIGKILL)
        deferd.said("deferd.ready", 2)
        assert SmtpClient(PORT)


def sigterm_lets_a_message_end_and_then_ends_all():
    with temporary_folder() as folder, Monitored(folder, helpers=[
            f"trap 'echo ended; exit' TERM; while :; do echo on >>{folder}/turns; sleep 0.1; done"]) as deferd:
        turns = lambda: (folder / "turns").read_text().count("on") if (folder / "turns").exists() else 0
        wait_for(turns, "the helper to be at work")
        children = list(deferd.children())
        deferd.ctl("add", "white", "192.0.2.7")
        with Mta(deferd.socket) as mta:
            mta.begin("192.0.2.7")
            mta.mail("a@example.net")
            assert mta.rcpt("r@example.org").startswith("250")
            deferd.signal(signal.SIGTERM)
            deferd.said("deferd.stopping")
            so_far = turns()
            wait_for(lambda: turns() >= so_far + 3, "the helper, which ends after the worker, to go on")
            assert mta.text().startswith("250"), "the message is served to its end"
        assert deferd.process.wait(20) == 0, deferd.log()
        assert all(gone(pid) for pid in children)
        assert "deferd.stopped" in deferd.log() and "line=ended" in deferd.log()


def a_killed_monitor_leaves_nobody():
    with monitored(helpers=["exec sleep 1000"]) as deferd:
        deferd.said("monitor.helper_started")
        children = list(deferd.children())
        assert len(children) == 2, children
        deferd.kill()
        wait_for(lambda: all(gone(pid) for pid in children), "all to end")
        deferd.start()
        assert attempt(deferd.socket).startswith("451")


def certificate(folder, name):
    """Files that only root can read; the settings that name them."""
    paths = folder / f"{name}.pem", folder / f"{name}.key"
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "90", "-subj",
        f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}", "-out", str(paths[0]), "-keyout", str(paths[1]))
    for path in paths:
        path.chmod(0o600)
    return f"tls: {{certificate: {paths[0]}, key: {paths[1]}}}"


def whose_certificate():
    said = subprocess.run(["openssl", "s_client", "-starttls", "smtp", "-connect", f"127.0.0.1:{PORT}", "-crlf"], input="QUIT\n",
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60).stdout
    found = re.search(r"subject=CN = (\S+)", said)
    assert found, said
    return found[1]


def a_key_that_only_root_can_read_is_used_and_read_again_at_a_reload():
    with temporary_folder() as folder:
        with Monitored(folder, smtp=certificate(folder, "old.example.org")) as deferd:
            assert whose_certificate() == "old.example.org"
            deferd.smtp = certificate(folder, "new.example.org")
            deferd.write_config()
            code, said = ctl_ends(deferd, "reload")
            assert code == 0, said
            assert whose_certificate() == "new.example.org"
            os.kill(deferd.worker(), signal.SIGKILL)
            deferd.said("deferd.ready", 2)
            assert whose_certificate() == "new.example.org"


def a_key_is_not_lent_where_others_could_have_put_it():
    with temporary_folder() as folder:
        deferd = Monitored(folder, smtp=certificate(folder, "mx.example.org"))
        (deferd.folder / "mx.key").symlink_to(folder / "mx.example.org.key")
        deferd.config.write_text(deferd.config.read_text().replace(f"{folder}/mx.example.org.key", f"{deferd.folder}/mx.key"))
        code, said = deferd_ends("-c", deferd.config)
        assert code == 78 and "mx.key cannot be read: Permission denied; deferd runs as nobody" in said, (code, said)
        assert "monitor.file_refused" in said and "belongs to nobody" in said, said


def a_wrong_configuration_ends_it_with_78():
    with temporary_folder() as folder:
        deferd = Monitored(folder, plugins="  - greylist: {no_such_key: 1}\n", helpers=["echo begun; exec sleep 1000"])
        code, said = deferd_ends("-c", deferd.config)
        assert code == 78 and "unknown key 'no_such_key'" in said, (code, said)
        assert "begun" not in said
    with temporary_folder() as folder:
        deferd = Monitored(folder)
        deferd.config.write_text(deferd.config.read_text().replace("helpers: []", "helpers: [[no-such-helper]]"))
        code, said = deferd_ends("-c", deferd.config)
        assert code == 78 and "there is no program 'no-such-helper'" in said, (code, said)
        code, said = deferd_ends("-t", "-c", deferd.config)
        assert code == 78 and "deferd.yaml:8:11: helpers[0]: there is no program" in said, (code, said)


def a_port_in_use_is_told():
    with temporary_folder() as folder, socket.create_server(("127.0.0.1", PORT)):
        code, said = deferd_ends("-c", Monitored(folder).config)
        assert code == 69 and f"127.0.0.1:{PORT}: cannot bind it: Address already in use" in said, (code, said)


def helpers_of_an_ordinary_deferd_are_not_started():
    with temporary_folder() as folder:
        deferd = Monitored(folder, helpers=["echo begun"])
        deferd.testing_clock = "2026-01-01T00:00:00Z"
        with deferd:
            wait_for(lambda: "deferd.without_helpers" in deferd.log(), "the log line")
            assert not deferd.children()


def the_service_manager_hears_of_the_monitor():
    with temporary_folder() as folder, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        manager.bind(str(folder / "notify.sock"))
        manager.settimeout(20)
        os.environ |= {"NOTIFY_SOCKET": str(folder / "notify.sock"), "WATCHDOG_USEC": "200000"}
        try:
            deferd = Monitored(folder).start()
        finally:
            del os.environ["NOTIFY_SOCKET"], os.environ["WATCHDOG_USEC"]

        def heard(*left_out):
            while True:
                said, control, _, _ = manager.recvmsg(1000, socket.CMSG_SPACE(12))
                assert struct.unpack("iii", control[0][2])[0] == deferd.process.pid
                lines = said.decode().splitlines()
                if lines[0].split("=")[0] not in left_out:
                    return lines

        try:
            assert heard() == ["READY=1"]
            assert heard("STATUS") == heard("STATUS") == ["WATCHDOG=1"]
            deferd.signal(signal.SIGHUP)
            assert heard("STATUS", "WATCHDOG")[0] == "RELOADING=1"
            assert heard("STATUS", "WATCHDOG") == ["READY=1"]
            worker = deferd.worker()
            os.kill(worker, signal.SIGSTOP)
            manager.settimeout(1)
            try:
                end = time.monotonic() + 30
                while time.monotonic() < end:  # what it had said before still comes
                    heard()
                raise AssertionError("the monitor says that a worker lives which stands still")
            except TimeoutError:
                pass
            manager.settimeout(20)
            os.kill(worker, signal.SIGCONT)
            assert heard("STATUS") == ["WATCHDOG=1"]
            deferd.stop()
            assert heard("STATUS", "WATCHDOG") == ["STOPPING=1"]
        finally:
            deferd.kill()


TESTS = [a_worker_that_is_not_root_listens_at_a_port_below_1024, the_worker_holds_nothing_of_the_monitor_but_what_it_was_given,
         a_killed_worker_is_back_and_who_came_meanwhile_is_served, a_killed_worker_loses_nothing_that_a_client_was_told,
         a_killed_helper_is_started_again, the_packet_filters_helper_is_found_by_its_name_and_spoken_to,
         a_helper_has_three_descriptors_and_a_clean_environment, a_reload_reaches_the_worker,
         a_worker_that_is_started_again_goes_on_with_what_was_in_force, the_monitor_writes_where_a_group_of_the_user_may,
         what_belongs_to_the_monitor_needs_a_restart, sigterm_lets_a_message_end_and_then_ends_all, a_killed_monitor_leaves_nobody,
         a_key_that_only_root_can_read_is_used_and_read_again_at_a_reload, a_key_is_not_lent_where_others_could_have_put_it,
         a_wrong_configuration_ends_it_with_78, a_port_in_use_is_told, helpers_of_an_ordinary_deferd_are_not_started,
         the_service_manager_hears_of_the_monitor]
