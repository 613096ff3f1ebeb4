"""What replay_test.py must know of the machines that the transcripts were recorded on, and which commands it leaves out, and why."""

import re

# What pf.conf said, written as pfctl prints it: the stand-in shows rules as they were written.
PF_CONF = """table <nospamd> persist { 192.0.2.100, 192.0.2.101 }
table <spamd-white> persist
table <localblack> const { 203.0.113.66 }
table <cnt> persist counters
rdr-anchor "deferd/*" all
no rdr on epair0a inet proto tcp from <nospamd> to any port = smtp
no rdr on epair0a inet proto tcp from <spamd-white> to any port = smtp
rdr pass log on epair0a inet proto tcp from any to any port = smtp -> 127.0.0.1 port 8025
anchor "deferd/*" all
block drop in log on epair0a from <localblack> to any
pass in log (all) on epair0a inet proto tcp from any to any port = smtp flags S/SA keep state label "mx"
pass all flags S/SA keep state
"""
OBSD_CONF = """table <nospamd> persist
table <spamd-white> persist
pass in on epair0a inet proto tcp from any to any port = smtp flags S/SA keep state rdr-to 127.0.0.1 port 8025
pass in on epair0a proto tcp from <nospamd> to any port = smtp flags S/SA keep state
pass in log on epair0a proto tcp from <spamd-white> to any port = smtp flags S/SA keep state
pass out log on epair0a proto tcp from any to any port = smtp flags S/SA keep state
"""

# The recorder lost the quotes of these.
REQUOTED = {
    "pfctl -t spamd-white -T add ": "pfctl -t spamd-white -T add ''",
    "pfctl -t bad name -T add 192.0.2.1": "pfctl -t 'bad name' -T add 192.0.2.1",
    "pfctl -t bad<name -T add 192.0.2.1": "pfctl -t 'bad<name' -T add 192.0.2.1",
}

_MACHINE = "no pfctl: traffic"
_STATES = "connections are listed or were there to be killed; the stand-in has none"
_AS_WRITTEN = "rules are shown as they were written, not as pfctl understood them"
_RULES = "what rules mean is not looked at"
_NESTED = "rules of all anchors below one"
_OTHER = "no pfctl: another program"

_ANCHORS = [
    (28, "pfctl -a deferd/* -sn", _NESTED),
    (41, "jexec cl nc", _MACHINE), (42, "pfctl -ss", _STATES), (43, "pfctl -vss", _STATES), (44, "jexec cl nc", _MACHINE),
    (45, "jexec cl nc", _MACHINE), (46, "pfctl -ss", _STATES), (47, "pfctl -k 10.9.0.2", _STATES),
    (53, "pfctl -t spamd-white -vT show", "recorded without the line of the address, which a command that was not recorded put there"),
    (56, "pfctl -sl", "labels count packets"),
]

# (number, how the command begins, reason)
LEFT_OUT = {
    "freebsd-13.2-tables.txt": [],
    "freebsd-15.1-tables.txt": [],
    "freebsd-13.2-rules-anchors.txt": _ANCHORS + [
        (25, "pfctl -a deferd/grey -sn", _AS_WRITTEN),
        (29, "pfctl -a * -sn", _NESTED + ", and pfctl fails half-way"),
        (50, "pfctl -k 0.0.0.0/0 -k 10.9.0.1", _STATES),
    ],
    "freebsd-15.1-rules-anchors.txt": _ANCHORS + [
        (7, "pfctl -vvsT", "the counts that 15.1 printed here were wrong: 1 address for tables of 2 and of none"),
        (25, "pfctl -a deferd/grey -sn", _AS_WRITTEN),
        (29, "pfctl -a * -sn", _NESTED),
        (34, "printf 'pass in on egress", _RULES), (60, "jexec cl nc", _MACHINE), (61, "jexec cl nc", _MACHINE),
        (62, "pfctl -f /tmp/div.conf", "the file was not recorded"), (63, "pfctl -Fs", _STATES), (64, "jexec cl nc", _MACHINE),
        (66, "printf 'pass in on epair0a inet proto tcp to port 25 divert-to", _RULES),
    ],
    "freebsd-13.2-scale-privileges.txt": [
        (41, "asu 65534 62 pfctl -t raw -T show", "recorded without its 200,000 lines of output"),
        (45, "sysctl kern.securelevel", _OTHER),
    ],
    "freebsd-15.1-scale-privileges.txt": [
        (8, "asu -f 65534 65534 pfctl -p /dev/fd/9 -si", "statistics of traffic"), (13, "asu 65534 62 nl bulk add", _OTHER),
        (14, "asu 65534 62 nl bulk del", _OTHER), (16, "asu 65534 62 nl ro bulk add", _OTHER),
        (17, "asu 65534 62 nl ro bulk tst", _OTHER), (18, "asu 65534 62 nl ro get", _OTHER),
        (50, "sed 's/^10", "the machine ran out of memory and killed pfctl"),
    ],
    "freebsd-13.2-inherited-fd-pflog.txt": [
        (2, "asu -f 65534 65534 sh -c ls", "the message of ls; the pfctl in it is that of step 1"),
    ],
}

