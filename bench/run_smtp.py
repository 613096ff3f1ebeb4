#!/usr/bin/env python3
"""Whole SMTP dialogues a second against a responder that thinks about nothing, in one run.

A dialogue is a connection of its own: banner, EHLO, MAIL, RCPT, DATA (deferred there), QUIT. Every client is a stranger from an
address of its own, so each leaves a tuple in the store. Measured by turns:

  responder  Asio, every command answered at once: the limit that the ratio is of
  deferd     rules and greylist, decisions recorded, log to a file, a store with so many tuples on disk
"""
import sys

from rig import DISTURBED, Results, arguments, middle, wait_until_idle
from smtp_rig import SmtpRig

PLUGINS = """  - rules:
      rules:
        - name: postmaster and abuse are always reachable
          to: [postmaster@, abuse@]
          do: accept
  - greylist: {pass_time: 5m, grey_expiry: 30d, white_expiry: 36d, quota: {burst: 0}}"""


def main():
    parser = arguments(__doc__.splitlines()[0], tuples=1_000_000)
    parser.add_argument("--connections", default="1,8,64,256", help="(%(default)s)")
    parser.add_argument("--threads", type=int, default=2, help="I/O threads of both (%(default)s)")
    options = parser.parse_args()
    results = Results("smtp", options)
    with SmtpRig(options) as rig:
        rig.seed(results.say)
        store = f"engine: rocksdb, path: {rig.folder}/db, cache: {rig.cache_mib}MiB"
        programs = {"responder": rig.bare("smtp_responder", "--threads", str(options.threads)),
                    "deferd": rig.deferd_smtp("deferd", PLUGINS, store, threads=options.threads)}
        wait_until_idle(programs["deferd"][0].pid)
        first = rig.first
        results.say()
        results.say("connections  program    dialogues/s  ratio  ms p50    p99  server CPU us each  others' CPU")
        disturbed = False
        for connections in map(int, options.connections.split(",")):
            runs = {name: [] for name in programs}
            for _ in range(options.rounds):
                for name, server in programs.items():
                    figures = results.add(rig.smtp_load("dialogue", server, name, "--connections", connections, "--seconds",
                                                        options.seconds, "--first", first))
                    if figures["failed"] > figures["done"] / 1000 or figures["deferred"] < figures["done"]:
                        sys.exit(f"not what is to be measured: {figures}")
                    first += figures["done"] + connections
                    runs[name].append(figures)
                    wait_until_idle(server[0].pid, 1)
            base = middle(runs["responder"], "per_s")
            for name, many in runs.items():
                rate, others = middle(many, "per_s"), middle(many, "foreign_cpu_share")
                cpu = middle([{"us": run["server"]["cpu_s"] * 1e6 / run["done"]} for run in many], "us")
                disturbed |= others > DISTURBED
                results.say(f"{connections:11}  {name:9}  {rate:11.0f}  {rate / base:5.2f}  {middle(many, 'dialogue_ms', 'p50'):6.2f}"
                            f"  {middle(many, 'dialogue_ms', 'p99'):5.2f}  {cpu:18.1f}  {others:10.0%}")
        rig.first = first
        rig.save()
        if disturbed:
            results.say("\nOthers used this machine meanwhile: the ratios say less than they should.")
    results.close()


if __name__ == "__main__":
    main()
