"""README.md's list of files builds the helper: with what its block says, from its folder alone, and with no library but the
compiler's own. With clang and libc++, as the BSDs have, where these are installed.

    plain_build_test.py HELPER_FOLDER
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

OWN = re.compile(r"(libc\+\+(abi)?|libunwind|libstdc\+\+|libgcc_s|libm|libc|ld-linux[\w-]*|libatomic)\.so\.\d+$")


def compiler(folder):
    """The words for CXX."""
    probe = folder / "probe.cc"
    probe.write_text("#include <version>\n#ifndef _LIBCPP_VERSION\n#error\n#endif\nint main() {}\n", encoding="utf-8")
    clang = ["clang++", "-stdlib=libc++"]
    if shutil.which(clang[0]):
        done = subprocess.run([*clang, "-std=c++20", "-o", folder / "probe", probe], stderr=subprocess.DEVNULL, check=False)
        if done.returncode == 0:
            return " ".join(clang)
    return "c++"


def main(source):
    source = pathlib.Path(source)
    block = re.search(r"```sh\n(.*?)```", (source / "README.md").read_text(encoding="utf-8"), re.S).group(1)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        cxx = compiler(folder)
        print("with", cxx)
        there = folder / "pfbridge/helper"
        there.mkdir(parents=True)
        for file in source.iterdir():
            if file.suffix in (".cc", ".h") and not file.stem.endswith("_test"):
                shutil.copy(file, there)
        subprocess.run(["/bin/sh", "-eu", "-c", block], cwd=folder, env={**os.environ, "CXX": cxx, "CXXFLAGS": "-O0"}, check=True)

        helper = there / "deferd-helper"
        table = f"white=file:{folder}/white"
        said = subprocess.run([helper, "--table", table, "--check"], stdout=subprocess.PIPE, text=True, check=True).stdout
        assert said == "white: ok\n", said
        dynamic = subprocess.run(["readelf", "-d", helper], stdout=subprocess.PIPE, text=True, check=True).stdout
        needed = re.findall(r"\(NEEDED\).*\[(.*)\]", dynamic)
        assert needed and all(OWN.match(library) for library in needed), needed


if __name__ == "__main__":
    main(sys.argv[1])
