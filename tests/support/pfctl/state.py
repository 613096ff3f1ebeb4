"""The kernel's half: tables, limits and rules, kept in the folder PFCTL_STATE.

    settings   written by tests, read by us: one `name value ...` a line
                 table-entries N         hard limit of all tables together; 200000
                 request-maxcount N      sysctl net.pf.request_maxcount; 65535
                 altq yes                the kernel has ALTQ, so -v does not complain of it
                 interface NAME ADDR...  for lo0, self and zones; without any: lo0 127.0.0.1 ::1 fe80::1
                 host NAME ADDR...       what the resolver knows; without any: nothing
    faults     what shall go wrong (faults.py)
    calls      written by us: one line a call, exit status (or minus a signal), addresses given, and the arguments, with
               tabs between
    state      ours: tables, rules, limits of pf.conf (marshal: fast to load)
    tN         ours: the entries of a table (entries.py)
    lock       held while the kernel is at work, never while standard input is read
"""

import errno
import fcntl
import marshal
import os

from entries import RECORD, Entries

HARD_LIMITS = {"states": 100000, "src-nodes": 10000, "frags": 5000, "table-entries": 200000}


class Refused(Exception):
    """The kernel's errno for `operation`, which texts.kernel_error turns into words."""

    def __init__(self, operation, number):
        super().__init__(operation)
        self.operation, self.number = operation, number


def read(path):
    with open(path, "rb") as file:
        return file.read()


class Settings:
    def __init__(self, folder):
        self.limits = dict(HARD_LIMITS)
        self.request_maxcount = 65535
        self.no_memory = False  # by faults.py
        self.altq = False
        self.interfaces, self.hosts = {}, {}
        path = os.path.join(folder, "settings")
        for line in read(path).decode().splitlines() if os.path.exists(path) else []:
            name, *values = line.split() or ["#"]
            if name in self.limits:
                self.limits[name] = int(values[0])
            elif name == "request-maxcount":
                self.request_maxcount = int(values[0])
            elif name == "altq":
                self.altq = values == ["yes"]
            elif name in ("interface", "host"):
                (self.interfaces if name == "interface" else self.hosts)[values[0]] = values[1:]
            elif not name.startswith("#"):
                raise ValueError(f"settings: unknown name {name}")
        self.interfaces = self.interfaces or {"lo0": ["127.0.0.1", "::1", "fe80::1"]}


class Table:
    """One table: flags out of "cpC" (const, persist, counters), when it was made or cleared, and the file of its entries."""

    def __init__(self, anchor, name, flags, since, file):
        self.anchor, self.name, self.flags, self.since, self.file = anchor, name, flags, since, file

    def row(self):
        return [self.anchor, self.name, self.flags, self.since, self.file]


class State:
    """Use as a context: locks the folder, reads it, and at the end writes what was changed, if nothing was thrown."""

    def __init__(self, folder, settings):
        self.folder, self.settings = folder, settings
        self.forget = False  # by faults.py: write nothing
        self._open, self._changed, self._gone = {}, {}, []

    def __enter__(self):
        self._lock = open(self._path("lock"), "w", encoding="ascii")
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        path = self._path("state")
        self._saved = read(path) if os.path.exists(path) else marshal.dumps({})
        saved = marshal.loads(self._saved)
        self.tables = [Table(*row) for row in saved.get("tables", [])]
        self.rules = saved.get("rules", {})  # anchor -> lines as written in pf.conf
        self.enabled = saved.get("enabled", False)
        self.next = saved.get("next", 0)
        self.limits = {**self.settings.limits, **saved.get("limits", {})}
        self.own_limits = saved.get("limits", {})
        return self

    def __exit__(self, kind, *_):
        if not self.forget and (kind is None or issubclass(kind, Refused)):  # a refused step takes nothing back of those before it
            for file, entries in self._changed.items():
                self._write(file, entries.data)
            saved = {"tables": [t.row() for t in self.tables], "rules": self.rules, "enabled": self.enabled,
                     "next": self.next, "limits": self.own_limits}
            text = marshal.dumps(saved)
            if text != self._saved:
                self._write("state", text)
            for file in self._gone:
                os.unlink(self._path(file))
        self._lock.close()

    def _path(self, name):
        return os.path.join(self.folder, name)

    def _write(self, name, data):
        temporary = self._path(name + ".new")
        with open(temporary, "wb") as file:
            file.write(data)
        os.rename(temporary, self._path(name))

    def find(self, anchor, name):
        return next((t for t in self.tables if (t.anchor, t.name) == (anchor, name)), None)

    def get(self, anchor, name, operation):
        table = self.find(anchor, name)
        if table is None:
            raise Refused(operation, errno.ESRCH)
        return table

    def create(self, anchor, name, flags, now):
        table = Table(anchor, name, flags, now, f"t{self.next}")
        self.next += 1
        self.tables.append(table)
        self.tables.sort(key=lambda t: (t.anchor, t.name))
        self.put(table, Entries())
        return table

    def drop(self, table):
        self.tables.remove(table)
        if os.path.exists(self._path(table.file)):
            self._gone.append(table.file)
        self._changed.pop(table.file, None)

    def entries(self, table):
        if table.file not in self._open:
            self._open[table.file] = Entries(read(self._path(table.file)))
        return self._open[table.file]

    def put(self, table, entries):
        """What `entries` of the table are from now on."""
        self._open[table.file] = self._changed[table.file] = entries

    def room(self, operation, more):
        """Refuses to hold `more` entries if the limit of all tables together does not allow it."""
        total = sum(len(self._open[t.file]) if t.file in self._open else os.path.getsize(self._path(t.file)) // RECORD
                    for t in self.tables)
        if more and (self.settings.no_memory or total + more > self.limits["table-entries"]):
            raise Refused(operation, errno.ENOMEM)

    def references(self, table):
        """How many rules name the table: those of its anchor, and for a global one those of all anchors without their own."""
        word = f"<{table.name}>"
        return sum(line.count(word) for anchor, lines in self.rules.items() for line in lines
                   if anchor == table.anchor or not table.anchor and not self.find(anchor, table.name))

    def anchors(self):
        """Paths of all anchors that exist: those with rules or tables, those that rules call, and all above them."""
        named = set(self.rules) | {t.anchor for t in self.tables}
        for above, lines in self.rules.items():
            for line in lines:
                if "anchor " in line and '"' in line:
                    name = line.split('"')[1]
                    named.add("/".join(p for p in (above, name.removesuffix("/*")) if p and p != "*"))
        parts = {"/".join(a.split("/")[:n + 1]) for a in named for n in range(a.count("/") + 1)}
        return sorted(parts - {""})
