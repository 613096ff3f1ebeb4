"""What is not a table command: -f and -Tl (tables and rules of pf.conf), -s, -F, -k, -K, -e, -d, as far as a bridge needs it.

Rules are kept as they are written, to be shown again and to see which tables they name; nothing checks their syntax but the first word.
"""

import errno
import re

import texts
from addresses import BadAddress, Parser
from call import Exit, not_implemented
from loading import load_file
from state import Refused

_FILTER = {"anchor", "antispoof", "block", "match", "pass", "scrub"}
_TRANSLATION = {"binat", "binat-anchor", "nat", "nat-anchor", "no", "rdr", "rdr-anchor"}
_TABLE = re.compile(r"table\s*<([A-Za-z][A-Za-z0-9_.-]{0,30})>\s*(.*)\Z")
_PART = re.compile(r'\s*(persist|const|counters|file\s+"([^"]*)"|\{([^}]*)\})')
_LIMIT = re.compile(r"set\s+limit\s+table-entries\s+(\d+)\Z")


class _Wrong(Exception):
    pass


def load(call, open_state):
    """-f FILE: replaces the rules of the anchor, defines its tables. Nothing is done if a line is wrong."""
    o = call.options
    call.open_device(writing=True)
    if call.privilege == "securelevel" and not call.dummy:
        call.fail("DIOCOSFPFLUSH: Operation not permitted")
    if not call.may_change_by_netlink() and not call.dummy:
        not_implemented("loading rules without privileges")
    name = "stdin" if o.file == "-" else o.file
    try:
        with open(0 if o.file == "-" else o.file, encoding="latin-1") as file:
            lines = file.read().replace("\\\n", " ").split("\n")
    except OSError as error:
        call.fail(f"{o.file}: {texts.STRERROR.get(error.errno, str(error))}")
    tables, rules, limits = [], [], {}
    for number, line in enumerate(lines, 1):
        try:
            _line(call, line.split("#")[0].strip(), tables, rules, limits)
        except _Wrong as wrong:
            call.err.append(f"{name}:{number}: {wrong}\n")
            if not o.no_action:
                call.warn("Syntax error in config file: pf rules not loaded")
            raise Exit(1) from wrong
    with open_state() as state:
        if not call.dummy:
            if o.command != "load":
                state.rules[o.anchor] = rules
                state.own_limits.update(limits)
                state.limits.update(limits)
            for table in tables:
                _define(call, state, *table)
            for table in [t for t in state.tables if "p" not in t.flags and not state.references(t)]:
                state.drop(table)
        _warn_of_namesakes(call, state, [t[0] for t in tables])


def _line(call, line, tables, rules, limits):
    first = line.split(" ")[0]
    table, limit = _TABLE.match(line), _LIMIT.match(line)
    if table:
        tables.append((table[1], *_table(call, table[2])))
    elif limit:
        limits["table-entries"] = int(limit[1])
    elif first in _FILTER | _TRANSLATION:
        if call.flavour == "13.2" and re.search(r"\s(rdr-to|nat-to)\s", line):
            raise _Wrong("syntax error")
        rules.append(line)
    elif re.match(r"\w+\s*=", line):
        not_implemented("macros")
    elif line and first != "set":
        raise _Wrong("syntax error")


def _table(call, text):
    """(flags, contents or None) of a declaration."""
    flags, contents = "", None
    while text:
        part = _PART.match(text)
        if not part:
            raise _Wrong("syntax error")
        text = text[part.end():].strip()
        if part[2] is not None:
            try:
                contents = (contents or []) + load_file(call, part[2], only_hosts=False)
            except (OSError, BadAddress) as error:
                number = error.errno if isinstance(error, OSError) else error.number
                raise _Wrong(f'cannot load "{part[2]}": {texts.STRERROR.get(number, number)}') from error
        elif part[3] is not None:
            parse = Parser(call.flavour, call.settings.interfaces, call.settings.hosts).parse
            try:
                contents = (contents or []) + [k for word in part[3].replace(",", " ").split() for k in parse(word)]
            except BadAddress as error:
                call.err.append(error.text)
                raise _Wrong("syntax error") from error
        else:
            flags += {"persist": "p", "const": "c", "counters": "C"}[part[1]]
    return flags, contents


