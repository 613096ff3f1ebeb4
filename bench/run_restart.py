#!/usr/bin/env python3
"""Time from the start of deferd to its first answer on the milter socket, on a seeded store: after a clean stop, and after kill -9
under load of 64 connections."""
import sys
import time

from rig import Results, Rig, arguments, wait_until_idle


def main():
    parser = arguments(__doc__.splitlines()[0], rounds=5)
    parser.add_argument("--most", type=float, help="fail if a start takes longer than this many seconds")
    options = parser.parse_args()
    results = Results("restart", options)
    with Rig(options) as rig:
        rig.seed(results.say)
        for way in ("clean stop", "kill -9"):
            taken = []
            for round_number in range(options.rounds):
                deferd = rig.deferd()
                if round_number == 0:
                    wait_until_idle(deferd[0].pid)
                before = rig.load(deferd, 64, "deferd")
                if way == "kill -9":
                    deferd[0].kill()
                    deferd[0].wait()
                rig.end(deferd[0])
                start = time.monotonic()
                deferd = rig.deferd()
                taken.append(time.monotonic() - start)
                rig.end(deferd[0])
                results.add({"after": way, "seconds": round(taken[-1], 3), "transactions_before": before["done"],
                             "foreign_cpu_share_before": before["foreign_cpu_share"]})
            results.say(f"after {way}: {min(taken):.3f} to {max(taken):.3f} s ({options.rounds} times)")
    results.close()
    if options.most and max(run["seconds"] for run in results.raw) > options.most:
        sys.exit(f"a start took longer than {options.most} s")


main()
