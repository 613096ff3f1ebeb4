#!/usr/bin/env python3
"""run.py BUILD_DIR [TEST...]: the rules that `deferctl pf-rules nft` prints, in a real kernel, and what `deferctl doctor` finds there."""
import contextlib
import json
import pathlib
import socketserver
import subprocess
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import Deferd, enter_namespace, need, play, run, temporary_folder, wait_for

RULES = pathlib.Path(__file__).resolve().parents[3] / "conf" / "pf"
# Of the gateway, and of those who connect to it from the other side of a cable.
GATEWAY, WHITE, STRANGER, EXEMPT = "192.0.2.1", "192.0.2.10", "192.0.2.11", "192.0.2.12"
GATEWAY6, WHITE6, STRANGER6 = "2001:db8::1", "2001:db8::10", "2001:db8::11"
DEFERD, MTA = "220 deferd.example.org", "220 mta"

GREET = """
import socket, sys
ours, theirs = sys.argv[1:]
client = socket.socket(socket.AF_INET6 if ":" in ours else socket.AF_INET)
client.settimeout(20)
client.bind((ours, 0))
client.connect((theirs, 25))
print(client.makefile().readline().strip())
"""


class Gateway(Deferd):
    """deferd where the rules lead; `listen` as below `listen:`."""

    def __init__(self, build, folder, listen="'0.0.0.0:8025', '[::]:8025'", plugins=Deferd.PLUGINS):
        self.listen = listen
        super().__init__(build, folder, plugins=plugins)

    def write_config(self, plugins=Deferd.PLUGINS, settings="", engine="memory"):
        white = "white=nft:inet/deferd/white4,white6,prefixes4,prefixes6"
        owner = ["--owner", "root", "--user", "nobody"]
        # As in docs/running-behind-pf.md.
        self.helpers = [["deferd-helper", "--table", white, "--bypass", "nft:inet/deferd/,,bypass4,bypass6",
                         "--socket", f"{self.folder}/helper.sock", *owner],
                        ["deferd-helper", "--capture", "nflog:155=in", "--capture", "nflog:255=out",
                         "--socket", f"{self.folder}/capture.sock", *owner]]
        self.config.write_text(
            "store: {engine: memory}\n"
            f"listen: {{smtp: [{self.listen}]}}\n"
            f"control: {{socket: {self.control}}}\n"
            "smtp: {name: deferd.example.org}\n"
            f"exempt: {{networks: [127.0.0.0/8, '::1', {EXEMPT}], own_mx: [mx2.example.org]}}\n"
            f"helpers: {json.dumps(self.helpers)}\n"
            f"plugins:\n{plugins}")

    @contextlib.contextmanager
    def helpers_running(self):
        """What the monitor would start."""
        running = []
        try:
            for name, *words in self.helpers:
                running.append(subprocess.Popen([self.bin / name, *words]))
            yield
        finally:
            for helper in running:
                helper.terminate()
                helper.wait(20)

    def doctor(self):
        """Verdict and text of each check."""
        done = subprocess.run([self.bin / "deferctl", "-s", self.control, "--json", "doctor"], stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True, timeout=120)
        self.exit_code = done.returncode
        rows = [json.loads(line) for line in done.stdout.splitlines()]
        return {row["check"]: (row["verdict"], row["what"]) for row in rows}


def nft(*words):
    return run("nft", *words)


@contextlib.contextmanager
def gateway(**options):
    nft("flush", "ruleset")
    with temporary_folder() as folder, Gateway(BUILD, folder, **options) as deferd:
        yield deferd


def load_rules(deferd, *options, change=lambda rules: rules):
    path = deferd.folder / "deferd.nft"
    path.write_text(change(deferd.ctl("pf-rules", "nft", "--interface", "gw0", *options)))
    nft("-c", "-f", str(path))
    nft("-f", str(path))


def greeted(ours, theirs=GATEWAY):
    """Who says what to the client at that address."""
    return run("ip", "netns", "exec", "outside", sys.executable, "-c", GREET, ours, theirs).strip()


def expect_verdicts(deferd, **verdicts):
    found = deferd.doctor()
    for check, verdict in verdicts.items():
        assert found[check.replace("_", "-")][0] == verdict, (check, found)
    return found


def every_file_of_rules_loads_and_loads_again():
    for path in sorted(RULES.glob("*.nft")):
        nft("flush", "ruleset")
        run("nft", "-c", "-f", str(path))
        nft("-f", str(path))
        learned = "black4" if "listed" in path.name else "white4"
        nft("add", "element", "inet", "deferd", learned, "{ 192.0.2.77 timeout 1h }")
        before = nft("-s", "list", "ruleset")
        nft("-f", str(path))
        assert "192.0.2.77" in nft("list", "set", "inet", "deferd", learned), f"{path}: what was learned is lost"
        assert nft("-s", "list", "ruleset").count("redirect") == before.count("redirect"), f"{path}: rules are there twice"
        nft("delete", "table", "inet", "deferd")


