"""The table commands, -T: each loads its addresses, asks the kernel (state.py, entries.py), and tells the outcome."""

import errno

import texts
from call import Exit, not_implemented
from entries import RECORD
from loading import load
from state import Refused

NAME_LIMIT = 31    # bytes of a table's name
FIRST_BUFFER = 64  # pfctl's list of addresses begins with room for so many, and doubles
CHANGES = {"add", "delete", "expire", "flush", "kill", "replace", "zero"}  # they open the device for writing


def run(call, open_state):
    """Does the table command of `call`; `open_state` makes the State. Raises Exit or Refused, else pfctl ends with 0."""
    o = call.options
    call.open_device(writing=o.command in CHANGES)
    if o.table is None or len(o.table) > NAME_LIMIT:
        call.usage()
    if o.command == "reset":
        not_implemented("-T reset")
    if o.anchor.endswith("*"):
        not_implemented("tables of all anchors below one")
    if o.command in ("kill", "flush", "show") and (o.words or o.file is not None):
        call.usage()
    if o.command == "expire":
        _expire(call, open_state)
        return
    given = None
    if o.command in ("add", "delete", "replace", "test") or o.command == "zero" and (o.words or o.file is not None):
        given = load(call, only_hosts=o.command == "test")
        call.given = len(given)
    with open_state() as state:
        _COMMANDS[o.command](call, state, given)


def _lines(call, given, codes):
    """-v: those that something happened to; -vv: all."""
    if call.verbose:
        call.out += [texts.address(key, negated, code) + "\n" for (key, negated), code in zip(given, codes)
                     if code != " " or call.verbose > 1]


def _buffer(count):
    """Room in pfctl's list after `count` addresses were put into it one by one."""
    size = FIRST_BUFFER if count else 0
    while size < count:
        size *= 2
    return size


def _ioctl_limit(call, operation, count):
    if count > call.settings.request_maxcount:
        raise Refused(operation, errno.EINVAL)


def _warn_of_namesake(call, state, made):
    """13.2 warns once of a table that it made in an anchor and that is global too, 15.1 at each call of all with that name."""
    o = call.options
    others = [t.anchor for t in state.tables if t.name == o.table and t.anchor != o.anchor]
    if call.flavour == "15.1":
        for anchor in others:
            call.warn(f'warning: table <{o.table}> already defined in anchor "{anchor or "/"}"')
    elif made and others and (o.anchor == "" or "" in others):
        call.warn(f"warning: namespace collision with <{o.table}> global table.")


def _create(call, state):
    """The table; `add` and `replace` make it if there is none. None: it would have been made, but for -n."""
    o = call.options
    found = state.find(o.anchor, o.table)
    if call.flavour == "15.1":
        _warn_of_namesake(call, state, made=False)
    if not call.may_change_by_netlink() and not call.dummy:
        raise Refused("create", errno.EPERM)
    if o.anchor.startswith("/") or "//" in o.anchor:  # the anchor comes into being, the table does not
        state.rules.setdefault(o.anchor.strip("/").split("//")[0], [])
        raise Refused("create", errno.ENOMEM)
    if found is None and not call.dummy:
        found = state.create(o.anchor, o.table, "p", call.now)
        if call.flavour == "13.2":
            _warn_of_namesake(call, state, made=True)
        call.say("1 table created")
    elif found is None:
        call.say("1 table created")
    return found


def _may_change(call, table, operation):
    if operation in ("delete", "flush") and not call.may_change_by_netlink():
        raise Refused(operation, errno.EPERM)
    if "c" in table.flags:
        raise Refused(operation, errno.EPERM)


def _add(call, state, given):
    table = _create(call, state)
    if table is None:
        return
    _may_change(call, table, "add")
    if call.flavour == "13.2":
        _ioctl_limit(call, "add", len(given))
    entries = state.entries(table)
    codes, new = entries.plan_add(given)
    state.room("add", len(new))
    if new and not call.dummy:
        entries.insert(new, call.now)
        state.put(table, entries)
    call.say(f"{len(new)}/{len(given)} addresses added")
    _lines(call, given, codes if call.flavour == "13.2" else " " * len(given))


def _delete(call, state, given, done="deleted"):
    table = state.get(call.options.anchor, call.options.table, "delete")
    _may_change(call, table, "delete")
    if call.flavour == "13.2":
        _ioctl_limit(call, "delete", len(given))
    entries = state.entries(table)
    codes, gone = entries.plan_delete(given)
    if gone and not call.dummy:
        entries.remove(gone)
        state.put(table, entries)
    call.say(f"{len(gone)}/{len(given)} addresses {done}")
    _lines(call, given, codes if call.flavour == "13.2" else " " * len(given))


