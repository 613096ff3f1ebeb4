"""The entries of a table against a plain dictionary: any sequence of changes, in tables small and large against the change."""

import ipaddress
import random
import unittest

from addresses import key
from entries import Entries


def prefix(dice):
    """A key of a small world, so that prefixes meet and overlap."""
    if dice.random() < 0.3:
        return key(6, bytes([0x20, 1, 0xd, 0xb8] + [0] * 11 + [dice.randrange(64)]), dice.choice((48, 122, 124, 128, 128)))
    return key(4, bytes([192, 0, dice.randrange(3), dice.randrange(64)]), dice.choice((16, 24, 28, 30, 32, 32, 32)))


def network(k):
    size = 4 if k[0] == 4 else 16
    return ipaddress.ip_network((k[1:1 + size], 128 - k[17]))


class Model(unittest.TestCase):
    def setUp(self):
        self.dice = random.Random(20261126)
        self.entries, self.model = Entries(), {}

    def given(self):
        count = self.dice.choice((1, 2, 5, 40))
        return [(prefix(self.dice), self.dice.random() < 0.1) for _ in range(count)]

    def step(self):
        given, what = self.given(), self.dice.choice(("add", "add", "delete", "replace"))
        if what == "add":
            codes, new = self.entries.plan_add(given)
            self.entries.insert(new, 1)
            expected = {}
            for k, negated in given:
                if k not in self.model:
                    expected.setdefault(k, negated)
            self.assertEqual((new, codes.count("A")), (expected, len(expected)))
            self.model.update(expected)
        elif what == "delete":
            codes, gone = self.entries.plan_delete(given)
            self.entries.remove(gone)
            expected = {k for k, negated in given if self.model.get(k) == negated}
            self.assertEqual(codes.count("D"), len(expected))
            self.model = {k: n for k, n in self.model.items() if k not in expected}
        elif self.dice.random() < 0.2:  # seldom: it empties the table of most
            codes, new, changed, gone = self.entries.plan_replace(given)
            self.entries.negate(changed)
            self.entries.remove(gone)
            self.entries.insert(new, 1)
            self.model = dict(reversed(given))
            self.assertEqual(codes.count("X"), len(given) - len(self.model))

    def test_any_sequence_of_changes_leaves_what_it_should_in_order(self):
        for _ in range(400):
            self.step()
            self.assertEqual([(k, negated) for k, negated, _ in self.entries], sorted(self.model.items()))

    def test_the_longest_prefix_matches(self):
        for _ in range(60):
            self.step()
        hosts = [(k[:17] + b"\0" if k[0] == 6 else k[:17] + b"\x60", False) for k in (prefix(self.dice) for _ in range(200))]
        for (host, _), hit in zip(hosts, self.entries.match(hosts)):
            holds = [k for k in self.model if k[0] == host[0] and network(host).subnet_of(network(k))]
            best = min(holds, key=lambda k: k[17], default=None)
            self.assertEqual(hit, None if best is None else (best, self.model[best]))

    def test_few_are_found_as_many_are(self):
        self.entries.insert({key(4, bytes([10, 0, i >> 8, i & 255]), 32): False for i in range(2000)}, 1)
        few, many = self.entries.locator(1), self.entries.locator(2000)
        for i in range(-3, 2003):
            wanted = key(4, bytes([10, 0, (i >> 8) & 255, i & 255]), 32)
            self.assertEqual(few(wanted), many(wanted))
            self.assertEqual(few(wanted) is not None, 0 <= i < 2000)


if __name__ == "__main__":
    unittest.main()