def strangers_meet_deferd_and_others_the_mail_server():
    with gateway() as deferd:
        assert greeted(STRANGER) == MTA
        load_rules(deferd)
        nft("add", "element", "inet", "deferd", "white4", f"{{ {WHITE} timeout 1h }}")
        nft("add", "element", "inet", "deferd", "white6", f"{{ {WHITE6} timeout 1h }}")
        assert greeted(STRANGER) == DEFERD + " ESMTP"
        assert greeted(STRANGER6, GATEWAY6) == DEFERD + " ESMTP"
        assert greeted(WHITE) == greeted(WHITE6, GATEWAY6) == greeted(EXEMPT) == MTA
        nft("add", "element", "inet", "deferd", "bypass4", "{ 0.0.0.0/1, 128.0.0.0/1 }")
        assert greeted(STRANGER) == MTA


def a_network_is_as_good_as_a_host():
    with gateway() as deferd:
        load_rules(deferd)
        nft("add", "element", "inet", "deferd", "prefixes4", "{ 192.0.2.8/30 timeout 1h }")
        nft("add", "element", "inet", "deferd", "prefixes6", "{ 2001:db8::/64 timeout 1h }")
        assert greeted(STRANGER) == greeted(STRANGER6, GATEWAY6) == MTA


def only_the_listed_are_redirected_where_that_is_wanted():
    with gateway() as deferd:
        load_rules(deferd, "--listed-only")
        nft("add", "element", "inet", "deferd", "blackprefixes4", "{ 192.0.2.11/32 }")
        nft("add", "element", "inet", "deferd", "trapped6", f"{{ {STRANGER6} timeout 1h }}")
        assert greeted(STRANGER) == greeted(STRANGER6, GATEWAY6) == DEFERD + " ESMTP"
        assert greeted(WHITE) == greeted(WHITE6, GATEWAY6) == MTA


def nobody_comes_to_deferds_port_by_himself():
    with gateway() as deferd:
        load_rules(deferd)
        direct = GREET.replace("20)", "1)").replace(", 25)", ", 8025)")
        refused = run("ip", "netns", "exec", "outside", sys.executable, "-c", direct, STRANGER, GATEWAY, check=False)
        assert "imed out" in refused, refused
        assert greeted(STRANGER) == DEFERD + " ESMTP"


def the_doctor_finds_the_rules_well():
    with gateway() as deferd:
        load_rules(deferd)
        found = expect_verdicts(deferd, daemon="ok", listener="ok", rules="ok", redirect="ok", tables="ok", order="ok")
        assert found["redirect"][1] == "IPv4 reaches deferd; IPv6 reaches deferd", found
        assert found["clock"][0] == "fail", "the testing clock is not this host's"
        assert deferd.exit_code == 2


def the_doctor_sees_what_is_broken():
    with gateway() as deferd:
        assert "no rule redirects" in expect_verdicts(deferd, rules="fail", redirect="fail", tables="fail")["rules"][1]
        load_rules(deferd)
        # In front of all rules: the white are redirected as well.
        nft("insert", "rule", "inet", "deferd", "strangers", "iifname", "gw0", "tcp", "dport", "25", "redirect", "to", ":8025")
        assert "white4 are redirected" in expect_verdicts(deferd, order="fail", redirect="ok")["order"][1]
        load_rules(deferd)
        nft("insert", "rule", "inet", "deferd", "strangers", "iifname", "gw0", "tcp", "dport", "25", "redirect", "to", ":2525")
        assert "port 2525" in expect_verdicts(deferd, redirect="fail")["redirect"][1]
        load_rules(deferd)
        nft("insert", "rule", "inet", "deferd", "strangers", "tcp", "dport", "25", "accept")
        assert "by IPv4 no rule leads strangers" in expect_verdicts(deferd, redirect="fail")["redirect"][1]


def by_a_call(rules):
    """The same, where the rules for strangers are in a chain of their own."""
    before, _, rest = rules.partition("\tchain strangers {\n")
    body, _, after = rest.partition("\n\t}\n")
    base, *its = body.splitlines()
    called = [rule.replace("iifname $external ", "").replace("tcp dport 25", "meta l4proto tcp") for rule in its]
    return (f"{before}\tchain mail {{\n" + "\n".join(called) + f"\n\t}}\n\tchain strangers {{\n{base}\n"
            f"\t\tiifname $external tcp dport vmap {{ 25 : jump mail, 465 : accept }}\n\t}}\n{after}")