def _define(call, state, name, flags, contents):
    """A table that is declared with neither list nor file keeps what it holds."""
    table = state.find(call.options.anchor, name) or state.create(call.options.anchor, name, flags, call.now)
    table.flags = flags
    if contents is None:
        return
    entries = state.entries(table)
    _, new, changed, gone = entries.plan_replace(contents)
    state.room("replace", len(new))
    entries.negate(changed)
    entries.remove(gone)
    entries.insert(new, call.now)
    state.put(table, entries)


def _warn_of_namesakes(call, state, names):
    """13.2 warns of any such tables, whichever are loaded; 15.1 of those that are loaded."""
    anchor = call.options.anchor
    if call.flavour == "15.1":
        for name in names:
            for other in state.tables:
                if other.name == name and other.anchor != anchor:
                    call.warn(f'warning: table <{name}> already defined in anchor "{other.anchor or "/"}"')
        return
    every = {t.name for t in state.tables if not t.anchor}
    double = sorted({t.name for t in state.tables if t.anchor and t.name in every})
    if names and not call.dummy and double:
        call.warn(f"warning: namespace collision with <{double[0]}> global table." if len(double) == 1
                  else f"warning: namespace collisions with {len(double)} global tables.")


def show(call, open_state):
    """-s Tables, memory, rules, nat, Anchors."""
    o = call.options
    call.open_device(writing=False)
    with open_state() as state:
        if o.show == "Tables":
            _show_tables(call, state)
        elif o.show == "memory":
            limits = dict(state.limits)
            if call.flavour == "15.1":
                limits.update({"anchors": 0, "eth-anchors": 0})
            call.out += [f"{name:<13} hard limit {value:8}\n" for name, value in limits.items()]
        elif o.show in ("rules", "nat") and "*" not in o.anchor:
            kind = _FILTER if o.show == "rules" else _TRANSLATION
            call.out += [line + "\n" for line in state.rules.get(o.anchor, []) if line.split(" ")[0] in kind]
        elif o.show == "Anchors" and not o.anchor:
            deep = o.verbose or call.flavour == "15.1"
            call.out += [f"  {a}\n" for a in state.anchors() if deep or "/" not in a]
        else:
            not_implemented(f"-s {o.show} {o.anchor}")


def _show_tables(call, state):
    anchor = call.options.anchor
    if anchor and anchor not in state.anchors():
        raise Refused("tables", errno.ENOENT)
    for table in state.tables:
        if table.anchor != anchor:
            continue
        if not call.verbose:
            call.out.append(table.name + "\n")
            continue
        own = sum(line.count(f"<{table.name}>") for line in state.rules.get(anchor, []))
        inherited = state.references(table) > own
        flags = "".join(letter if there else "-" for letter, there in (
            ("c", "c" in table.flags), ("p", "p" in table.flags), ("a", True), ("i", False), ("r", own), ("h", inherited),
            ("C", "C" in table.flags)))
        call.out.append(f"{flags}\t{table.name}" + (f"\t{anchor}" if anchor else "") + "\n")
        if call.verbose > 1:
            rules = own if call.flavour == "13.2" else 0  # 15.1 counts none
            call.out.append(texts.table_statistics(len(state.entries(table)), table.since, rules))


def clear(call, open_state):
    """-F Tables, and -F all in an anchor."""
    o = call.options
    call.open_device(writing=True)
    if o.clear != "Tables" and not (o.clear == "all" and o.anchor):
        not_implemented(f"-F {o.clear} {o.anchor}")
    if call.dummy or not call.may_change_by_netlink():
        not_implemented("-F with -n or without privileges")
    with open_state() as state:
        gone = [t for t in state.tables if t.anchor == o.anchor]
        lines = [f"{len(gone)} tables deleted."]
        if o.clear == "all":
            lines = ["rules cleared", "nat cleared", *lines]
            if call.flavour == "15.1":
                lines = ["Ethernet rules cleared", *lines, "rules cleared"]
        if not o.quiet:
            call.err += [line + "\n" for line in lines]
        for table in gone:
            state.drop(table)
        if o.clear == "all" and call.flavour == "13.2":
            state.rules.pop(o.anchor, None)
        elif o.clear == "all":
            state.rules[o.anchor] = []  # 15.1 goes on listing the anchor
