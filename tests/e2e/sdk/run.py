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


def commands(build):
    """The sh blocks of the part "Ten minutes"."""
    part = PAGE.read_text().split("\n## Ten minutes\n")[1].split("\n## ")[0]
    blocks = re.findall(r"```sh\n(.*?)```", part, re.DOTALL)
    script = "\n".join(blocks)
    if "build/release" not in script:
        sys.exit(f"{PAGE}: does not install build/release any longer")
    return script.replace("build/release", f'"{build}"')


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
    # Below the build folder: plugins are not loaded from /tmp.
    home = Path(tempfile.mkdtemp(prefix="sdk-", dir=build))
    try:
        environment = dict(os.environ, HOME=str(home), CMAKE_BUILD_PARALLEL_LEVEL="2")
        environment.pop("DEFERD_SOCKET", None)
        done = subprocess.run(["bash", "-euxc", commands(build)], cwd=SOURCE, env=environment, timeout=500,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        print(done.stdout)
        check(done.returncode == 0, "every command of the page succeeds")
        check(re.search(r"^ok$", done.stdout, re.MULTILINE), "deferd -t loads the plugin and says ok")
        check(re.search(r"100% tests passed", done.stdout), "its test passes")
        check(re.search(r"^limit\b", done.stdout, re.MULTILINE), "deferctl plugins names it")

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
        refused = subprocess.run([prefix / "sbin/deferd", "-t", "-c", plugin / "bad.yaml"], capture_output=True, text=True,
                                 check=False)
        check(refused.returncode == 78, "a misspelt setting of it is refused")
        check("did you mean 'remember'" in refused.stderr, "and the setting meant is named")
    finally:
        stop(home / "limit" / "pid")
        shutil.rmtree(home)


main()
