#!/usr/bin/env python3
"""What 20 plugins that do nothing cost: deferd without and with them, by turns, each on a store of its own."""
import shutil
import subprocess
from statistics import median

from rig import DISTURBED, Results, Rig, arguments, middle, wait_until_idle


def main():
    parser = arguments(__doc__, tuples=100_000, rounds=15)
    parser.add_argument("--plugins", type=int, default=20, help="(%(default)s)")
    options = parser.parse_args()
    results = Results("plugins", options)
    many = "\n".join(f"  - noop: {{}}\n    as: noop{i}" for i in range(options.plugins))
    with Rig(options) as rig:
        rig.seed(results.say)
        shutil.rmtree(rig.folder / "db2", ignore_errors=True)
        shutil.copytree(rig.folder / "db", rig.folder / "db2")
        for path in [rig.folder / "db2", *(rig.folder / "db2").rglob("*")]:
            rig.give(path)
        programs = {"without": rig.deferd(), f"with {options.plugins}": rig.deferd("deferd2", store="db2", plugins=many)}
        for process, _ in programs.values():
            wait_until_idle(process.pid)
        for connections in (8, 64):
            runs = {name: [] for name in programs}
            for round in range(options.rounds):
                first = rig.first
                # By turns who is first: the machine itself is not as fast one second as the next.
                for name in list(programs)[:: 1 if round % 2 else -1]:
                    rig.first = first  # the same mail for both
                    runs[name].append(results.add(rig.load(programs[name], connections, name)))
            for name, figures in runs.items():
                others = middle(figures, "foreign_cpu_share")
                results.say(f"{connections:3} connections, {name:10}: {middle(figures, 'per_s'):6.0f} tx/s, server CPU "
                            f"{middle(figures, 'server', 'cpu_us_per_transaction'):.1f} us/tx, others' CPU {others:.0%}"
                            f"{' DISTURBED' if others > DISTURBED else ''}")
            pairs = sorted(b["per_s"] / a["per_s"] for a, b in zip(*runs.values()))
            results.say(f"{connections:3} connections, pairs: {median(pairs):.3f} (a quarter below {pairs[len(pairs) // 4]:.3f}, "
                        f"a quarter above {pairs[-1 - len(pairs) // 4]:.3f})")
    results.say(subprocess.run([options.build / "bin" / "hooks_bench", options.build / "bench" / "plugins"], check=True,
                               capture_output=True, text=True).stdout.strip())
    results.close()


main()
