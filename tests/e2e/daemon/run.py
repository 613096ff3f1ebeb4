#!/usr/bin/env python3
"""run.py BUILD_DIR [TEST...]: the daemon as its operator meets it. The tests are in the other files of this folder, by topic."""
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import enter_namespace, play

enter_namespace()
os.environ["DEFERD_BUILD"] = str(pathlib.Path(sys.argv[1]).resolve())

import commands
import configuration
import logs
import misbehaving
import monitored
import running
import starting
import storing

tests = [test for topic in (configuration, starting, monitored, commands, running, logs, storing, misbehaving) for test in topic.TESTS]
play([test for test in tests if len(sys.argv) < 3 or test.__name__ in sys.argv[2:]])
