"""The stand-in says what pfctl of FreeBSD 13.2 and 15.1 said when the transcripts were recorded, byte for byte, and exits as it did."""

import calendar
import os
import pathlib
import re
import subprocess
import tempfile
import time
import unittest

import replay_plan as plan
import transcript

PFCTL = pathlib.Path(__file__).resolve().with_name("pfctl.py")

# Programs that recorded commands use and that are not here, or differ.
PROGRAMS = {
    "wc": "#!/bin/sh\nprintf '%8d\\n' \"$(/usr/bin/wc \"$@\")\"\n",
    "time": "#!/bin/sh\nshift\nexec \"$@\"\n",
    "asu": """#!/bin/sh
# asu [-f] UID GID COMMAND: as another user, -f with descriptor 9 open on the device.
if [ "$1" = -f ]; then shift; as=$INHERITED; elif [ "$2" = 62 ]; then as=$GROUP; else as=none; fi
shift 2
PFCTL_PRIVILEGE=$as exec "$@"
""",
}


def addresses(count, first=0):
    """The lists that were loaded: consecutive addresses from 10.0.0.0 on, one a line."""
    return "".join(f"10.{i >> 16}.{i >> 8 & 255}.{i & 255}\n" for i in range(first, first + count))


class Machine:
    """A folder with pfctl in it, and what the recorded console said of the machine."""

    def __init__(self, folder, name):
        self.folder, self.name = pathlib.Path(folder), name
        for part in ("bin", "tmp", "state"):
            (self.folder / part).mkdir()
        (self.folder / "bin/pfctl").symlink_to(PFCTL)
        for program, text in PROGRAMS.items():
            (self.folder / "bin" / program).write_text(text)
            (self.folder / "bin" / program).chmod(0o755)
        for count in (1000, 10000, 65535, 65536, 100000) if "scale" in name else ():
            (self.folder / f"tmp/l{count}").write_text(addresses(count))
        (self.folder / "tmp/pf.conf").write_text(plan.PF_CONF)
        (self.folder / "tmp/obsd.conf").write_text(plan.OBSD_CONF)
        self.environment = {
            "PATH": f"{self.folder}/bin:{os.environ['PATH']}", "PFCTL_STATE": f"{self.folder}/state", "TZ": "UTC",
            "PFCTL_FLAVOUR": name.split("-")[1], "PFCTL_PRIVILEGE": "root", "INHERITED": "none", "GROUP": "group-rw",
        }

    def run(self, command, text=None):
        shell = plan.REQUOTED.get(command, command).replace("/tmp/", f"{self.folder}/tmp/")
        ran = subprocess.run(["/bin/sh", "-c", shell], env=self.environment, cwd=self.folder, capture_output=True, input=text)
        status = 128 - ran.returncode if ran.returncode < 0 else ran.returncode
        return ran.stdout.decode("latin-1"), ran.stderr.decode("latin-1"), status

    def set(self, what, value):
        """What CONSOLE and BEFORE of the plan name."""
        if what == "request-maxcount":
            (self.folder / "state/settings").write_text(f"request-maxcount {value}\n")
        elif what == "clock":
            self.environment["PFCTL_CLOCK"] = str(calendar.timegm(time.strptime(value)))
        elif what == "securelevel":
            self.environment["PFCTL_PRIVILEGE"] = "securelevel" if int(value) >= 3 else "root"
        elif what == "enabled":
            self.run("pfctl -e")
        elif what == "raw-created":
            self.run("pfctl -t raw -T add 192.0.2.1")
        elif what == "raw-size":
            have = self.run("pfctl -t raw -T show | grep -c .")[0]
            self.run("pfctl -t raw -T add -f -", addresses(int(value) - int(have)).encode()) if int(have) < int(value) else None
        elif what in ("inherited", "fdescfs"):
            self.environment["INHERITED"] = "inherited"
        elif what == "group":
            self.environment["GROUP"] = value

    def console(self, lines):
        """Takes console lines in; returns those that nobody knows."""
        unknown = []
        for line in lines:
            for pattern, what in plan.CONSOLE:
                if found := pattern.match(line):
                    self.set(what, found[1])
                    break
            else:
                if line and not plan.IGNORED.match(line):
                    unknown.append(line)
        return unknown


def expected(step, name):
    """stdout and stderr as recorded; the times that time(1) took are left out."""
    lines = [line for line in step.err if "time -p" not in step.command or not re.match(r"(real|user|sys) [\d.]+\Z", line)]
    return "".join(line + "\n" for line in step.out), "".join(line + "\n" for line in lines)


class Replay(unittest.TestCase):
    maxDiff = None

    def replay(self, name):
        steps, rest = transcript.read(name)
        left_out = {number: command for number, command, _ in plan.LEFT_OUT[name]}
        for number, command in left_out.items():
            self.assertTrue(number <= len(steps) and steps[number - 1].command.startswith(command),
                            f"{name}: step {number} is not {command}: mend LEFT_OUT")
        with tempfile.TemporaryDirectory(prefix="pfctl-replay-") as folder:
            machine = Machine(folder, name)
            for step in steps:
                for what, value in plan.BEFORE[name].get(step.number, {}).items():
                    machine.set(what, value)
                self.assertEqual(machine.console(step.before + step.console), [], f"{name}: before step {step.number}")
                if step.number not in left_out:
                    with self.subTest(step=step.number, command=step.command):
                        self.check(machine, step)
            self.assertEqual(machine.console(rest), [], f"{name}: at the end")

    def check(self, machine, step):
        out, err, status = machine.run(step.command)
        if machine.name in plan.WITHOUT_ALTQ:
            err = "".join(line for line in err.splitlines(True) if "ALTQ" not in line)
        if status == 139:  # the shell of the test says so too, sometimes
            err = err.replace("Segmentation fault\n", "")
        self.assertEqual((out, err, status), (*expected(step, machine.name), step.status))


def _add(name):
    def test(self):
        self.replay(name)
    setattr(Replay, "test_" + re.sub(r"\W", "_", name.removesuffix(".txt")), test)


for _name in sorted(p.name for p in transcript.FOLDER.glob("*.txt")):
    _add(_name)

if __name__ == "__main__":
    unittest.main()
