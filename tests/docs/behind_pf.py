"""docs/running-behind-pf.md and conf/pf agree: deferd takes the configurations of the page, and the tables that its helpers fill are
those of the rules.

    behind_pf.py DEFERD PROJECT_DIR
"""

import pathlib
import re
import sys
import tempfile

import example

REST = "store: {engine: memory}\nlog: {to: stderr}\n"


def settings(page):
    """Blocks of YAML under the bold names of systems, and the last one, which is for listed clients only."""
    found = {}
    for name, block in re.findall(r"\*\*([^*\n]+)\*\*[^\n]*\n\n```yaml\n(.*?)```", page, re.S):
        found[name] = block
    found["listed"] = re.findall(r"```yaml\n(.*?)```", page, re.S)[-1]
    return found


def tables_of(block):
    """Names that the helpers are told, by kind: of pf tables, of nft sets."""
    pf = re.findall(r"pf:([\w-]+)", block)
    nft = [name for names in re.findall(r"nft:inet/deferd/([\w,]+)", block) for name in names.split(",") if name]
    return pf, nft


def declared(path):
    text = path.read_text(encoding="utf-8")
    return re.findall(r"^table <([\w-]+)>", text, re.M) + re.findall(r"^\tset (\w+) ", text, re.M)


def refused(deferd, text):
    """What deferd says against a configuration; empty if it takes it."""
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        file.write(text)
        file.flush()
        return example.refused(deferd, file.name)


def main(deferd, project):
    project = pathlib.Path(project)
    page = (project / "docs/running-behind-pf.md").read_text(encoding="utf-8")
    blocks = settings(page)
    problems = []
    for key in ("Linux", "OpenBSD", "All of them", "listed"):
        if key not in blocks:
            problems.append(f"the page has no settings for {key}")
    if not problems:
        listen = re.search(r"^listen: .*\n", blocks["Linux"], re.M).group()
        for name, text in (("Linux", blocks["Linux"] + blocks["All of them"]), ("OpenBSD", blocks["OpenBSD"] + blocks["All of them"]),
                           ("listed", listen + blocks["listed"])):
            if why := refused(deferd, REST + text):
                problems.append(f"deferd does not take the settings for {name}:\n{why}")
        # What each system's helpers fill, and the rules that have it.
        for block, files in (("Linux", ["nftables.nft"]), ("OpenBSD", ["openbsd.conf", "freebsd.conf"]),
                             ("listed", ["openbsd-listed.conf", "freebsd-listed.conf"])):
            pf, nft = tables_of(blocks[block])
            for file in files:
                known = declared(project / "conf/pf" / file)
                problems += [f"conf/pf/{file} does not declare {name}" for name in (nft if file.endswith(".nft") else pf) if name not in known]
        told = {name for names in re.findall(r"nft:inet/deferd/([\w,]+)", page) for name in names.split(",") if name}
        there = set(declared(project / "conf/pf/nftables.nft") + declared(project / "conf/pf/nftables-listed.nft"))
        problems += [f"the page tells of the set {name}, which no rules have" for name in sorted(told - there)]
        if len(told) < 10:
            problems.append("cannot find the sets in the page")
    for problem in problems:
        print(problem)
    return int(bool(problems))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
