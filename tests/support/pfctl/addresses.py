"""Reads addresses as pfctl does, with all that it takes for one: short quads, octal, interfaces, `self`, names, `!`.

A key is 18 bytes: 4 or 6, the address in 16 bytes (IPv4 first), 128 minus the prefix length; so keys sort as the kernel lists a table:
IPv4 before IPv6, by address, the longer prefix first.
"""

import errno
import os
import socket

TOKEN_LIMIT = 255  # bytes; a longer word in a file is an error
_SPACE = " \t\n\v\f\r"


class BadAddress(Exception):
    """A word that is no address. `text` is what pfctl has written about it already, `number` what errno is then (0: nothing),
    `crash` that this pfctl dies of it by SIGSEGV."""

    def __init__(self, text="", number=0, crash=False):
        super().__init__(text)
        self.text, self.number, self.crash = text, number, crash


def key(family, packed, net):
    """The key of a prefix; host bits are masked away."""
    bits = len(packed) * 8
    if net < bits:
        packed = (int.from_bytes(packed, "big") >> (bits - net) << (bits - net)).to_bytes(len(packed), "big")
    return bytes((family,)) + packed.ljust(16, b"\0") + bytes((128 - net,))


def _strtol(text):
    """strtol(3) with base 0, of the whole text: 24, 030, 0x18. None if there is anything else."""
    text = text.lstrip(_SPACE)
    digits = text[1:] if text[:1] in ("+", "-") else text
    if not digits or not digits[0].isdigit() or "_" in digits or digits != digits.strip():
        return None
    try:
        value = int(digits, 16 if digits[:2] in ("0x", "0X") else 8 if digits[0] == "0" else 10)
    except ValueError:
        return None
    return -value if text[0] == "-" else value


def _net_pton(text):
    """inet_net_pton(3) of `a[.b[.c[.d]]]/bits`: missing bytes are zero. None if it is not one."""
    quad, _, bits = text.rpartition("/")
    parts = quad.split(".")
    if len(parts) > 4 or not all(p.isdigit() and int(p) <= 255 for p in parts) or not bits.isdigit() or int(bits) > 32:
        return None
    return key(4, bytes(int(p) for p in parts).ljust(4, b"\0"), int(bits))


class Parser:
    """`flavour` as in texts.py; `interfaces` and `hosts` map names to lists of addresses. `resolve` is off with -S."""

    def __init__(self, flavour, interfaces, hosts, resolve=True):
        self.flavour, self.interfaces, self.hosts, self.resolve = flavour, interfaces, hosts, resolve

    def parse(self, word, only_hosts=False):
        """The list of (key, negated) that `word` stands for. Raises BadAddress. `only_hosts` is what `test` wants."""
        bare = word.lstrip("!")
        negated = (len(word) - len(bare)) % 2 == 1
        try:  # what nearly every word is
            keys = [b"\4" + socket.inet_pton(socket.AF_INET, bare) + b"\0\0\0\0\0\0\0\0\0\0\0\0\x60"]
        except (OSError, ValueError):
            keys = self._host(bare)
        if only_hosts and (negated or any(128 - k[17] != (32 if k[0] == 4 else 128) for k in keys)):
            raise BadAddress(number=errno.EINVAL)
        return [(k, negated) for k in keys]

    def _host(self, text):
        name, slash, mask_text = text.rpartition("/")
        mask = None
        if slash:
            mask = _strtol(mask_text)
            if mask is None or mask > 128:
                raise self._bad_mask(mask, mask_text)
        else:
            name = text
        found = self._interface(name, mask)
        if not found and slash:
            found = [k for k in [_net_pton(text)] if k]
        if not found:
            found = self._ipv6(name, mask)
        if not found:
            found = self._resolved(name, mask)
        if not found:
            raise BadAddress(f"no IP address found for {text}\n")
        return found

    def _bad_mask(self, mask, text):
        if self.flavour == "13.2":
            return BadAddress(f"invalid netmask '/{text}'\n")
        return BadAddress(f"netmask is {'invalid' if mask is None else 'too large'}: /{text}\n", crash=True)

    @staticmethod
    def _with_mask(family, packed, mask):
        bits = len(packed) * 8
        if mask is not None and not 0 <= mask <= bits:
            raise BadAddress(number=errno.EINVAL)
        return key(family, packed, bits if mask is None else mask)

    def _listed(self, addresses, mask):
        found = []
        for a in addresses:
            v6 = ":" in a
            packed = socket.inet_pton(socket.AF_INET6 if v6 else socket.AF_INET, a)
            found.append(self._with_mask(6 if v6 else 4, packed, mask))
        return found

    def _interface(self, name, mask):
        """An interface, a group of them (`lo`), or `self`: all of their addresses."""
        return self._listed(
            [a for i, own in self.interfaces.items() if name in ("self", i, i.rstrip("0123456789")) for a in own], mask)

    def _ipv6(self, name, mask):
        address, percent, zone = name.partition("%")
        if percent and zone not in self.interfaces:
            return []
        try:  # the zone is dropped: a table has no room for it
            return [self._with_mask(6, socket.inet_pton(socket.AF_INET6, address), mask)]
        except (OSError, ValueError):
            return []

    def _resolved(self, name, mask):
        """getaddrinfo(3): takes what inet_aton(3) does (192.0.2, 010.0.0.1, 0xc0000201) before it asks for names."""
        if name and not any(c in _SPACE for c in name):
            try:
                return [self._with_mask(4, socket.inet_aton(name), mask)]
            except (OSError, ValueError):
                pass
        return self._listed(self.hosts.get(name, []), mask) if self.resolve else []


def words(descriptor, flavour, read=os.read):
    """Yields the words of a file, reading no further than it is asked to. Comments begin a word. ValueError: a word is too long."""
    comments = (ord("#"),) if flavour == "13.2" else (ord("#"), ord(";"))
    rest = b""
    while True:
        chunk = read(descriptor, 65536)
        rest += chunk
        cut = rest.rfind(b"\n") + 1 if chunk else len(rest)
        lines, rest = rest[:cut].split(b"\n"), rest[cut:]
        for line in lines:
            for word in line.split():  # bytes: the same white space as isspace(3) in the C locale
                if word[0] in comments:
                    break
                if len(word) > TOKEN_LIMIT:
                    raise ValueError(word)
                yield word.decode("latin-1")
        if not chunk:
            return
