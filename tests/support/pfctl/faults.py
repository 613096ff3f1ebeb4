"""What shall go wrong, told by PFCTL_FAULT or by lines of the file `faults` in the state folder: `KIND [name=value ...]`.

The first line that fits a call counts. `on=add` limits it to a table command, `times=N` to N calls (file only); otherwise it lasts.

    permission              the device may not be opened
    no-device               there is none
    missing-table           somebody removed the table before the call
    no-memory               not one entry more is to be had
    too-many                net.pf.request_maxcount is 0
    hang                    sleeps `seconds` (60) or until killed, then exits 70; when=before (default) or after the work
    slow-stdin              reads `bytes` (64) at a time, `pause` (0.05) seconds apart
    early-exit              exits with `status` (1) once `bytes` (0) of standard input are read
    half-output             writes half of stdout, then exits with `status` (that of the work)
    signal                  dies of signal `number` (9); when=before (default) or after the work
    fail-before             exits with `status` (255) and no work done
    fail-after              exits with `status` (255), the work done, saying that it was not
    lie                     says that it did the work, and did not
    random-status           with probability `rate` (0.3) exits with another status than the true one; `seed` (1)
"""

import fcntl
import os
import time

from call import Exit

_KNOWN = {
    "permission": "", "no-device": "", "missing-table": "", "no-memory": "", "too-many": "", "lie": "",
    "hang": "seconds when", "slow-stdin": "bytes pause", "early-exit": "bytes status", "half-output": "status",
    "signal": "number when", "fail-before": "status", "fail-after": "status", "random-status": "rate seed",
}
_REFUSAL = "pfctl: Operation not permitted\n"


class Fault:
    """A line, or nothing at all if there is none that fits. The methods are called by pfctl.py in this order."""

    def __init__(self, kind="", values=None):
        self.kind, self.values = kind, values or {}

    def _number(self, name, default):
        return type(default)(self.values.get(name, default))

    def begin(self):
        """Before anything else."""
        if self.values.get("when", "before") == "before":
            self._stop()
        if self.kind == "fail-before":
            os.write(2, _REFUSAL.encode())
            raise Exit(self._number("status", 255))

    def _stop(self):
        if self.kind == "hang":
            time.sleep(self._number("seconds", 60.0))
            raise Exit(70)
        if self.kind == "signal":
            raise Exit(-self._number("number", 9))

    def arrange(self, call):
        """Changes what the call finds."""
        if self.kind == "permission":
            call.privilege = "none"
        elif self.kind == "no-device":
            call.privilege = "no-device"
        elif self.kind == "no-memory":
            call.settings.no_memory = True
        elif self.kind == "too-many":
            call.settings.request_maxcount = 0
        elif self.kind == "slow-stdin":
            call.read = self._read_slowly
        elif self.kind == "early-exit":
            call.read = self._read_some

    def _read_slowly(self, descriptor, _):
        time.sleep(self._number("pause", 0.05))
        return os.read(descriptor, self._number("bytes", 64))

    def _read_some(self, descriptor, _):
        """Reads what it is to read, uses none of it, and ends the call."""
        left = self._number("bytes", 0)
        while left > 0:
            chunk = os.read(descriptor, left)
            if not chunk:
                break
            left -= len(chunk)
        raise Exit(self._number("status", 1))

    def arrange_state(self, call, state):
        """Changes the state, when it is locked and read."""
        table = state.find(call.options.anchor, call.options.table)
        if self.kind == "missing-table" and table is not None:
            state.drop(table)
        if self.kind == "lie":
            state.forget = True

    def end(self, call, status):
        """After the work: the status to exit with; may cut what was said."""
        if status == 70:  # the stand-in's own failure is always told
            return status
        if self.values.get("when") == "after":
            self._stop()
        if self.kind == "half-output":
            out = "".join(call.out)
            call.out = [out[:len(out) // 2]]
            return self._number("status", status)
        if self.kind == "fail-after":
            call.out, call.err = [], [_REFUSAL]
            return self._number("status", 255)
        if self.kind == "random-status":
            return self._random(status)
        return status

    def _random(self, status):
        import random  # slow to load, and seldom wanted
        dice = random.Random(f"{self.values.get('seed', '1')}:{self.values['call']}")
        if dice.random() >= self._number("rate", 0.3):
            return status
        return dice.choice([s for s in (0, 1, 2, 255) if s != status])


def _parse(line):
    kind, *pairs = line.split()
    values = dict(pair.split("=", 1) for pair in pairs)
    unknown = set(values) - {"on", "times"} - set(_KNOWN.get(kind, "").split())
    if kind not in _KNOWN or unknown:
        raise ValueError(f"faults: cannot read {line}")
    return kind, values


def pick(folder, command, environment):
    """The Fault for a call with this table command (None: it has none), counted as used."""
    path = os.path.join(folder, "faults")
    told = environment.get("PFCTL_FAULT", "")
    if not told and not os.path.exists(path):
        return Fault()
    with open(os.path.join(folder, "faults.lock"), "a+", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lines = [told] if told else _read(path)
        for index, line in enumerate(lines):
            if not line.strip() or line.startswith("#"):
                continue
            kind, values = _parse(line)
            times = values.get("times")
            if values.get("on", command) != command or times == "0":
                continue
            if times is not None:
                if told:
                    raise ValueError("PFCTL_FAULT: times= needs the file faults")
                lines[index] = line.replace(f"times={times}", f"times={int(times) - 1}")
                with open(path + ".new", "w", encoding="utf-8") as fresh:
                    fresh.write("\n".join(lines) + "\n")
                os.rename(path + ".new", path)
            values["call"] = str(_count(lock))
            return Fault(kind, values)
    return Fault()


def _read(path):
    with open(path, encoding="utf-8") as file:
        return file.read().splitlines()


def _count(lock):
    """How many faulty calls there have been, for dice that fall differently each time; kept in the locked file."""
    lock.seek(0)
    count = int(lock.read() or "0") + 1
    lock.truncate(0)
    lock.write(str(count))
    return count
