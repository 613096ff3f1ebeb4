#!/usr/bin/env python3
"""Whole SMTP dialogues a second against a responder that thinks about nothing, in one run; and what a store that stalls does to others.

A dialogue is a connection of its own: banner, EHLO, MAIL, RCPT, DATA (deferred there), QUIT. Every client is a stranger from an
address of its own, so each leaves a tuple in the store: the daemon's own counts must agree. Measured by turns:

  responder  Asio, every command answered at once: the limit that the ratio is of
  deferd     rules and greylist, decisions recorded, log to a file, a store with so many tuples on disk
  slow       the same, but the store takes 2 ms more for each recipient, and no CPU

Then, in one deferd, for 2 s of every 10 no recipient gets an answer, while 64 dialogues at a time go on and listed clients come,
300 a second, that are greeted and held at one byte a second. No byte of theirs may be late by a second.
"""
import sys

from rig import DISTURBED, Results, arguments, middle, wait_until_idle
from smtp_rig import SmtpRig, figures_of, metric

RULES = """  - rules:
      rules:
        - name: postmaster and abuse are always reachable
          to: [postmaster@, abuse@]
          do: accept
"""
GREYLIST = "  - greylist: {pass_time: 5m, grey_expiry: 30d, white_expiry: 36d, quota: {burst: 0}}\n"
PLUGINS = RULES + GREYLIST
SLOW = RULES + "  - stall: {delay: 2ms}\n" + GREYLIST
STALLING = (RULES + "  - listed: {below: 3}\n  - stall: {stall: 2s, every: 10s}\n" + GREYLIST +
            "  - tarpit: {hold: {tags: [listed], per_byte: 1s}, strangers: {per_byte: 0s}}\n")
HELD, HELD_PER_S = 3000, 300
NETWORKS = 32_000  # of addresses of smtp_load: those from twice as much on have a last byte of 3 or more


class Counts:
    """What a deferd says that it has answered."""

    def __init__(self, rig, name):
        text = rig.control(name, "/metrics")
        self.deferred = metric(text, "deferd_verdicts_total", plugin="greylist", stage="rcpt", action="defer")
        self.passed = metric(text, "deferd_verdicts_total", plugin="greylist", stage="rcpt", action="pass")
        self.errors = metric(text, "deferd_plugin_errors_total")

    def check(self, before, figures, connections):
        """Those under way at the end are cut off, most of them after they were counted."""
        deferred = self.deferred - before.deferred
        if not figures["done"] <= deferred <= figures["done"] + connections or self.passed != before.passed or self.errors != before.errors:
            sys.exit(f"not what clients were told: {vars(before)}, then {vars(self)}, of {figures}")


def checked(figures):
    if figures["failed"] > figures["done"] / 1000 or figures["deferred"] < figures["done"]:
        sys.exit(f"not what is to be measured: {figures}")
    return figures


def throughput(rig, results, programs, connections):
    runs = {name: [] for name in programs}
    for _ in range(rig.options.rounds):
        for name, server in programs.items():
            before = None if name == "responder" else Counts(rig, name)
            figures = checked(results.add(rig.smtp_load("dialogue", server, name, "--connections", connections, "--seconds",
                                                        rig.options.seconds, "--first", rig.first)))
            if before:
                wait_until_idle(server[0].pid, 1)
                Counts(rig, name).check(before, figures, connections)
            rig.first += figures["done"] + connections
            runs[name].append(figures)
    base, disturbed = middle(runs["responder"], "per_s"), False
    for name, many in runs.items():
        rate, others = middle(many, "per_s"), middle(many, "foreign_cpu_share")
        cpu = middle([{"us": run["server"]["cpu_s"] * 1e6 / run["done"]} for run in many], "us")
        disturbed |= others > DISTURBED
        results.say(f"{connections:11}  {name:9}  {rate:11.0f}  {rate / base:5.2f}  {middle(many, 'dialogue_ms', 'p50'):6.2f}"
                    f"  {middle(many, 'dialogue_ms', 'p99'):5.2f}  {cpu:18.1f}  {others:10.0%}")
    return disturbed


def stall(rig, results, server):
    dialogues = rig.begin_smtp_load("dialogue", server, "stall", "--connections", 64, "--seconds", 2 * HELD / HELD_PER_S, "--first",
                                    rig.first + 2 * NETWORKS)
    held = results.add(rig.smtp_load("hold", server, "stall", "--connections", HELD, "--rate", HELD_PER_S, "--seconds", 5, "--patience",
                                     HELD / HELD_PER_S - 5))
    strangers = checked(results.add(figures_of(dialogues)))
    rig.first += strangers["done"] + 64 + 2 * NETWORKS
    results.say(f"\nwhile recipients wait for 2 s of every 10: {strangers['done']} dialogues, p50 "
                f"{strangers['dialogue_ms']['p50']:.0f} ms, slowest {strangers['dialogue_ms']['max']:.0f} ms; {held['connections']} held "
                f"clients, of which {held['silent']} heard nothing, {held['failed']} were lost; slowest first byte "
                f"{held['first_byte_s']['max']:.2f} s, longest gap between two bytes {held['longest_gap_s']['max']:.2f} s (1 s is meant)")
    late = max(held["first_byte_s"]["max"], held["longest_gap_s"]["max"]) > 2
    if held["silent"] or held["failed"] or late:
        sys.exit("the stall has cost clients that it does not concern")


def main():
    parser = arguments(__doc__.splitlines()[0], tuples=1_000_000)
    parser.add_argument("--connections", default="1,8,64,256", help="(%(default)s)")
    parser.add_argument("--threads", type=int, default=2, help="I/O threads of all (%(default)s)")
    options = parser.parse_args()
    results = Results("smtp", options)
    with SmtpRig(options) as rig:
        rig.seed(results.say)
        store = f"engine: rocksdb, path: {rig.folder}/db, cache: {rig.cache_mib}MiB"
        programs = {"responder": rig.bare("smtp_responder", "--threads", str(options.threads)),
                    "deferd": rig.deferd_smtp("deferd", PLUGINS, store, threads=options.threads),
                    "slow": rig.deferd_smtp("slow", SLOW, f"engine: rocksdb, path: {rig.folder}/db-slow", threads=options.threads)}
        wait_until_idle(programs["deferd"][0].pid)
        results.say()
        results.say("connections  program    dialogues/s  ratio  ms p50    p99  server CPU us each  others' CPU")
        disturbed = False
        for connections in map(int, options.connections.split(",")):
            disturbed |= throughput(rig, results, programs, connections)
        stall(rig, results, rig.deferd_smtp("stall", STALLING, f"engine: rocksdb, path: {rig.folder}/db-stall", threads=options.threads))
        rig.save()
        if disturbed:
            results.say("\nOthers used this machine meanwhile: the ratios say less than they should.")
    results.close()


if __name__ == "__main__":
    main()
