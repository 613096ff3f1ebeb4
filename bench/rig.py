"""What the benchmarks of the whole daemon share: a seeded store, the programs under test, the load, and what is kept of a run."""
import argparse
import contextlib
import datetime
import json
import os
import pathlib
import platform
import pwd
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
DISTURBED = 0.10  # of the machine's CPU time used by others


def arguments(description, **defaults):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("build", type=pathlib.Path, help="the build folder")
    parser.add_argument("--tuples", type=int, default=defaults.get("tuples", 1_000_000), help="so many wait in the store (%(default)s)")
    parser.add_argument("--seconds", type=float, default=defaults.get("seconds", 3), help="of each measurement (%(default)s)")
    parser.add_argument("--rounds", type=int, default=defaults.get("rounds", 3), help="measurements of each program (%(default)s)")
    parser.add_argument("--data", type=pathlib.Path, help="a folder for the seeded store, used again by later runs")
    parser.add_argument("--results", type=pathlib.Path, default=HERE / "results", help="folder of the raw output (%(default)s)")
    return parser


def megabytes(path):
    return sum(file.stat().st_size for file in pathlib.Path(path).rglob("*") if file.is_file()) / 1e6


class Results:
    """Prints, and keeps what is printed and the raw figures in one file."""

    def __init__(self, name, options):
        self.lines = [f"# bench/run_{name}.py, {datetime.datetime.now(datetime.timezone.utc):%Y-%m-%d %H:%M} UTC",
                      f"# options: tuples={options.tuples} seconds={options.seconds} rounds={options.rounds}",
                      f"# machine: {os.cpu_count()} cores, {cpu_model()}, {memory_gib():.0f} GiB, Linux {platform.release()}"]
        commit = subprocess.run(["git", "-C", HERE, "describe", "--always", "--dirty"], capture_output=True, text=True).stdout.strip()
        self.lines.append(f"# commit: {commit or 'unknown'}")
        options.results.mkdir(exist_ok=True)
        self.path = options.results / f"{name}-{datetime.date.today()}-{options.tuples}.txt"
        self.raw = []

    def say(self, text=""):
        print(text, flush=True)
        self.lines.append(text)

    def add(self, raw):
        self.raw.append(raw)
        return raw

    def close(self):
        self.path.write_text("\n".join(self.lines + ["", "# raw"] + [json.dumps(raw) for raw in self.raw]) + "\n")
        print(f"raw figures: {os.path.relpath(self.path)}")


def cpu_model():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def memory_gib():
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


