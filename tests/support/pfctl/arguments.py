"""The command line, read as getopt(3) of FreeBSD does: it ends at the first word that is no option."""

OPTIONS = {"13.2": "a:AdD:eqf:F:ghi:k:K:mMnNOo:Pp:rRs:t:T:vx:z", "15.1": "a:AdD:eqf:F:ghi:k:K:mMnNOo:Pp:rRSs:t:T:vx:z"}

# The first that has the given prefix is meant.
TABLE_COMMANDS = ("kill", "flush", "add", "delete", "load", "replace", "show", "test", "zero", "expire")
SHOW = ("queue", "rules", "Anchors", "Sources", "states", "info", "Interfaces", "labels", "timeouts", "memory", "Tables", "osfp",
        "Running", "nat")
CLEAR = ("nat", "queue", "rules", "Sources", "states", "info", "Tables", "osfp", "all", "Reset", "ethernet")


class Options:
    def __init__(self):
        self.table = None      # -t
        self.command = None    # -T, in full
        self.file = None       # -f
        self.anchor = ""       # -a
        self.device = "/dev/pf"  # -p
        self.show = None       # -s, in full
        self.clear = None      # -F, in full
        self.kill = []         # -k
        self.kill_nodes = []   # -K
        self.switch = None     # "e" or "d"
        self.quiet = False
        self.verbose = 0
        self.no_action = False
        self.resolve = True    # not with -S, 15.1
        self.unsupported = ""  # options that are read and not implemented
        self.words = []


class Wrong(Exception):
    """Usage: `text` precedes the usage text."""


def _full(name, names, what):
    for full in names:
        if full.startswith(name):
            return full
    raise Wrong(f"pfctl: Unknown {what} '{name}'\n")


def _getopt(arguments, known):
    """([(letter, value)], the words after the options). Python's own takes 20 ms to load."""
    pairs, rest = [], list(arguments)
    while rest and len(rest[0]) > 1 and rest[0][0] == "-":
        word = rest.pop(0)[1:]
        if word == "-":
            break
        while word:
            letter, word = word[0], word[1:]
            if letter == ":" or letter not in known:
                raise Wrong(f"pfctl: illegal option -- {letter}\n")
            value = ""
            if known[known.index(letter) + 1:].startswith(":"):
                if not word and not rest:
                    raise Wrong(f"pfctl: option requires an argument -- {letter}\n")
                value, word = word or rest.pop(0), ""
            pairs.append((letter, value))
    return pairs, rest


def parse(flavour, arguments):
    """Options. Raises Wrong."""
    o = Options()
    pairs, o.words = _getopt(arguments, OPTIONS[flavour])
    commands = TABLE_COMMANDS + (("reset",) if flavour == "15.1" else ())
    for letter, value in pairs:
        if letter == "t":
            o.table = value
        elif letter == "T":
            o.command = _full(value, commands, "table command")
        elif letter == "f":
            o.file = value
        elif letter == "a":
            o.anchor = value
        elif letter == "p":
            o.device = value
        elif letter == "s":
            o.show = _full(value, SHOW, "show modifier")
        elif letter == "F":
            o.clear = _full(value, CLEAR, "flush modifier")
        elif letter == "k":
            o.kill.append(value)
        elif letter == "K":
            o.kill_nodes.append(value)
        elif letter in "ed":
            o.switch = letter
        elif letter == "q":
            o.quiet = True
        elif letter == "v":
            o.verbose += 1
        elif letter == "n":
            o.no_action = True
        elif letter == "S":
            o.resolve = False
        elif letter != "N":  # -N (NAT rules only) is nothing to a table command
            o.unsupported += letter
    if flavour == "15.1" and o.table is not None and o.command is None:
        raise Wrong
    if o.words and o.command is None:
        raise Wrong(f"pfctl: unknown command line argument: {o.words[0]} ...\n")
    return o
