#!/usr/bin/env python3
"""Block lists of 1 and 10 million random prefixes: time to load, memory, look-ups beside std::upper_bound on a sorted array in the same
run, and the longest look-up while lists are swapped."""
import argparse
import json
import pathlib
import subprocess
import sys

from rig import HERE, Results


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


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build", type=pathlib.Path, help="the build folder")
    parser.add_argument("--prefixes", default="1000000,10000000", help="lists of so many (%(default)s)")
    parser.add_argument("--families", default="v4,v6", help="(%(default)s)")
    parser.add_argument("--seconds", type=float, default=3, help="of swapping (%(default)s)")
    parser.add_argument("--rounds", type=int, default=1, help="measurements of each (%(default)s)")
    parser.add_argument("--results", type=pathlib.Path, default=HERE / "results", help="folder of the raw output (%(default)s)")
    options = parser.parse_args()
    options.tuples = options.prefixes.replace(",", "-")  # what the file of results is named after
    results = Results("lists", options)
    results.say("Look-ups in ns less what the clock takes; memory in MiB, of the set, and the peak while another one is loaded beside it.")
    for family in options.families.split(","):
        for prefixes in map(int, options.prefixes.split(",")):
            for _ in range(options.rounds):
                run = results.add(measure(options.build.resolve() / "bin" / "lists_bench", prefixes, family, options.seconds))
                clock = run["timer"]["p50_ns"]

                def times(name):
                    return f"{run[name]['p50_ns'] - clock}/{run[name]['p99_ns'] - clock}"

                swap = run["swap"]
                results.say(f"{prefixes:>9} {family}: loaded in {run['load_s']:.1f} s, {run['held_mib']:.0f} MiB, refresh peak "
                            f"{run['refresh_peak_mib']:.0f} MiB; p50/p99 {times('ours')}, upper_bound {times('upper_bound')}; "
                            f"10 lists {times('lists_10')}, 50 lists {times('lists_50')}")
                results.say(f"          {swap['swaps']} swaps, {swap['asked']} look-ups meanwhile: longest {swap['longest_us']:.0f} us, "
                            f"{swap['above_1ms']} above 1 ms, waited {swap['waited']} times; {swap['preempted']} more were preempted")
    results.close()


main()
