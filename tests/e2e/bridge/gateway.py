"""A mail gateway and the internet: two network namespaces and a cable. In this one are Postfix on port 25, deferd with its monitor and
helpers, and the packet filter's rules as `deferctl pf-rules nft` prints them; in the other one are the clients, each with a network of
its own. The names of namespaces are those of a mount namespace, so that all of it is gone when the test is."""
import concurrent.futures
import contextlib
import ctypes
import datetime
import itertools
import json
import pathlib
import signal
import socket
import time

from monitored import Monitored
from support import Postfix, SmtpClient, run, temporary_folder, wait_for

GATEWAY = {4: "192.0.2.1", 6: "2001:db8::1"}
ROUTER = {4: "192.0.2.2", 6: "2001:db8::2"}
INTERNET = {4: "198.18.0.0/15", 6: "2001:db8:8000::/33"}
DEFERD, MTA = "220 deferd.example.org ", "220 mx.example.org "
WHITE = ("white4", "white6", "prefixes4", "prefixes6")
BLACK = ("black4", "black6", "blackprefixes4", "blackprefixes6")
TRAPPED = ("trapped4", "trapped6")
BYPASS = ("bypass4", "bypass6")
EXEMPT = ("exempt4", "exempt6")
# Seconds; the patience and what a row is prolonged by are the least that can be set.
PASS_TIME, WHITE_EXPIRY, WATCH_EXPIRY, PATIENCE, HELD_BYTE = 2, 600, 3600, 20, 0.005

numbers = itertools.count(1)


def lay_cable():
    pathlib.Path("/run/netns").mkdir(exist_ok=True)
    run("mount", "-t", "tmpfs", "names-of-our-own", "/run/netns")
    run("ip", "netns", "add", "outside")
    run("ip", "link", "add", "gw0", "type", "veth", "peer", "name", "out0", "netns", "outside")
    for where, device, addresses in (([], "gw0", GATEWAY), (["-n", "outside"], "out0", ROUTER)):
        run("ip", *where, "address", "add", addresses[4] + "/24", "dev", device)
        run("ip", *where, "address", "add", addresses[6] + "/64", "dev", device, "nodad")
        run("ip", *where, "link", "set", device, "up")
    run("ip", "-n", "outside", "link", "set", "lo", "up")
    for family in (4, 6):
        run("ip", "route", "add", INTERNET[family], "via", ROUTER[family])


def new_client(family):
    """Nobody has seen it yet, nor anybody of its network."""
    number = next(numbers)
    address = f"198.18.{number}.7" if family == 4 else f"2001:db8:8000:{number:x}::7"
    run("ip", "-n", "outside", "address", "add", address, "dev", "lo", *(["nodad"] if family == 6 else []))
    return address


def new_clients():
    return new_client(4), new_client(6)


def move_out():
    """This thread, and the sockets it makes, are outside from now on."""
    with open("/run/netns/outside") as namespace:
        if ctypes.CDLL(None, use_errno=True).setns(namespace.fileno(), 0x40000000) != 0:  # CLONE_NEWNET
            raise OSError(ctypes.get_errno(), "setns")


outside = concurrent.futures.ThreadPoolExecutor(1, initializer=move_out)


class Session(SmtpClient):
    """From a client outside to port 25 of the gateway. `banner` tells who answers, `waited` how long that took."""

    def __init__(self, client):
        family = 6 if ":" in client else 4

        def connect():
            made = socket.socket(socket.AF_INET6 if family == 6 else socket.AF_INET)
            made.settimeout(30)
            made.bind((client, 0))
            made.connect((GATEWAY[family], 25))
            return made

        begin = time.monotonic()
        self.socket = outside.submit(connect).result()
        self.file = self.socket.makefile("rwb")
        self.banner = self.read()
        self.waited = time.monotonic() - begin


def greeting(client):
    session = Session(client)
    session.quit()
    return session.banner


def mail(client, recipient="known@example.org"):
    """Who answered, and the last that was said before QUIT."""
    session = Session(client)
    session.begin(None)
    replies, end = session.message("a@example.net", [recipient], "Subject: test\r\n\r\n" + "line\r\n" * 12)
    session.quit()
    return session.banner, end or replies[-1]


class Mta(Postfix):
    def __init__(self, folder, sink_port):
        super().__init__(folder, "", sink_port)
        with open(self.etc / "master.cf", "a") as services:
            services.write("25 inet n - n - - smtpd\n")


