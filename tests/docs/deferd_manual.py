"""deferd(8) names every option that `deferd --help` does, and no other.

    deferd_manual.py PROGRAM MANUAL
"""

import re
import subprocess
import sys


def main(program, manual):
    help_text = subprocess.run([program, "--help"], capture_output=True, text=True, check=True).stdout
    known = set()
    for line in help_text.splitlines():
        names = re.match(r"\s+(-[-a-zA-Z,]+)", line)
        if names:
            known.update(names.group(1).split(","))
    with open(manual, encoding="utf-8") as file:
        text = file.read()
    # mdoc writes -c as `Fl c` and --config as `Fl -config`.
    told = {"-" + name for item in re.findall(r"^\.It (Fl .*)$", text, re.M) for name in re.findall(r"Fl ([-a-zA-Z]+)", item)}

    for name in sorted(known - told):
        print(f"{manual}: {name} is missing")
    for name in sorted(told - known):
        print(f"{manual}: {program} has no option {name}")
    if len(known) < 10:
        print(f"{program} --help: cannot find the options")
    return int(known != told or len(known) < 10)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
