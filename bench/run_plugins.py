#!/usr/bin/env python3
"""What 20 plugins that do nothing cost: deferd without and with them, by turns, each on a store of its own."""
import shutil

from rig import DISTURBED, Results, Rig, arguments, middle, wait_until_idle


def main():
    parser = arguments(__doc__, tuples=100_000, rounds=5)
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
            for _ in range(options.rounds):
                first = rig.first
                for name, server in programs.items():
                    rig.first = first  # the same mail for both
                    runs[name].append(results.add(rig.load(server, connections, name)))
            base = middle(runs["without"], "per_s")
            for name, figures in runs.items():
                rate, others = middle(figures, "per_s"), middle(figures, "foreign_cpu_share")
                results.say(f"{connections:3} connections, {name:10}: {rate:6.0f} tx/s, ratio {rate / base:.3f}, server CPU "
                            f"{middle(figures, 'server', 'cpu_us_per_transaction'):.1f} us/tx, others' CPU {others:.0%}"
                            f"{' DISTURBED' if others > DISTURBED else ''}")
    results.close()


main()
