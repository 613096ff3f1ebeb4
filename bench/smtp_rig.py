"""What the benchmarks of the SMTP front end share: deferd with that front end, the programs it is compared with, the load."""
import json
import os
import re
import resource
import shutil
import socket
import subprocess
import sys

from rig import Rig, wait_until

LIMITS = "total: 19000, kept: 19000, new_per_prefix: 0, session: 4h"  # none of them is met


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def greets(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False


def figures_of(load):
    """What a program prints when it has ended."""
    out, errors = load.communicate()
    if load.returncode:
        sys.exit(f"{load.args[0].name}: {errors}{out}")
    return json.loads(out)


def enter_own_network():
    """Starts this program again where there is nothing but loopback, and a whole network of IPv6 addresses that lead there."""
    if os.environ.get("DEFERD_BENCH_NETWORK"):
        for command in ("link set lo up", "-6 route add local fd00::/16 dev lo"):
            subprocess.run(["ip", *command.split()], check=True)
        return
    if os.geteuid() != 0 or not shutil.which("ip"):
        sys.exit("needs root for a network namespace of its own, and iproute2")
    os.environ["DEFERD_BENCH_NETWORK"] = "1"
    os.execvp("unshare", ["unshare", "--net", sys.executable, *sys.argv])


def raise_descriptor_limit(needed):
    """For what is started from now on."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard < needed:
        sys.exit(f"needs {needed} descriptors, and the limit is {hard}: ulimit -Hn")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def metric(text, name, **labels):
    """Sum of the counters of that name with these labels."""
    total = 0
    for line in text.splitlines():
        found = re.fullmatch(re.escape(name) + r"(?:\{(.*)\})? (\S+)", line)
        if found and all(f'{key}="{value}"' in (found.group(1) or "") for key, value in labels.items()):
            total += float(found.group(2))
    return int(total)


class SmtpRig(Rig):
    """Servers are (process, port)."""

    def deferd_smtp(self, name, plugins, store, banner="%h ESMTP", threads=0, limits=LIMITS, hosts=("127.0.0.1",)):
        port = free_port()
        listen = ", ".join(f'"{f"[{host}]" if ":" in host else host}:{port}"' for host in hosts)
        config = self.folder / f"{name}.yaml"
        config.write_text(f"""store: {{{store}}}
listen: {{smtp: [{listen}]}}
smtp:
  name: mx.example
  threads: {threads}
  texts: {{banner: "{banner}"}}
  limits: {{{limits}}}
exempt: {{networks: []}}
control: {{socket: {self.folder}/{name}-control.sock}}
log: {{to: {self.folder}/{name}.log, format: text}}
plugin_dirs: ["{self.plugins}", "{self.more_plugins}"]
plugins:
{plugins}
""")
        process = subprocess.Popen([self.bin / "deferd", "-c", config], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                                   **self.not_root())
        self.processes.append(process)
        wait_until(lambda: process.poll() is not None or greets(port), "deferd to answer")
        if process.poll() is not None:
            sys.exit(f"deferd ended: {process.stderr.read()}")
        return process, port

    def bare(self, program, *flags):
        """One of the programs that tell their port."""
        process = subprocess.Popen([self.bin / program, *flags], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.processes.append(process)
        port = int(process.stdout.readline())
        return process, port

    def begin_smtp_load(self, mode, server, label, *flags):
        process, port = server
        load = subprocess.Popen([self.bin / "smtp_load", mode, "--port", str(port), "--pid", str(process.pid), "--label", label,
                                 *map(str, flags)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.processes.append(load)
        return load

    def smtp_load(self, *what):
        return figures_of(self.begin_smtp_load(*what))
