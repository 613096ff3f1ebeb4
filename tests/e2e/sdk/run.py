#!/usr/bin/python3
"""Plugins outside of the tree: does docs/writing-a-plugin.md lead to a loaded plugin?

Runs the shell commands of that page's first part as they stand, with a home directory of their own and the given build in place of
build/release. So the SDK is installed, plugins/example is copied, renamed, built and tested with find_package(deferd), and the
result is loaded by the installed daemon. Then it looks at what was installed and at what the library shows.

usage: run.py BUILD_DIR
"""
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[3]
PAGE = SOURCE / "docs" / "writing-a-plugin.md"
NOBODY = 65534


def commands(build):
    """The sh blocks of the part "Ten minutes": what needs the source tree (install, copy), and the rest."""
    part = PAGE.read_text().split("\n## Ten minutes\n")[1].split("\n## ")[0]
    install, copy, *rest = re.findall(r"```sh\n(.*?)```", part, re.DOTALL)
    if "build/release" not in install:
        sys.exit(f"{PAGE}: does not install build/release any longer")
    return install.replace("build/release", f'"{build}"') + copy, "".join(rest)


def run(script, where, home, user=None):
    environment = dict(os.environ, HOME=str(home), CMAKE_BUILD_PARALLEL_LEVEL="2")
    environment.pop("DEFERD_SOCKET", None)
    done = subprocess.run(["bash", "-euxc", script], cwd=where, env=environment, user=user, group=user,
                          extra_groups=None if user is None else [], timeout=500, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    print(done.stdout, flush=True)
    check(done.returncode == 0, "every command succeeds")
    return done.stdout


def check(condition, what):
    if not condition:
        sys.exit(f"FAILED: {what}")
    print(f"ok: {what}")


def stop(pid_file):
    """The page stops its daemon itself; this is for when it does not get that far."""
    try:
        os.kill(int(pid_file.read_text()), signal.SIGTERM)
    except (FileNotFoundError, ValueError, ProcessLookupError):
        pass


def main():
    build = Path(sys.argv[1]).resolve()
    # deferd does not run as root, and loads no plugins from below /tmp: another user's folder, in a place that user can reach.
    as_root = os.geteuid() == 0
    home = Path(tempfile.mkdtemp(prefix="deferd-sdk-", dir="/opt" if as_root else build))
    try:
        prepare, build_and_load = commands(build)
        run(prepare, SOURCE, home)
        if as_root:
            subprocess.run(["chown", "-R", f"{NOBODY}:{NOBODY}", home], check=True)
        output = run(build_and_load, home / "limit", home, NOBODY if as_root else None)
        check(re.search(r"^ok$", output, re.MULTILINE), "deferd -t loads the plugin and says ok")
        check(re.search(r"100% tests passed", output), "its test passes")
        check(re.search(r"^limit\b", output, re.MULTILINE), "deferctl plugins names it")

        prefix, plugin = home / "deferd", home / "limit"
        for path in ["include/deferd/plugin.h", "include/deferd/testing/fake_host.h"]:
            check((prefix / path).exists(), f"{path} is installed")
        for path in ["libdeferd-sdk.a", "libdeferd-testing.a", "cmake/deferd/deferd-config.cmake",
                     "cmake/deferd/deferd-config-version.cmake", "cmake/deferd/deferd-targets.cmake",
                     "cmake/deferd/DeferdPlugin.cmake", "deferd/plugins/example.so", "deferd/plugins/greylist.so"]:
            check(list(prefix.glob(f"lib/**/{path}")), f"lib/{path} is installed")
        here = str(SOURCE)
        for path in prefix.glob("lib/**/cmake/deferd/*"):
            check(here not in path.read_text(), f"{path.name} does not name the source tree")

        symbols = subprocess.run(["nm", "-D", "--defined-only", plugin / "build/plugins/limit.so"], check=True,
                                 capture_output=True, text=True).stdout.split("\n")
        names = [line.split()[-1] for line in symbols if line]
        check(names == ["deferd_plugin"], "the library shows deferd_plugin and nothing else")

        (plugin / "bad.yaml").write_text((plugin / "try.yaml").read_text().replace("remember:", "remembr:"))
        refused = subprocess.run([prefix / "sbin/deferd", "-t", "-c", plugin / "bad.yaml"], user=NOBODY if as_root else None,
                                 capture_output=True, text=True, check=False)
        check(refused.returncode == 78, "a misspelt setting of it is refused")
        check("did you mean 'remember'" in refused.stderr, "and the setting meant is named")
    finally:
        stop(home / "limit" / "pid")
        shutil.rmtree(home)


main()