def _replace(call, state, given):
    table = _create(call, state)
    if table is None:
        return
    size = max(len(given), _buffer(len(given)))
    _ioctl_limit(call, "replace", size)
    _may_change(call, table, "replace")
    entries = state.entries(table)
    codes, new, changed, gone = entries.plan_replace(given)
    if call.verbose and len(given) + len(gone) > size:  # asked again, with room for the deleted
        _ioctl_limit(call, "replace", len(given) + len(gone))
    state.room("replace", len(new))
    deleted = [entries.at(at) for at in sorted(gone, reverse=True)]
    if not call.dummy and (new or changed or gone):
        entries.negate(changed)
        entries.remove(gone)
        entries.insert(new, call.now)
        state.put(table, entries)
    for number, what in ((len(new), "added"), (len(gone), "deleted"), (len(changed), "changed")):
        if number:
            call.say(f"{number} addresses {what}")
    if not (new or changed or gone):
        call.say("no changes")
    _lines(call, given + deleted, codes + ["D"] * len(deleted))


def _flush(call, state, _):
    table = state.get(call.options.anchor, call.options.table, "flush")
    _may_change(call, table, "flush")
    entries = state.entries(table)
    call.say(f"{len(entries)} addresses deleted")
    if not call.dummy:
        entries.data = b""
        state.put(table, entries)


def _kill(call, state, _):
    if not call.may_change_by_netlink():
        raise Refused("kill", errno.EPERM)
    table = state.find(call.options.anchor, call.options.table)
    call.say(f"{int(table is not None)} table deleted")
    if table is not None and not call.dummy:
        state.drop(table)


def _expire(call, open_state):
    o = call.options
    if len(o.words) != 1 or o.file is not None:
        call.usage()
    if not o.words[0].isdigit() or int(o.words[0]) >= 2**32:
        call.fail(f"expiry time: {'too large' if o.words[0].isdigit() else 'invalid'}")
    with open_state() as state:
        entries = state.entries(state.get(o.anchor, o.table, "expire"))
        _ioctl_limit(call, "expire", len(entries))
        old = [(key, negated) for key, negated, since in entries if call.now - since > int(o.words[0])]
        _delete(call, state, old, "expired")


def _show(call, state, _):
    table = state.get(call.options.anchor, call.options.table, "statistics" if call.verbose else "show")
    entries = state.entries(table)
    if len(entries) > FIRST_BUFFER:  # asked again, with room for all
        _ioctl_limit(call, "show", len(entries))
    extra = texts.counters(texts.ENTRY_COUNTERS) if "C" in table.flags else ""
    for key, negated, since in entries:
        line = texts.address(key, negated) + "\n"
        call.out.append(line + texts.cleared(since) + extra if call.verbose else line)


def _test(call, state, given):
    table = state.get(call.options.anchor, call.options.table, "test")
    _ioctl_limit(call, "test", len(given))
    found = state.entries(table).match(given)
    matched = sum(hit is not None and not hit[1] for hit in found)
    call.say(f"{matched}/{len(given)} addresses match")
    for address, hit in zip(given, found):
        code = "M" if hit is not None and not hit[1] else " "
        if call.verbose > 1:
            call.out.append(f"{texts.address(*address, code)}\t{texts.bare(*hit) if hit else ' nomatch'}\n")
        elif call.verbose and code == "M":
            call.out.append(texts.address(*address, code) + "\n")
    if matched < len(given):
        raise Exit(2)


def _zero(call, state, given):
    o = call.options
    if given is None and state.find(o.anchor, o.table) is None:
        call.say("0 table/stats cleared")
        return
    table = state.get(o.anchor, o.table, "clear")
    entries = state.entries(table)
    if given is None:
        offsets = range(0, len(entries.data), RECORD)
        if not call.dummy:
            table.since = call.now
        call.say("1 table/stats cleared")
    else:
        find = entries.locator(len(given))
        offsets = {at for at in (find(key) for key, _ in given) if at is not None}
        call.say(f"{len(offsets)}/{len(given)} addresses cleared")
    if not call.dummy:
        entries.zero(offsets, call.now)
        state.put(table, entries)


_COMMANDS = {"add": _add, "delete": _delete, "replace": _replace, "flush": _flush, "kill": _kill, "show": _show, "test": _test,
             "zero": _zero}
