#!/usr/bin/env python3
"""Throughput and latency of the milter against filters that do nothing, in one run.

The mix is 70% strangers, 20% retries that pass, 10% white clients, on a store with so many tuples and a cache below a quarter of it.
One transaction is a connection of its own: connect, negotiate, HELO, MAIL, RCPT, ABORT, QUIT. Measured by turns:

  noop        libmilter, every step taken and answered: the limit that the ratio is of
  noop-quiet  libmilter, answers at RCPT only, as deferd does: what is left above it is deferd's own work
  deferd      rules and greylist, decisions recorded, log to a file
"""
import sys

from rig import DISTURBED, Results, Rig, arguments, middle, wait_until_idle


def check_answers(figures):
    """Not a figure of anything if deferd did not do its work."""
    for kind, passes in (("fresh", False), ("retry", True), ("white", True)):
        counts = figures["answers"][kind]
        right, all_of = counts["passed" if passes else "deferred"], sum(counts.values())
        if right < 0.99 * all_of:
            sys.exit(f"wrong answers to {kind} mail: {counts}")


def main():
    parser = arguments(__doc__.splitlines()[0])
    parser.add_argument("--connections", default="1,8,64,256", help="(%(default)s)")
    options = parser.parse_args()
    results = Results("milter", options)
    with Rig(options) as rig:
        rig.seed(results.say)
        programs = {"noop": rig.noop("noop"), "noop-quiet": rig.noop("quiet", "--quiet"), "deferd": rig.deferd()}
        wait_until_idle(programs["deferd"][0].pid)
        rig.load(programs["deferd"], 8, "deferd", 2)  # fills the cache
        results.say()
        results.say("connections  program     tx/s    ratio  RCPT p50  p99 us  tx p50  p99 us  server CPU us/tx  above quiet  others' CPU")
        disturbed = False
        for connections in map(int, options.connections.split(",")):
            runs = {name: [] for name in programs}
            for _ in range(options.rounds):
                for name, server in programs.items():
                    runs[name].append(results.add(rig.load(server, connections, name)))
            for figures in runs["deferd"]:
                check_answers(figures)
            base, quiet = middle(runs["noop"], "per_s"), middle(runs["noop-quiet"], "server", "cpu_us_per_transaction")
            for name, many in runs.items():
                rate, cpu = middle(many, "per_s"), middle(many, "server", "cpu_us_per_transaction")
                others = middle(many, "foreign_cpu_share")
                disturbed |= others > DISTURBED
                results.say(f"{connections:11}  {name:10}  {rate:6.0f}  {rate / base:5.2f}  {middle(many, 'rcpt_us', 'p50'):8.0f}"
                            f"  {middle(many, 'rcpt_us', 'p99'):6.0f}  {middle(many, 'transaction_us', 'p50'):6.0f}"
                            f"  {middle(many, 'transaction_us', 'p99'):6.0f}  {cpu:16.1f}  {cpu - quiet:11.1f}  {others:10.0%}")
        last = results.raw[-1]["server"]
        results.say()
        results.say(f"deferd at the end: {last['rss_kib'] / 1024:.0f} MiB resident, {last['threads']} threads")
        unrecorded = [line for line in rig.control("deferd", "/metrics").splitlines()
                      if line.startswith(("deferd_decisions_unrecorded_total", "deferd_plugin_errors_total")) and not line.endswith(" 0")]
        for line in unrecorded:
            results.say(line)
        if disturbed:
            results.say(f"DISTURBED: other programs used more than {DISTURBED:.0%} of the machine; repeat on a quiet one.")
    results.close()


main()
