"""What asks the operating system for something, compiled as FreeBSD or OpenBSD would compile it: with that system's macro, the files that
CMake chooses there, and, as its headers are not to be had, glibc's under those of bsd/, which take away what the BSDs lack and add
what they have. It sees names, types and branches that nobody has ever compiled; it cannot see a header that is missing there but
comes with another one here.

    check.py freebsd|openbsd COMPILER FLAGS_FILE PROJECT_DIR [all]

FLAGS_FILE has one a line. Files that have no branch for a system, and draw in libraries that take seconds to read, are compiled with
`all` only.
"""

import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys

BSD = pathlib.Path(__file__).parent / "bsd"
PARTS = ("core", "ctl", "daemon", "milter", "pfbridge", "plugins", "smtp")
MACRO = {"freebsd": "__FreeBSD__=14", "openbsd": "__OpenBSD__=1"}
NOT_THERE = {
    "freebsd": ("_linux.cc", "_epoll.cc", "nft_dump.cc", "nft_table.cc", "pf_system_none.cc", "sandbox_openbsd.cc"),
    "openbsd": ("_linux.cc", "_epoll.cc", "nft_dump.cc", "nft_table.cc", "pf_system_none.cc", "sandbox_none.cc"),
}
FOR_TESTS = re.compile(r"_test\.|_fixture\.|/testing_|/fake_|/test_support|/slow_name|/loopback|_server\.h$|/counted_memory")
BRANCH = re.compile(r"\b__(linux|FreeBSD|OpenBSD)__\b")
SYSTEM_HEADER = re.compile(
    r"^\s*#\s*include <(sys|net|netinet|arpa)/|^\s*#\s*include <(unistd|fcntl|poll|signal|csignal|spawn|pwd|grp|ifaddrs|netdb|dlfcn|syslog|"
    r"sched|pthread|malloc|time|pcap)(\.h)?>", re.M)
LARGE = re.compile(r"^\s*#\s*include <(boost|CLI|rocksdb)/", re.M)
TOGETHER = 16  # files compiled as one, as in a unity build: they have most headers in common

# Each shall be refused, or the stand-ins have lost their teeth.
MUST_FAIL = {
    "freebsd": ["#include <sys/epoll.h>", "#include <unistd.h>\nint a = gettid();", "#include <sys/socket.h>\nucred a;",
                "#include <netinet/in.h>\nint a = IP_FREEBIND;", "#include <sys/event.h>\nint a = kevent(0, 0, 0, 0);"],
    "openbsd": ["#include <sys/prctl.h>", "#include <sys/procctl.h>", "#include <unistd.h>\nint a = close_range(3, 4, 0);",
                "#include <signal.h>\nint a = sigtimedwait(0, 0, 0);", "#include <arpa/nameser.h>\nint a = ns_t_txt;",
                "#include <unistd.h>\nint a = unveil(\"/\");"],
}
MUST_PASS = {
    "freebsd": "#include <sys/procctl.h>\n#include <unistd.h>\nint a = procctl(P_PID, 0, PROC_PDEATHSIG_CTL, 0) + getpeereid(0, 0, 0);",
    "openbsd": "#include <unistd.h>\nint a = unveil(\"/\", \"r\") + pledge(\"stdio\", 0) + getpeereid(0, 0, 0);",
}


def chosen(system, project, also_large):
    """Files to compile, by folder."""
    folders = {}
    for part in PARTS:
        for path in sorted((project / part).rglob("*")):
            name = path.as_posix()
            if path.suffix not in (".cc", ".h") or FOR_TESTS.search(name) or name.endswith(NOT_THERE[system]):
                continue
            text = path.read_text(encoding="utf-8")
            asks = path.suffix == ".cc" and SYSTEM_HEADER.search(text) and (also_large or not LARGE.search(text))
            if asks or BRANCH.search(text) or name.endswith(("_bsd.cc", "_kqueue.cc", "_pf.cc")):
                folders.setdefault(path.parent, []).append(path)
    return folders


class Compiler:
    def __init__(self, system, program, flags):
        self.command = [program, "-x", "c++", "-std=c++20", "-fsyntax-only", "-w", "-U__linux__", "-U__linux", "-U__gnu_linux__",
                        "-D" + MACRO[system], "-I", str(BSD), *pathlib.Path(flags).read_text(encoding="utf-8").split("\n"), "-"]
        self.command = [word for word in self.command if word]

    def wrong(self, text):
        """What the compiler says against it; empty if it takes it."""
        done = subprocess.run(self.command, input=text, text=True, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, timeout=300, check=False)
        return "" if done.returncode == 0 else done.stderr or "the compiler failed"

    def wrong_in(self, files):
        text = "".join(f'#include "{file}"\n' for file in files)
        wrong = self.wrong(text)
        # One at a time, where files of different libraries have met in one folder, or to name the culprit.
        return "".join(self.wrong_in([file]) for file in files) if wrong and len(files) > 1 else wrong


def main():
    system, program, flags, project = sys.argv[1:5]
    compiler = Compiler(system, program, flags)
    problems = [f"taken, but {system} has no such thing:\n{text}\n" for text in MUST_FAIL[system] if not compiler.wrong(text)]
    problems.append(compiler.wrong(MUST_PASS[system]))
    folders = chosen(system, pathlib.Path(project), sys.argv[5:] == ["all"])
    batches = [files[at:at + TOGETHER] for files in folders.values() for at in range(0, len(files), TOGETHER)]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        problems += pool.map(compiler.wrong_in, batches)
    print("".join(problems), end="")
    print(f"{sum(map(len, folders.values()))} files as {system} would compile them")
    return any(problems)


if __name__ == "__main__":
    sys.exit(main())
