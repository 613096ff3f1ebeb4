#!/usr/bin/env python3
"""Clients kept busy: what each costs in memory and CPU, and whether a flood of new ones is greeted, in one run with a bare loop.

So many clients connect, so many a second, and hear one byte a second each. Measured by turns:

  loop       epoll and a ring of slots, nothing else: the limit
  held       deferd; every client is listed as it connects and held by the tarpit plugin; log to a file
  strangers  the same, but nobody is listed: they are only answered slowly
"""
import math

from rig import DISTURBED, Results, arguments, middle
from smtp_rig import SmtpRig

PATIENCE = 5  # seconds between the last client that comes and the measurement

PLUGINS = """  - listed: {{below: {below}}}
  - tarpit: {{hold: {{tags: [listed], per_byte: 1s}}, strangers: {{per_byte: 1s, during: 1h}}}}"""


def main():
    parser = arguments(__doc__.splitlines()[0], tuples=0, seconds=10, rounds=1)
    parser.add_argument("--connections", type=int, default=15_000, help="(%(default)s)")
    parser.add_argument("--rate", type=int, default=3_000, help="new ones a second (%(default)s)")
    parser.add_argument("--threads", type=int, default=2, help="I/O threads of deferd (%(default)s)")
    options = parser.parse_args()
    # One that nobody hears the end of; what is beyond that would be measured, too.
    seconds = options.connections / options.rate + PATIENCE + options.seconds
    banner = "%h ESMTP " + "please wait " * (1 + math.ceil(seconds / len("please wait ")))
    results = Results("tarpit", options)
    results.say("program    connections  new/s  silent  lost  first byte s p99  bytes/s  bytes of memory each  CPU us/byte  CPU share"
                "  others' CPU")
    runs = {"loop": [], "held": [], "strangers": []}
    for _ in range(options.rounds):
        for name in runs:
            with SmtpRig(options) as rig:  # a fresh process each time: memory once used is not given back
                server = rig.bare("stutter_loop") if name == "loop" else rig.deferd_smtp(
                    name, PLUGINS.format(below=256 if name == "held" else 0), "engine: memory", banner=banner, threads=options.threads)
                runs[name].append(results.add(rig.smtp_load("hold", server, name, "--connections", options.connections, "--rate",
                                                            options.rate, "--seconds", options.seconds, "--patience", PATIENCE)))
    for name, many in runs.items():
        results.say(f"{name:9}  {middle(many, 'alive'):11.0f}  {middle(many, 'opened_per_s'):5.0f}  {middle(many, 'silent'):6.0f}"
                    f"  {middle(many, 'failed'):4.0f}  {middle(many, 'first_byte_s', 'p99'):16.2f}  {middle(many, 'bytes_per_s'):7.0f}"
                    f"  {middle(many, 'bytes_a_connection'):20.0f}  {middle(many, 'cpu_us_per_byte'):11.2f}"
                    f"  {middle(many, 'server', 'cpu_share'):9.1%}  {middle(many, 'foreign_cpu_share'):10.0%}")
    cpu = {name: middle(many, "cpu_us_per_byte") for name, many in runs.items()}
    results.say(f"\nCPU, to that of the loop: held {cpu['held'] / cpu['loop']:.2f}, strangers {cpu['strangers'] / cpu['loop']:.2f}")
    if any(middle(many, "foreign_cpu_share") > DISTURBED for many in runs.values()):
        results.say("Others used this machine meanwhile: the ratios say less than they should.")
    results.close()


if __name__ == "__main__":
    main()
