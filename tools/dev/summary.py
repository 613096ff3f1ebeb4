"""summary.py LOG ALLOWED: closes a ctest log with `N passed, N failed, N skipped`.

Exit 1 if a test was skipped under CI that ALLOWED does not name (lines `NAME  reason`).
"""
import os
import re
import sys

log = open(sys.argv[1], encoding="utf-8", errors="replace").read()
passed = len(re.findall(r"\.\s+Passed\s", log))
failed = len(re.findall(r"\*\*\*(?:Failed|Timeout|Exception|Not Run)", log))
skipped = re.findall(r"Test\s+#\d+: (\S+) .*\*\*\*Skipped", log)
with open(sys.argv[2], encoding="utf-8") as file:
    allowed = {line.split()[0] for line in file if line.strip() and not line.startswith("#")}
surprises = [name for name in skipped if name not in allowed]
if surprises and os.environ.get("CI"):
    print("skipped, and not named in tests/allowed-skips: " + ", ".join(surprises))
    failed += len(surprises)
print(f"{passed} passed, {failed} failed, {len(skipped)} skipped")
sys.exit(1 if failed or not passed else 0)
