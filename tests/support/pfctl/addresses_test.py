"""What pfctl takes for an address, where it surprises, and what it refuses. Recorded cases are in the transcripts as well."""

import errno
import os
import tempfile
import unittest

import texts
from addresses import BadAddress, Parser, words

INTERFACES = {"lo0": ["127.0.0.1", "::1", "fe80::1"], "em0": ["192.0.2.10"]}
HOSTS = {"mail.example": ["198.51.100.5", "2001:db8::5"]}


def parsed(word, flavour="13.2", **more):
    only_hosts = more.pop("only_hosts", False)
    return [texts.bare(*entry).strip() for entry in Parser(flavour, INTERFACES, HOSTS, **more).parse(word, only_hosts)]


class Addresses(unittest.TestCase):
    def test_reads_hosts_and_prefixes(self):
        for word, read in (("192.0.2.7", "192.0.2.7"), ("192.0.2.7/24", "192.0.2.0/24"), ("192.0.2.7/32", "192.0.2.7"),
                           ("2001:DB8::1/48", "2001:db8::/48"), ("0.0.0.0/0", "0.0.0.0/0"), ("::/0", "::/0"),
                           ("::ffff:192.0.2.1", "::ffff:192.0.2.1")):
            self.assertEqual(parsed(word), [read], word)

    def test_completes_what_is_short_one_way_with_a_length_and_another_without(self):
        for word, read in (("192.0.2", "192.0.0.2"), ("192.0.2/24", "192.0.2.0/24"), ("10", "0.0.0.10"), ("10/8", "10.0.0.0/8"),
                           ("010.0.0.1", "8.0.0.1"), ("0xc0000201", "192.0.2.1"), ("192.0.2.1/0x18", "192.0.2.0/24")):
            self.assertEqual(parsed(word), [read], word)

    def test_an_exclamation_mark_negates_and_two_do_not(self):
        self.assertEqual(parsed("!192.0.2.7"), ["!192.0.2.7"])
        self.assertEqual(parsed("!!192.0.2.7"), ["192.0.2.7"])

    def test_names_of_interfaces_groups_and_hosts_stand_for_all_their_addresses(self):
        self.assertEqual(parsed("lo0"), ["127.0.0.1", "::1", "fe80::1"])
        self.assertEqual(parsed("em"), ["192.0.2.10"])
        self.assertEqual(parsed("self"), ["127.0.0.1", "::1", "fe80::1", "192.0.2.10"])
        self.assertEqual(parsed("mail.example"), HOSTS["mail.example"])
        with self.assertRaises(BadAddress):
            parsed("mail.example", resolve=False)

    def test_a_zone_is_dropped_if_it_is_an_interface(self):
        self.assertEqual(parsed("fe80::1%lo0"), ["fe80::1"])
        with self.assertRaises(BadAddress):
            parsed("fe80::1%em9")

    def test_refuses_with_the_words_of_the_flavour(self):
        for flavour, word, text, number, crash in (
                ("13.2", "192.0.2.300", "no IP address found for 192.0.2.300\n", 0, False),
                ("15.1", "", "no IP address found for \n", 0, False),
                ("15.1", "192.0.2.1/33", "", errno.EINVAL, False),
                ("13.2", "2001:db8::/129", "invalid netmask '/129'\n", 0, False),
                ("13.2", "192.0.2.1/", "invalid netmask '/'\n", 0, False),
                ("15.1", "2001:db8::/129", "netmask is too large: /129\n", 0, True),
                ("15.1", "192.0.2.1/x", "netmask is invalid: /x\n", 0, True)):
            with self.assertRaises(BadAddress) as caught:
                parsed(word, flavour)
            self.assertEqual((caught.exception.text, caught.exception.number, caught.exception.crash), (text, number, crash), word)

    def test_only_hosts_that_are_not_negated_can_be_tested(self):
        self.assertEqual(parsed("192.0.2.1", only_hosts=True), ["192.0.2.1"])
        for word in ("192.0.2.0/24", "!192.0.2.1", "2001:db8::/64"):
            with self.assertRaises(BadAddress):
                parsed(word, only_hosts=True)


class Words(unittest.TestCase):
    @staticmethod
    def read(data, flavour="13.2", size=65536):
        with tempfile.TemporaryFile() as file:
            file.write(data)
            file.seek(0)
            return list(words(file.fileno(), flavour, lambda descriptor, _: os.read(descriptor, size)))

    def test_any_space_parts_words_and_comments_begin_one(self):
        data = b"a b\tc\r\nd # e\n#f\n\n g#h ;i j"
        self.assertEqual(self.read(data), ["a", "b", "c", "d", "g#h", ";i", "j"])
        self.assertEqual(self.read(data, "15.1"), ["a", "b", "c", "d", "g#h"])

    def test_it_does_not_matter_how_the_bytes_arrive(self):
        data = b"192.0.2.1 # one\n192.0.2.2\n192.0.2.3"
        for size in range(1, 9):
            self.assertEqual(self.read(data, size=size), ["192.0.2.1", "192.0.2.2", "192.0.2.3"])

    def test_a_word_has_at_most_255_bytes(self):
        self.assertEqual(len(self.read(b"a" * 255)[0]), 255)
        with self.assertRaises(ValueError):
            self.read(b"a" * 256)


if __name__ == "__main__":
    unittest.main()
