#!/usr/bin/env python3
"""Block lists of 1 and 10 million random prefixes: time to load, memory, look-ups beside std::upper_bound on a sorted array in the same
run, and how many look-ups are slow while lists are built and swapped, beside the same without swaps. Then a deferd that loads such a list
by its plugin, and loads it again."""
import argparse
import json
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from rig import HERE, Results, wait_until


def measure(program, prefixes, family, seconds):
    file = pathlib.Path(f"/var/tmp/deferd-lists-{prefixes}-{family}.txt")
    try:
        done = subprocess.run([program, "--prefixes", str(prefixes), "--family", family, "--seconds", str(seconds), "--file", file],
                              capture_output=True, text=True)
    finally:
        file.unlink(missing_ok=True)
    if done.returncode:
        sys.exit(f"lists_bench: {done.stderr}{done.stdout}")
    return json.loads(done.stdout)


def write_prefixes(file, count, seed):
    """Random IPv4 prefixes as lists_bench has them: one in five is shorter than a host."""
    numbers = random.Random(seed)
    with open(file, "w") as out:
        for start in range(0, count, 100_000):
            lines = []
            for _ in range(min(100_000, count - start)):
                bits = 32 if numbers.random() < 0.8 else numbers.randrange(24, 32)
                address = numbers.getrandbits(32) >> (32 - bits) << (32 - bits)
                lines.append("%d.%d.%d.%d%s" % (address >> 24, address >> 16 & 255, address >> 8 & 255, address & 255,
                                                "" if bits == 32 else f"/{bits}"))
            out.write("\n".join(lines) + "\n")


class WithPlugin:
    """A deferd whose only plugin is blacklist, with one list in a file."""

    def __init__(self, build, folder):
        self.bin, self.list, self.control = build / "bin", folder / "list", folder / "control.sock"
        self.list.write_text("192.0.2.1\n")
        config = folder / "deferd.yaml"
        config.write_text(f"""store: {{engine: memory}}
listen: {{milter: ["unix:{folder}/milter.sock"]}}
control: {{socket: {self.control}}}
log: {{to: {folder}/deferd.log}}
plugin_dirs: ["{build}/plugins"]
plugins:
  - blacklist: {{keep: {folder}/kept, lists: [{{name: bench, file: {self.list}, every: 30d, max_age: 0s, max_ipv4: 4294967296}}]}}
""")
        as_nobody = {}
        if os.geteuid() == 0:  # deferd does not run as root
            shutil.chown(folder, "nobody")
            as_nobody = {"user": "nobody", "extra_groups": []}
        self.process = subprocess.Popen([self.bin / "deferd", "-c", config], **as_nobody)
        wait_until(self.control.exists, "deferd to listen")
        wait_until(lambda: self.row()["entries"] == 1, "the first list")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)

    def row(self):
        done = subprocess.run([self.bin / "deferctl", "-s", self.control, "--json", "lists"], capture_output=True, text=True)
        return json.loads(done.stdout)

    def mib(self, field):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(rf"^{field}:\s+(\d+) kB", status, re.M).group(1)) / 1024

    def load(self, count):
        """Loads what stands in the file now; (seconds, peak in MiB)."""
        pathlib.Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")
        began = time.monotonic()
        command = [self.bin / "deferctl", "-s", self.control, "lists", "refresh", "bench"]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode not in (0, 75):  # 75: it takes longer
            sys.exit(f"deferctl: {done.stderr}")
        wait_until(lambda: "loading" not in self.row(), "the list to be loaded", 300)
        if self.row()["entries"] != count:
            sys.exit(f"the list was not taken: {self.row()}")
        return time.monotonic() - began, self.mib("VmHWM")


def measure_plugin(build, count):
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder, WithPlugin(build, pathlib.Path(folder)) as deferd:
        before = deferd.mib("VmRSS")
        fresh = deferd.list.with_name("fresh")
        figures = {"prefixes": count, "plugin": True, "before_mib": before}
        for name in ("load", "refresh"):
            write_prefixes(fresh, count, name)
            fresh.rename(deferd.list)
            seconds, peak = deferd.load(count)
            figures |= {f"{name}_s": round(seconds, 2), f"{name}_peak_mib": round(peak, 1), f"{name}_held_mib": round(deferd.mib("VmRSS"), 1)}
        figures["covers"] = deferd.row()["covers"]
        return figures


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build", type=pathlib.Path, help="the build folder")
    parser.add_argument("--prefixes", default="1000000,10000000", help="lists of so many (%(default)s)")
    parser.add_argument("--families", default="v4,v6", help="of the set by itself; '': of deferd alone (%(default)s)")
    parser.add_argument("--seconds", type=float, default=3, help="with swaps, and as long without (%(default)s)")
    parser.add_argument("--rounds", type=int, default=1, help="measurements of each (%(default)s)")
    parser.add_argument("--results", type=pathlib.Path, default=HERE / "results", help="folder of the raw output (%(default)s)")
    options = parser.parse_args()
    options.tuples = options.prefixes.replace(",", "-")  # what the file of results is named after
    results = Results("lists", options)
    results.say("Look-ups in ns less what the clock takes; memory in MiB, of the set, and the peak while another one is loaded beside it.")
    for family in filter(None, options.families.split(",")):
        for prefixes in map(int, options.prefixes.split(",")):
            for _ in range(options.rounds):
                run = results.add(measure(options.build.resolve() / "bin" / "lists_bench", prefixes, family, options.seconds))
                clock = run["timer"]["p50_ns"]

                def times(name):
                    return f"{run[name]['p50_ns'] - clock}/{run[name]['p99_ns'] - clock}"

                results.say(f"{prefixes:>9} {family}: loaded in {run['load_s']:.1f} s, {run['held_mib']:.0f} MiB, refresh peak "
                            f"{run['refresh_peak_mib']:.0f} MiB; p50/p99 {times('ours')}, upper_bound {times('upper_bound')}; "
                            f"10 lists {times('lists_10')}, 50 lists {times('lists_50')}")
                for what, some in (("while lists are built and swapped", run["swap"]), ("while lists are built and not swapped", run["no_swap"])):
                    results.say(f"          {what}: {some['built']} lists, {some['asked']} look-ups, {some['slow']} above 1 ms "
                                f"({some['slow_per_million']:.2f} in a million), longest {some['longest_us'] / 1000:.1f} ms; of those that "
                                f"the scheduler did not interrupt {some['slow_on_cpu']} above 1 ms, longest "
                                f"{some['longest_on_cpu_us'] / 1000:.2f} ms; waited {some['waited']} times")
    for prefixes in map(int, options.prefixes.split(",")):
        run = results.add(measure_plugin(options.build.resolve(), prefixes))
        results.say(f"{prefixes:>9} by plugins/blacklist: loaded in {run['load_s']:.1f} s; deferd has {run['before_mib']:.0f} MiB before, at most "
                    f"{run['load_peak_mib']:.0f} MiB meanwhile, {run['load_held_mib']:.0f} MiB afterwards; the next load takes "
                    f"{run['refresh_s']:.1f} s and at most {run['refresh_peak_mib']:.0f} MiB, {run['refresh_held_mib']:.0f} MiB afterwards")
    results.close()


main()
