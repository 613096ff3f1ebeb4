"""deferd takes an example of a configuration, on a host that has the accounts which it names.

    example.py DEFERD FILE
"""

import re
import subprocess
import sys

# Of examples: this host may not have them.
MISSING = re.compile(r".*: there is no (user|group) '(deferd|postfix)' on this system: .*")


def refused(deferd, file):
    """What deferd says against a configuration; empty if it takes it."""
    done = subprocess.run([deferd, "-t", "-c", file], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    errors = [line for line in done.stdout.splitlines() if line != "ok" and ": warning: " not in line and not MISSING.fullmatch(line)]
    well = done.returncode == 0 or (done.returncode == 78 and not errors)
    return "" if well else f"exit {done.returncode}\n{done.stdout}"


if __name__ == "__main__":
    sys.exit(refused(sys.argv[1], sys.argv[2]) or 0)
