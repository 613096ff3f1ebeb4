"""summary.py BUILD_DIR ALLOWED: closes a run of ctest with `N passed, N failed, N skipped`.

Reads ctest's output, BUILD_DIR/test-log, and counts each test of a program that left a report of them, BUILD_DIR/reports/PROGRAM.xml.
Exit 1 if one failed, or was skipped under CI and ALLOWED does not name it (lines `NAME  reason`).
"""
import os
import pathlib
import re
import sys
import xml.etree.ElementTree

build = pathlib.Path(sys.argv[1])
passed, failed, skipped = 0, 0, []
log = (build / "test-log").read_text(encoding="utf-8", errors="replace")
for name, outcome in re.findall(r"Test\s+#\d+: (\S+) [ .]*(Passed|\*\*\*\w+)", log):
    report = build / "reports" / f"{name}.xml"
    if not report.exists():
        passed += outcome == "Passed"
        skipped += [name] if outcome == "***Skipped" else []
        failed += outcome not in ("Passed", "***Skipped")
        continue
    tests = [test for test in xml.etree.ElementTree.parse(report).iter("testcase") if test.get("status") == "run"]
    bad = sum(test.find("failure") is not None for test in tests)
    left_out = [f"{test.get('classname')}.{test.get('name')}" for test in tests if test.get("result") == "skipped"]
    passed += len(tests) - bad - len(left_out)
    skipped += left_out
    failed += bad or outcome != "Passed"  # a sanitizer has its say at the end
with open(sys.argv[2], encoding="utf-8") as file:
    allowed = {line.split()[0] for line in file if line.strip() and not line.startswith("#")}
surprises = [name for name in skipped if name not in allowed]
if surprises and os.environ.get("CI"):
    print("skipped, and not named in tests/allowed-skips: " + ", ".join(surprises))
    failed += len(surprises)
print(f"{passed} passed, {failed} failed, {len(skipped)} skipped")
sys.exit(1 if failed or not passed else 0)