# In these the recorder left out the lines that speak of ALTQ. (That it did is concluded: -v printed them in the other transcripts.)
WITHOUT_ALTQ = {name for name in LEFT_OUT if "tables" not in name}

# Before a step: what changed on the machine with no trace in the transcript. Names as in replay_test.Machine.
BEFORE = {
    "freebsd-13.2-rules-anchors.txt": {1: {"clock": "Fri Nov 20 11:51:00 2026"}, 16: {"clock": "Fri Nov 20 11:51:02 2026"}},
    "freebsd-15.1-rules-anchors.txt": {1: {"clock": "Fri Nov 20 12:09:42 2026"}, 16: {"clock": "Fri Nov 20 12:09:44 2026"}},
    "freebsd-13.2-tables.txt": {1: {"clock": "Fri Nov 20 11:48:54 2026"}},
    "freebsd-15.1-tables.txt": {1: {"clock": "Fri Nov 20 12:09:02 2026"}},
    "freebsd-13.2-scale-privileges.txt": {36: {"enabled": "yes"}, 40: {"group": "group-ro"}},
    "freebsd-15.1-scale-privileges.txt": {1: {"inherited": "inherited"}, 15: {"group": "group-ro"}},
    "freebsd-13.2-inherited-fd-pflog.txt": {3: {"inherited": "inherited"}, 11: {"group": "group-ro"}},
}

# Console lines that tell of a change of the machine: what they set.
CONSOLE = [
    (re.compile(r"net\.pf\.request_maxcount: \d+ -> (\d+)\Z"), "request-maxcount"),
    (re.compile(r"kern\.securelevel: -?\d+ -> (\d+)\Z"), "securelevel"),
    (re.compile(r"fdescfs rc=0(\Z)"), "fdescfs"),
    (re.compile(r"get full: rc=0 size=(\d+) "), "raw-size"),
    (re.compile(r"1 table created\.(\Z)"), "raw-created"),
    (re.compile(r"pid \d+ \(pfctl\), jid 0, uid 0: exited on signal 11 (\(no core)"), "crash"),
]

# Console lines that change nothing, or nothing that is replayed.
IGNORED = re.compile("|".join((
    r"random: unblocking device\.", r"Segmentation fault", r"Killed", r"pid \d+ \(\w+\), .*failed to reclaim memory",
    r"sizeof ", r"  \w+(\.\w+)? +off=", r"DIOCRADDADDRS ", r"AF_INET ", r"-rw-r--r-- .* /tmp/l\d+", r"-- ", r"net\.pf\.\w+: \d+\Z",
    r"1/1 addresses added\.", r"1 addresses deleted\.", r"bulk (add|del|set|tst) n=", r"set nadd=", r"get size[01]: ", r"wrong esize: ",
    r"ioctl at \d", r"crw", r"cr-x", r"total 0", r"read-only fd as root:", r"jail rc=0", r"epair0[ab]", r"lo0: link state",
    r"pfctl: warning: table <spamd-white> already", r"whitelisted, but", r"peer 10\.9\.0\.", r" natlook dir=",
    r"nl: bind: Address already in use", r"kern\.securelevel: 3\Z")))
