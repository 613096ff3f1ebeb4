"""What pfctl of FreeBSD 13.2 and 15.1 writes: errors, usage, lines of tables. Recorded outputs are in transcripts/.

The two differ most in errors: 13.2 loses the error of `show` and `replace` on the way (libpfctl returned -1 where its caller wanted an
errno), 15.1 reaches part of the kernel by netlink and says "not supported by device" for whatever goes wrong there.
"""

import errno
import socket
import time

FLAVOURS = ("13.2", "15.1")

ALTQ = "No ALTQ support in kernel\nALTQ related functions disabled\n"

# FreeBSD's texts, not those of the C library here.
STRERROR = {
    0: "No error: 0",
    errno.EPERM: "Operation not permitted",
    errno.ENOENT: "No such file or directory",
    errno.ENOMEM: "Cannot allocate memory",
    errno.EACCES: "Permission denied",
    errno.EISDIR: "Is a directory",
    errno.EINVAL: "Invalid argument",
    errno.ENODEV: "Operation not supported by device",
}

_USAGE = """usage: pfctl [-{flags}] [-a anchor] [-D macro=value] [-F modifier]
\t[-f file] [-i interface] [-K host | network]
\t[-k host | network | gateway | label | id] [-o level] [-p device]
\t[-s modifier] [-t table -T command [address ...]] [-x level]
"""


def usage(flavour):
    """The usage text; pfctl exits with 1 after it."""
    return _USAGE.format(flags="AdeghMmNnOPqRrvz" if flavour == "13.2" else "AdeghMmNnOPqRSrvz")


def kernel_error(flavour, operation, number):
    """The line on stderr when the kernel refuses `operation` (create, add, delete, replace, flush, show, test, ...)."""
    if flavour == "13.2":
        if operation in ("show", "replace"):
            return "pfctl: Unknown error: -1.\n"
        known = {errno.ESRCH: "Table does not exist", errno.ENOENT: "Anchor or Ruleset does not exist"}
        return f"pfctl: {known.get(number) or STRERROR[number]}.\n"
    if operation in ("create", "flush", "kill", "clear"):  # netlink commands whose errors all look alike
        return f"pfctl: {STRERROR[errno.ENODEV]}\n"
    known = {
        errno.ESRCH: "Table does not exist.",
        errno.ENOENT: "Anchor does not exist.",
        errno.EINVAL: "Anchor does not exist.",
    }
    return f"pfctl: {known.get(number) or STRERROR[number]}\n"


def address(key, negated, code=" "):
    """A line of `show` without its newline: code, `!` or blank, address, and the prefix length unless it is a host."""
    return f"{code} {bare(key, negated)}"


def bare(key, negated):
    """`!` or blank, address, prefix length unless it is a host."""
    net = 128 - key[17]
    if key[0] == 4:
        text, host = f"{key[1]}.{key[2]}.{key[3]}.{key[4]}", 32
    else:
        text, host = socket.inet_ntop(socket.AF_INET6, key[1:17]), 128
    return f"{'!' if negated else ' '}{text}" + (f"/{net}" if net < host else "")


def cleared(seconds):
    """When statistics began, as ctime(3) writes it."""
    return f"\tCleared:     {time.ctime(seconds)}\n"


def counters(names):
    """Counters of an entry or a table: there is no traffic here, so all are zero."""
    return "".join(f"\t{name + ':':<12} [ Packets: {0:<18} Bytes: {0:<18} ]\n" for name in names)


ENTRY_COUNTERS = ("In/Block", "In/Pass", "Out/Block", "Out/Pass")
TABLE_COUNTERS = ("In/Block", "In/Pass", "In/XPass", "Out/Block", "Out/Pass", "Out/XPass")


def table_statistics(addresses, since, rules):
    """What `-vvsT` adds to the line of a table."""
    return (
        f"\tAddresses:   {addresses}\n{cleared(since)}"
        f"\tReferences:  [ Anchors: {0:<18} Rules: {rules:<18} ]\n"
        f"\tEvaluations: [ NoMatch: {0:<18} Match: {0:<18} ]\n" + counters(TABLE_COUNTERS)
    )