class Gateway(Monitored):
    """deferd as in docs/running-behind-pf.md, but in more of a hurry. `exempt`: its other mail servers."""

    TABLES = {"white": WHITE, "exempt": ("", "", *EXEMPT)}
    RULES = ()
    exempt = ()

    def __init__(self, folder):
        self.table_socket, self.capture_socket = folder / "helper.sock", folder / "capture.sock"
        users = ["--owner", "nobody", "--user", "nobody"]
        tables = [word for name, sets in self.TABLES.items() for word in ("--table", f"'{name}=nft:inet/deferd/{','.join(sets)}'")]
        super().__init__(folder, engine="rocksdb", helpers=[
            ["deferd-helper", *tables, "--bypass", "'nft:inet/deferd/,,bypass4,bypass6'", "--patience", f"'{PATIENCE}'", "--socket",
             self.table_socket, *users],
            ["deferd-helper", "--capture", "nflog:155=in", "--capture", "nflog:255=out", "--socket", self.capture_socket, *users]])

    def write_config(self, plugins=None, settings="", engine="rocksdb"):
        self.config = self.root / "deferd.yaml"
        self.config.write_text(
            f"store: {{engine: {engine}, path: {self.folder}/db}}\n"
            "listen: {smtp: ['0.0.0.0:8025', '[::]:8025']}\n"
            f"control: {{socket: {self.control}}}\n"
            "smtp: {name: deferd.example.org, limits: {new_per_prefix: 0}}\n"
            "user: nobody\n"
            f"exempt: {{own_mx: {json.dumps(list(self.exempt))}}}\n"
            f"helpers: [{', '.join('[' + ', '.join(map(str, words)) + ']' for words in self.helpers)}]\n"
            "plugins:\n"
            "  - traplist: {addresses: [trap@example.org]}\n"
            f"{self.judge()}"
            f"  - tarpit: {{hold: {{per_byte: {HELD_BYTE * 1000:.0f}ms}}, strangers: {{per_byte: 0s}}}}\n"
            f"  - pfbridge: {{helper: 'unix:{self.table_socket}',\n"
            f"               watch: {{helper: 'unix:{self.capture_socket}', white_expiry: {WATCH_EXPIRY}s}}}}\n")

    def judge(self):
        return f"  - greylist: {{pass_time: {PASS_TIME}s, white_expiry: {WHITE_EXPIRY}s}}\n"

    def change(self, **settings):
        vars(self).update(settings)
        self.write_config()
        assert "reload.done" in self.reload(), self.log()

    def load_rules(self):
        path = self.root / "deferd.nft"
        path.write_text(self.ctl("pf-rules", "nft", "--interface", "gw0", *self.RULES))
        run("nft", "-f", str(path))

    def white(self):
        """Each white row's prefix and how many seconds it has left."""
        return {row["prefix"]: left(row["expires"]) for row in self.ctl_rows("list", "white")}

    def in_step(self):
        return held() == set(self.white())

    def helper(self):
        """Its pid: of the one with the tables."""
        for pid, word in self.children().items():
            if word.endswith("deferd-helper") and b"--table" in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes():
                return pid
        return None

    def bridge_is_well(self):
        rows = self.ctl_rows("bridge")
        return bool(rows) and all(row["state"] == "in step" for row in rows)

    def kill_with_9(self):
        self.signal(signal.SIGKILL)
        self.kill()


class ListedGateway(Gateway):
    """Only who is listed or trapped comes to deferd."""

    TABLES = {"black": BLACK, "trapped": TRAPPED}
    RULES = ("--listed-only",)
    listed = ("203.0.113.1",)

    def judge(self):
        return f"  - blacklist: {{lists: [{{name: own, entries: {json.dumps(list(self.listed))}}}]}}\n"


@contextlib.contextmanager
def gateway(kind=Gateway):
    """Rules and deferd, when they are well."""
    run("nft", "flush", "ruleset")
    with temporary_folder() as folder, kind(folder) as deferd:
        deferd.load_rules()
        deferd.ctl("bridge", "reconcile")
        wait_for(deferd.bridge_is_well, "the bridge to be well")
        yield deferd


def left(timestamp):
    end = datetime.datetime.fromisoformat(timestamp.replace("Z", "+00:00"))
    return (end - datetime.datetime.now(datetime.timezone.utc)).total_seconds()


def held(sets=WHITE):
    """What is in these sets of the kernel."""
    def text(element):
        if not isinstance(element, dict):
            return element
        if "elem" in element:
            return text(element["elem"]["val"])
        return f"{element['prefix']['addr']}/{element['prefix']['len']}"

    found = set()
    for name in sets:
        listed = json.loads(run("nft", "-j", "list", "set", "inet", "deferd", name))["nftables"]
        found |= {text(element) for entry in listed if "set" in entry for element in entry["set"].get("elem", [])}
    return found


def timed(condition, what, seconds=20):
    """Waits, and tells how long."""
    begin = time.monotonic()
    wait_for(condition, what, seconds)
    return time.monotonic() - begin


def say(text):
    print("      " + text, flush=True)
