#!/usr/bin/python3
"""Plays the Lua scripts of this folder to a deferd of its own: run.py PATH/TO/deferd [PLUGIN_DIR [SCRIPT...]]

Each script gets a daemon with an empty store in a temporary folder. Needs miltertest(8)."""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
SCRIPTS = ["orders", "messages", "macros", "old_mta", "greylist"]


def wait_for(path, daemon, seconds=20):
    end = time.monotonic() + seconds
    while not path.exists():
        if daemon.poll() is not None or time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def play(script, deferd, plugins):
    """None if all went well, else what did not."""
    with tempfile.TemporaryDirectory(prefix="deferd-e2e-") as folder:
        folder = pathlib.Path(folder)
        config = (HERE / "deferd.yaml").read_text()
        if plugins:
            config += f"plugin_dirs: [{plugins}]\n"
        (folder / "deferd.yaml").write_text(config)
        log = (folder / "log").open("w+")
        account = {}
        if os.geteuid() == 0:  # deferd does not run as root
            account = {"user": "nobody", "group": "nogroup", "extra_groups": []}
            shutil.chown(folder, "nobody", "nogroup")
        daemon = subprocess.Popen([deferd, "-c", "deferd.yaml"], cwd=folder, stderr=log, stdout=log, **account)
        try:
            if not wait_for(folder / "milter.sock", daemon):
                return "the daemon does not listen:\n" + (folder / "log").read_text()
            player = ["miltertest", "-w", "-D", f"socket=unix:{folder}/milter.sock", "-s", str(folder / "script.lua")]
            (folder / "script.lua").write_text((HERE / "lib.lua").read_text() + (HERE / f"{script}.lua").read_text())
            result = subprocess.run(player, capture_output=True, text=True, timeout=60)
            if result.returncode != 0:
                return result.stdout + result.stderr + (folder / "log").read_text()
            if daemon.poll() is not None:
                return "the daemon has ended:\n" + (folder / "log").read_text()
            daemon.terminate()
            if daemon.wait(timeout=15) != 0:
                return f"the daemon ended with {daemon.returncode}:\n" + (folder / "log").read_text()
            return None
        finally:
            if daemon.poll() is None:
                daemon.kill()
                daemon.wait()
            log.close()


def main():
    if shutil.which("miltertest") is None:
        print("SKIP miltertest: not installed")
        return 77
    deferd = str(pathlib.Path(sys.argv[1]).resolve())
    plugins = str(pathlib.Path(sys.argv[2]).resolve()) if len(sys.argv) > 2 else ""
    failed = 0
    for script in sys.argv[3:] or SCRIPTS:
        problem = play(script, deferd, plugins)
        print(("ok   " if problem is None else "FAIL ") + script)
        if problem is not None:
            print(problem)
            failed += 1
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