class Rig:
    """The programs of a build and a folder for their sockets and stores. Ends what it started."""

    def __init__(self, options):
        self.options = options
        self.bin = options.build.resolve() / "bin"
        self.plugins = options.build.resolve() / "plugins"
        self.more_plugins = options.build.resolve() / "bench" / "plugins"
        self.white = max(1, options.tuples // 10)
        self.user = "nobody" if os.geteuid() == 0 else None
        self.processes = []
        self.temporary = options.data is None
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="deferd-bench-", dir="/var/tmp")) if self.temporary else options.data.resolve()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o755)
        self.give(self.folder)
        self.first = 0  # number of the next mail

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.processes:
            self.end(process)
        if self.temporary:
            shutil.rmtree(self.folder, ignore_errors=True)

    def give(self, path):
        """deferd does not run as root, so what it uses is not root's."""
        if self.user:
            account = pwd.getpwnam(self.user)
            os.chown(path, account.pw_uid, account.pw_gid)

    def not_root(self):
        """How to start deferd: as nobody, and so without a monitor, for what it costs is read off its process."""
        return {"user": self.user, "group": pwd.getpwnam(self.user).pw_gid, "extra_groups": []} if self.user else {}

    # ---- the store

    def seed(self, say=print):
        """A store with options.tuples waiting tuples in folder/db, and a cache for it below a quarter of its size."""
        store, state = self.folder / "db", self.folder / "state.json"
        known = json.loads(state.read_text()) if state.exists() else {}
        if known.get("tuples") != self.options.tuples or not store.exists():
            shutil.rmtree(store, ignore_errors=True)
            state.unlink(missing_ok=True)
            done = subprocess.run([self.bin / "seed_store", "--path", store, "--tuples", str(self.options.tuples), "--white",
                                   str(self.white)], capture_output=True, text=True)
            if done.returncode:
                sys.exit(done.stderr)
            say(f"seeded: {done.stdout.strip()}")
            for path in [store, *store.rglob("*")]:
                self.give(path)
        self.first = known.get("first", 0) if known.get("tuples") == self.options.tuples else 0
        self.save()
        data = megabytes(store)
        self.cache_mib = max(8, min(64, int(data / 4 / 1.048576)))
        say(f"store: {data:.0f} MB on disk, cache {self.cache_mib} MiB")

    def save(self):
        (self.folder / "state.json").write_text(json.dumps({"tuples": self.options.tuples, "first": self.first}))

    # ---- the programs

    def config(self, name="deferd", store="db", plugins=""):
        path = self.folder / f"{name}.yaml"
        path.write_text(f"""store: {{engine: rocksdb, path: {self.folder}/{store}, cache: {self.cache_mib}MiB}}
listen: {{milter: ["unix:{self.folder}/{name}.sock"]}}
milter: {{socket_mode: "0666"}}
control: {{socket: {self.folder}/{name}-control.sock}}
log: {{to: {self.folder}/{name}.log, format: text}}
plugin_dirs: ["{self.plugins}", "{self.more_plugins}"]
plugins:
{plugins}
  - rules:
      rules:
        - name: postmaster and abuse are always reachable
          to: [postmaster@, abuse@]
          do: accept
  - greylist: {{pass_time: 5m, grey_expiry: 30d, white_expiry: 36d, quota: {{burst: 0}}}}
""")
        return path

    def deferd(self, name="deferd", **how):
        """Starts deferd; returns (process, socket) when the socket answers."""
        config = self.config(name, **how)
        return self.start([self.bin / "deferd", "-c", config], self.folder / f"{name}.sock", **self.not_root())

    def noop(self, name, *flags):
        return self.start([self.bin / "noop_filter", self.folder / f"{name}.sock", *flags], self.folder / f"{name}.sock")

    def start(self, command, milter, **how):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, **how)
        self.processes.append(process)
        wait_until(lambda: process.poll() is not None or answers(milter), f"{command[0].name} to answer")
        if process.poll() is not None:
            sys.exit(f"{command[0].name} ended: {process.stderr.read()}")
        return process, milter

    def end(self, process):
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        process.stderr.close()

    def load(self, server, connections, label, seconds=None):
        process, milter = server
        done = subprocess.run([self.bin / "milter_load", "--socket", milter, "--connections", str(connections), "--seconds",
                               str(seconds or self.options.seconds), "--pid", str(process.pid), "--tuples", str(self.options.tuples),
                               "--white", str(self.white), "--first", str(self.first), "--label", label], capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"milter_load: {done.stderr}{done.stdout}")
        figures = json.loads(done.stdout)
        if not label.startswith("noop"):
            self.first += figures["done"] + figures["failed"] + connections
            self.save()
            # What it put off is its own cost, and must not fall on the next program.
            debt = wait_until_idle(process.pid, 1)
            figures["server"]["cpu_s_afterwards"] = round(debt, 2)
            figures["server"]["cpu_us_per_transaction"] = round((figures["server"]["cpu_s"] + debt) * 1e6 / figures["done"], 2)
        return figures

    def control(self, name, path):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(30)
            connection.connect(str(self.folder / f"{name}-control.sock"))
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
            answer = b"".join(iter(lambda: connection.recv(65536), b""))
        return answer.split(b"\r\n\r\n", 1)[1].decode()


def answers(milter):
    """Whether a filter there answers the first packet of the protocol."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(5)
        connection.connect(str(milter))
        connection.sendall(bytes.fromhex("0000000d4f00000006000001ff001fffff"))
        return connection.recv(64)[4:5] == b"O"
    return False


def wait_until(condition, what, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            sys.exit(f"waited {seconds} s for {what}")
        time.sleep(0.001)


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def wait_until_idle(pid, quiet_for=3, seconds=600):
    """Until compactions and what else was put off are done; returns the CPU seconds they took."""
    start, end, quiet = cpu_seconds(pid), time.monotonic() + seconds, 0.0
    while quiet < quiet_for and time.monotonic() < end:
        before = cpu_seconds(pid)
        time.sleep(0.5)
        quiet = quiet + 0.5 if cpu_seconds(pid) - before < 0.02 else 0.0
    return cpu_seconds(pid) - start


def middle(runs, *path):
    """The median of a figure over several runs."""
    def of(run):
        for key in path:
            run = run[key]
        return run
    return statistics.median(of(run) for run in runs)
