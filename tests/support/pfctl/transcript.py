"""Reads transcripts recorded on FreeBSD 13.2 and 15.1: commands with their output, and between them what else was on the console.

    $ COMMAND      then `out|` and `err|` lines, and `rc=STATUS` as a shell shows it (139: died of signal 11)
    ## TITLE       a section
    @@BEGIN, @@END frame
    all else       the console: lines of the kernel, of the recorder, and of commands that were not recorded
"""

import dataclasses
import pathlib

FOLDER = pathlib.Path(__file__).resolve().parent / "transcripts"


@dataclasses.dataclass
class Step:
    number: int            # counts the commands of a transcript from 1
    command: str
    before: list           # console lines since the command before
    out: list = dataclasses.field(default_factory=list)
    err: list = dataclasses.field(default_factory=list)
    console: list = dataclasses.field(default_factory=list)  # console lines while it ran
    status: int | None = None


def read(name):
    """(steps, console lines after the last of them)."""
    steps, loose, step = [], [], None
    for line in (FOLDER / name).read_text(encoding="latin-1").splitlines():
        if line.startswith("$ "):
            step = Step(len(steps) + 1, line[2:], loose)
            steps.append(step)
            loose = []
        elif line.startswith(("@@", "## ")):
            continue
        elif step and line.startswith("rc="):
            step.status, step = int(line[3:]), None
        elif step and line.startswith(("out|", "err|")):
            (step.out if line.startswith("out|") else step.err).append(line[4:])
        else:
            (step.console if step else loose).append(line)
    return steps, loose
