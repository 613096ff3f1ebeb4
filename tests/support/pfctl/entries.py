"""The entries of one table, as the kernel keeps and changes them.

All of them are one byte string of sorted records: key (addresses.py), 1 if negated, when it was cleared (seconds, 4 bytes), one byte of
padding. That is compact, and fast enough in Python: a change of a few is a few binary searches and one copy.
"""

import struct

RECORD = 24
KEY = 18
SEARCH = 16  # looking for one address costs about as much as looking at so many entries one after the other


def record(key, negated, now):
    return key + struct.pack(">BIx", negated, now)


class Entries:
    """A table's addresses. What changes them returns the codes that `-v` shows: `A`, `C`, `D`, `X`, `Y`, `Z` or a blank."""

    def __init__(self, data=b""):
        self.data = data

    def __len__(self):
        return len(self.data) // RECORD

    def __iter__(self):
        """(key, negated, cleared) in order."""
        data = self.data
        for at in range(0, len(data), RECORD):
            yield data[at:at + KEY], data[at + KEY] == 1, int.from_bytes(data[at + KEY + 1:at + KEY + 5], "big")

    def _search(self, key):
        data, low, high = self.data, 0, len(self)
        while low < high:
            middle = (low + high) // 2
            at = middle * RECORD
            if data[at:at + KEY] < key:
                low = middle + 1
            else:
                high = middle
        return low * RECORD

    def locator(self, count):
        """A function from a key to its offset, or None; `count` is how often it will be asked."""
        data = self.data
        if count * SEARCH > len(self):
            return {data[at:at + KEY]: at for at in range(0, len(data), RECORD)}.get

        def find(key):
            at = self._search(key)
            return at if data[at:at + KEY] == key else None
        return find

    def plan_add(self, given):
        """(codes, those new) for a list of (key, negated); nothing is changed."""
        find = self.locator(len(given))
        codes, new = [], {}
        for key, negated in given:
            at = find(key)
            if at is not None:
                codes.append("Y" if (self.data[at + KEY] == 1) != negated else " ")
            elif key in new:
                codes.append("Y" if new[key] != negated else "X")
            else:
                new[key] = negated
                codes.append("A")
        return codes, new

    def plan_delete(self, given):
        """(codes, offsets to delete)."""
        find = self.locator(len(given))
        codes, gone = [], set()
        for key, negated in given:
            at = find(key)
            if at is None:
                codes.append(" ")
            elif (self.data[at + KEY] == 1) != negated:
                codes.append("Y")
            elif at in gone:
                codes.append("X")
            else:
                gone.add(at)
                codes.append("D")
        return codes, gone

    def plan_replace(self, given):
        """(codes, those new, offsets to negate, offsets to delete)."""
        find = self.locator(len(given))
        codes, new, kept, changed = [], {}, set(), []
        for key, negated in given:
            at = find(key)
            if key in new or at in kept:
                codes.append("X")
            elif at is None:
                new[key] = negated
                codes.append("A")
            else:
                kept.add(at)
                if (self.data[at + KEY] == 1) != negated:
                    changed.append(at)
                    codes.append("C")
                else:
                    codes.append(" ")
        gone = {at for at in range(0, len(self.data), RECORD) if at not in kept}
        return codes, new, changed, gone

    def at(self, offset):
        """(key, negated) of the record at `offset`."""
        return self.data[offset:offset + KEY], self.data[offset + KEY] == 1

    def negate(self, offsets):
        data = bytearray(self.data)
        for at in offsets:
            data[at + KEY] ^= 1
        self.data = bytes(data)

    def remove(self, offsets):
        pieces, start = [], 0
        for at in sorted(offsets):
            pieces.append(self.data[start:at])
            start = at + RECORD
        pieces.append(self.data[start:])
        self.data = b"".join(pieces)

    def insert(self, new, now):
        """Adds entries that are not in the table: a mapping of key to negated."""
        records = sorted(record(key, negated, now) for key, negated in new.items())
        data = self.data
        if len(records) * SEARCH > len(self):
            records += [data[at:at + RECORD] for at in range(0, len(data), RECORD)]
            records.sort()
            self.data = b"".join(records)
            return
        pieces, start = [], 0
        for r in records:
            at = self._search(r[:KEY])
            pieces += (data[start:at], r)
            start = at
        pieces.append(data[start:])
        self.data = b"".join(pieces)

    def zero(self, offsets, now):
        data, stamp = bytearray(self.data), struct.pack(">I", now)
        for at in offsets:
            data[at + KEY + 1:at + KEY + 5] = stamp
        self.data = bytes(data)

    def match(self, given):
        """For each host key the (key, negated) of the longest prefix that holds it, or None."""
        find = self.locator(len(given) * 2)
        lengths = sorted(set(self.data[KEY - 1::RECORD]))  # 128 minus the length: the longest first
        found = []
        for key, _ in given:
            bits, hit = 32 if key[0] == 4 else 128, None
            value = int.from_bytes(key[1:1 + bits // 8], "big")
            for rest in lengths:
                drop = bits - (128 - rest)
                if drop < 0:
                    continue
                prefix = (value >> drop << drop).to_bytes(bits // 8, "big").ljust(16, b"\0")
                at = find(key[:1] + prefix + bytes((rest,)))
                if at is not None:
                    hit = self.at(at)
                    break
            found.append(hit)
        return found