def the_doctor_follows_rules_into_the_chains_they_call():
    with gateway() as deferd:
        load_rules(deferd, change=by_a_call)
        nft("add", "element", "inet", "deferd", "white4", f"{{ {WHITE} timeout 1h }}")
        assert greeted(STRANGER) == DEFERD + " ESMTP" and greeted(WHITE) == MTA
        expect_verdicts(deferd, rules="ok", redirect="ok", tables="ok", order="ok")
        nft("insert", "rule", "inet", "deferd", "mail", "meta", "l4proto", "tcp", "redirect", "to", ":8025")
        assert greeted(WHITE) == DEFERD + " ESMTP"
        assert "white4 are redirected" in expect_verdicts(deferd, order="fail", redirect="ok")["order"][1]


def the_doctor_finds_a_whole_bridge_well():
    with temporary_folder() as folder:
        plugins = (f"  - greylist: {{}}\n  - pfbridge: {{helper: 'unix:{folder}/helper.sock', "
                   f"watch: {{helper: 'unix:{folder}/capture.sock'}}}}\n")
        nft("flush", "ruleset")
        with Gateway(BUILD, folder, plugins=plugins) as deferd:
            load_rules(deferd)
            assert deferd.doctor()["bridge"][0] == "fail", "no helper runs"
            with deferd.helpers_running():
                deferd.ctl("add", "white", WHITE)
                wait_for(lambda: WHITE in nft("list", "set", "inet", "deferd", "white4"), "the client to be in the set")
                wait_for(lambda: deferd.doctor()["bridge"][0] == "ok", "the watcher to be connected")
                assert greeted(WHITE) == MTA
                wait_for(lambda: deferd.doctor()["capture"] == ("ok", "1 connection seen"), "the connection to be seen")
                expect_verdicts(deferd, bridge="ok", rules="ok", redirect="ok", tables="ok", order="ok")
                nft("insert", "rule", "inet", "deferd", "strangers", "tcp", "dport", "25", "log", "group", "155", "redirect", "to", ":8025")
                assert "fed by the redirect" in expect_verdicts(deferd, capture="fail")["capture"][1]
            assert "nobody reads nflog:155" in expect_verdicts(deferd, bridge="fail", capture="fail")["capture"][1]


def rules_that_could_not_lead_to_deferd_are_not_printed():
    with gateway(listen="'127.0.0.1:8025'") as deferd:
        refused = deferd.ctl("pf-rules", "nft", check=False)
        assert "listen on 0.0.0.0:8025" in refused, refused
        printed = deferd.ctl("pf-rules", "openbsd")
        assert "# NOTE: exempt.own_mx: mx2.example.org is a name" in printed and EXEMPT in printed, printed


class Greeter(socketserver.StreamRequestHandler):
    def handle(self):
        with contextlib.suppress(OSError):
            self.wfile.write(b"220 mta\r\n")


class Mta(socketserver.ThreadingTCPServer):
    address_family = 10  # AF_INET6: both families
    allow_reuse_address = True
    daemon_threads = True


enter_namespace(named=True)
need("nft", "ip")
BUILD = pathlib.Path(sys.argv[1]).resolve()
pathlib.Path("/run/netns").mkdir(exist_ok=True)
run("mount", "-t", "tmpfs", "names-of-our-own", "/run/netns")
run("ip", "netns", "add", "outside")
run("ip", "link", "add", "gw0", "type", "veth", "peer", "name", "out0", "netns", "outside")
for address in (GATEWAY + "/24", GATEWAY6 + "/64"):
    run("ip", "addr", "add", address, "dev", "gw0", *(["nodad"] if ":" in address else []))
run("ip", "link", "set", "gw0", "up")
for address in (WHITE + "/24", STRANGER + "/24", EXEMPT + "/24", WHITE6 + "/64", STRANGER6 + "/64"):
    run("ip", "-n", "outside", "addr", "add", address, "dev", "out0", *(["nodad"] if ":" in address else []))
run("ip", "-n", "outside", "link", "set", "out0", "up")
mta = Mta(("::", 25), Greeter)
threading.Thread(target=mta.serve_forever, daemon=True).start()

tests = [every_file_of_rules_loads_and_loads_again, strangers_meet_deferd_and_others_the_mail_server, a_network_is_as_good_as_a_host,
         only_the_listed_are_redirected_where_that_is_wanted, nobody_comes_to_deferds_port_by_himself, the_doctor_finds_the_rules_well,
         the_doctor_sees_what_is_broken, the_doctor_follows_rules_into_the_chains_they_call, the_doctor_finds_a_whole_bridge_well,
         rules_that_could_not_lead_to_deferd_are_not_printed]
play([test for test in tests if len(sys.argv) < 3 or test.__name__ in sys.argv[2:]])
