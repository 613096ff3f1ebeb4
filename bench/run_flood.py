#!/usr/bin/env python3
"""Whether honest clients are served while bots flood the SMTP front end, and whether its memory stays what it is.

15,000 bots want places, of which there are fewer. They come from the networks of the honest clients and write to the same
recipients; four of five are listed and held, the fifth talks, leaves a tuple in a store of a million, and comes again. Meanwhile
50 honest clients connect a second: first tries, and their retries. It is proved that

  * each of them hears every whole reply, the banner too, within a second, and nobody is refused or cut off
  * each retry passes, and nobody else does
  * no bot is left without a byte
  * memory, once warm, grows by less than the smallest thing malloc gives for each connection served, beyond what the store may
    hold back until it writes: its memtables may have been empty in the beginning and full in the end

(Strangers are not stuttered to, or no reply could be whole in time. Without hand-over a retry that passes is deferred once more:
the packet filter leads its next try to the MTA.)
"""
import pathlib
import re
import subprocess
import sys
import time

from rig import Results, arguments, cpu_seconds, wait_until_idle
from smtp_rig import SmtpRig, enter_own_network, figures_of, metric, raise_descriptor_limit

PASS_TIME, RETRY_AFTER = 20, 25  # seconds
SMALLEST = 32  # bytes: glibc's least allocation, with what it costs
MEMTABLES = 16 << 10  # KiB, of all column families: core/store/rocksdb_kv.cc

PLUGINS = f"""  - listed: {{below: 5}}
  - greylist: {{pass_time: {PASS_TIME}s, grey_expiry: 30d, white_expiry: 36d}}
  - tarpit: {{hold: {{tags: [listed], per_byte: 1s}}, strangers: {{per_byte: 0s}}}}"""


def resident_kib(pid):
    return int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text()).group(1))


def slope(samples):
    """Of the straight line with the least squares through (time, value)."""
    middle_time = sum(time for time, _ in samples) / len(samples)
    middle_value = sum(value for _, value in samples) / len(samples)
    return (sum((time - middle_time) * (value - middle_value) for time, value in samples)
            / sum((time - middle_time) ** 2 for time, _ in samples))


def main():
    enter_own_network()
    parser = arguments(__doc__.splitlines()[0], tuples=1_000_000, rounds=1)
    parser.add_argument("--minutes", type=float, default=10, help="of measuring memory (%(default)s)")
    parser.add_argument("--warm-up", type=float, default=3, help="minutes before that; the store writes first after two (%(default)s)")
    parser.add_argument("--bots", type=int, default=15_000, help="(%(default)s)")
    parser.add_argument("--places", type=int, default=12_000, help="connections at a time (%(default)s)")
    parser.add_argument("--honest", type=int, default=50, help="connections a second (%(default)s)")
    options = parser.parse_args()
    raise_descriptor_limit(options.bots + 1000)
    results = Results("flood", options)
    with SmtpRig(options) as rig:
        rig.seed(results.say)
        store = f"engine: rocksdb, path: {rig.folder}/db, cache: {rig.cache_mib}MiB"
        deferd, port = rig.deferd_smtp("deferd", PLUGINS, store, hosts=("127.0.0.1", "::1"),
                                       limits=f"total: {options.places}, kept: {options.places * 5 // 6}")
        wait_until_idle(deferd.pid)
        seconds = (options.warm_up + options.minutes) * 60
        flood = subprocess.Popen([rig.bin / "smtp_flood", "--port", str(port), "--seconds", str(seconds), "--bots", str(options.bots),
                                  "--honest", str(options.honest), "--retry-after", str(RETRY_AFTER)],
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        rig.processes.append(flood)
        start, cpu_before, memory = time.monotonic(), cpu_seconds(deferd.pid), []
        while flood.poll() is None and deferd.poll() is None:
            time.sleep(1)
            if time.monotonic() - start < seconds:
                memory.append((time.monotonic() - start, resident_kib(deferd.pid)))
        if deferd.poll() is not None:
            sys.exit(f"deferd ended: {deferd.poll()}")
        figures = results.add(figures_of(flood))
        cpu = (cpu_seconds(deferd.pid) - cpu_before) / figures["seconds"]
        metrics = rig.control("deferd", "/metrics")

    honest, bots = figures["honest"], figures["bots"]
    tries = honest["first_tries"] + honest["retries"]
    passed = metric(metrics, "deferd_verdicts_total", plugin="greylist", stage="rcpt", action="pass")
    sent_away = metric(metrics, "deferd_smtp_released_total")
    connections_a_minute = (tries + bots["connections"]) / figures["seconds"] * 60
    warm = [(at / 60, kib) for at, kib in memory if at > options.warm_up * 60]
    growth, most = slope(warm), SMALLEST * connections_a_minute / 1024 + MEMTABLES / options.minutes
    figures.update(memory_kib=[kib for _, kib in memory], growth_kib_a_minute=round(growth), passed=passed, sent_away=sent_away)
    results.say(f"honest: {tries} connections, {honest['retries']} of them retries; slowest whole reply p50 / p99 / max "
                f"{honest['slowest_reply_ms']['p50']:.0f} / {honest['slowest_reply_ms']['p99']:.0f} / "
                f"{honest['slowest_reply_ms']['max']:.0f} ms; late {honest['late']}, refused {honest['refused']}, cut off {honest['failed']}")
    results.say(f"passed: {passed}")
    results.say(f"bots: {bots['connections']} connections, {bots['open']} there in the end; {sent_away} held ones made room for others")
    results.say(f"deferd: {cpu:.0%} of a CPU; memory {memory[0][1] >> 10} MiB after a second, {warm[0][1] >> 10} warm, "
                f"{warm[-1][1] >> 10} at the end, highest {max(kib for _, kib in memory) >> 10}")
    results.say(f"memory slope over {options.minutes:g} minutes: {growth:.0f} KiB a minute; at most {most:.0f} "
                f"({SMALLEST} bytes of each of {connections_a_minute:.0f} connections a minute, and the memtables)")
    results.close()

    wrong = []
    if honest["late"] or honest["refused"] or honest["failed"] or honest["deferred"] != tries:
        wrong.append("honest clients were not served in time")
    if passed != honest["retries"]:
        wrong.append(f"{passed} recipients passed, of {honest['retries']} retries")
    if bots["silent"]:
        wrong.append(f"{bots['silent']} bots heard nothing")
    if growth > most:
        wrong.append("memory grows")
    if wrong:
        sys.exit("; ".join(wrong))


if __name__ == "__main__":
    main()
