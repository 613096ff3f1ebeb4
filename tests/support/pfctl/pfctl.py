#!/usr/bin/python3 -SEs
"""A strict stand-in for pfctl(8) of FreeBSD 13.2 and 15.1: same output, same exit codes, same surprises; no packet filter behind it.

    PFCTL_STATE      folder with tables, settings and faults (state.py); must exist
    PFCTL_FLAVOUR    13.2 or 15.1 (default)
    PFCTL_PRIVILEGE  root (default), securelevel, group-rw, group-ro, inherited, none (call.py)
    PFCTL_FAULT      something that shall go wrong (faults.py)
    PFCTL_CLOCK      seconds since 1970, instead of now

Tests put a link named pfctl to this file into a folder of theirs, or run it by its path.

What it does not implement, and settings or faults that it cannot read, it tells ("pfctl stand-in: ..."), and exits with 70.
"""

import os
import resource
import signal
import sys
import time

sys.pycache_prefix = os.path.join(os.environ.get("PFCTL_STATE", "/nonexistent"), "pycache")  # fast start, and a clean source tree

import arguments  # noqa: E402
import commands  # noqa: E402
import faults  # noqa: E402
import texts  # noqa: E402
from call import Call, Exit, not_implemented  # noqa: E402
from state import Refused, Settings, State  # noqa: E402

PRIVILEGES = ("root", "securelevel", "group-rw", "group-ro", "inherited", "none")


def dispatch(call, open_state):
    """Does what the options ask for: one thing a call."""
    o = call.options
    asked = [o.switch, o.show, o.clear, o.kill, o.kill_nodes, o.command if o.command != "load" else o.file]
    if o.unsupported or sum(bool(a) for a in asked) > 1:
        not_implemented("these options, or so many at once")
    if o.switch:
        import switches  # what a call does not need is not loaded: it costs more than the call
        switches.switch(call, open_state)
    elif o.show:
        import rules
        rules.show(call, open_state)
    elif o.clear:
        import rules
        rules.clear(call, open_state)
    elif o.kill or o.kill_nodes:
        import switches
        switches.kill(call)
    elif o.command and o.command != "load":
        commands.run(call, open_state)
    elif o.file is not None:
        import rules
        rules.load(call, open_state)
    else:
        call.open_device(writing=False)


def run(call, fault, folder):
    """Exit status; a negative one is a signal."""
    class Kernel(State):
        def __enter__(self):
            super().__enter__()
            fault.arrange_state(call, self)
            return self

    try:
        fault.begin()
        fault.arrange(call)
        dispatch(call, lambda: Kernel(folder, call.settings))
        status = 0
    except Exit as end:
        status = end.status
    except Refused as refused:
        call.err.append(texts.kernel_error(call.flavour, refused.operation, refused.number))
        status = 1 if refused.operation == "tables" else 255
    return status


def finish(folder, call, status, words):
    """Writes what is to be said, and ends as told."""
    for descriptor, pieces in ((2, call.err), (1, call.out)):
        data = "".join(pieces).encode("latin-1")
        while data:
            data = data[os.write(descriptor, data):]
    with open(os.path.join(folder, "calls"), "a", encoding="latin-1") as log:
        log.write("\t".join((str(status), str(call.given), *words)) + "\n")
    if status < 0:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if -status not in (signal.SIGKILL, signal.SIGSTOP):
            signal.signal(-status, signal.SIG_DFL)
        os.kill(os.getpid(), -status)
    os._exit(status)  # nothing is left to do, and the interpreter takes its time


def main():
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    environment = os.environ
    folder = environment["PFCTL_STATE"]
    flavour = environment.get("PFCTL_FLAVOUR", "15.1")
    privilege = environment.get("PFCTL_PRIVILEGE", "root")
    if flavour not in texts.FLAVOURS or privilege not in PRIVILEGES:
        raise ValueError("PFCTL_FLAVOUR or PFCTL_PRIVILEGE: unknown value")
    now = int(environment.get("PFCTL_CLOCK", time.time()))
    words = [os.fsencode(word).decode("latin-1") for word in sys.argv[1:]]
    try:
        options, wrong = arguments.parse(flavour, words), None
    except arguments.Wrong as error:
        options, wrong = arguments.Options(), str(error)
    call = Call(flavour, options, Settings(folder), privilege, now)
    if wrong is not None:
        call.err = [wrong, texts.usage(flavour)]
        finish(folder, call, 1, words)
    fault = faults.pick(folder, options.command, environment)
    status = run(call, fault, folder)
    try:
        status = fault.end(call, status)
    except Exit as end:
        status = end.status
    finish(folder, call, status, words)


if __name__ == "__main__":
    try:
        main()
    except Exception as error:  # 1 would look like a failure of pfctl
        sys.stderr.write(f"pfctl stand-in: {type(error).__name__}: {error}\n")
        os._exit(70)
