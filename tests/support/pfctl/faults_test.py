"""Each fault that the stand-in can be told does what faults.py says, and no more."""

import fcntl
import os
import pathlib
import subprocess
import tempfile
import unittest

PFCTL = str(pathlib.Path(__file__).resolve().with_name("pfctl.py"))


class StandIn:
    """A stand-in with a table `w` that holds 192.0.2.1, or with an empty folder."""

    def __init__(self, test, flavour="15.1", empty=False):
        folder = tempfile.TemporaryDirectory(prefix="pfctl-faults-")
        test.addCleanup(folder.cleanup)
        self.folder, self.flavour = pathlib.Path(folder.name), flavour
        if not empty:
            self("-t", "w", "-T", "add", "192.0.2.1")

    def start(self, *words, fault=None):
        environment = {"PATH": os.environ["PATH"], "PFCTL_STATE": str(self.folder), "PFCTL_FLAVOUR": self.flavour}
        if fault:
            environment["PFCTL_FAULT"] = fault
        return subprocess.Popen([PFCTL, *words], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True)

    def __call__(self, *words, fault=None, text=""):
        """(exit status or minus a signal, stdout, stderr)."""
        process = self.start(*words, fault=fault)
        out, err = process.communicate(text, timeout=60)
        return process.returncode, out, err

    def tell(self, *lines):
        (self.folder / "faults").write_text("".join(line + "\n" for line in lines))

    def table(self):
        return self("-t", "w", "-T", "show")[1].split()

    def add(self, *words, **more):
        return self("-t", "w", "-T", "add", *words, **more)


class Faults(unittest.TestCase):
    def test_no_permission_fails_before_any_work(self):
        pf = StandIn(self)
        self.assertEqual(pf.add("192.0.2.2", fault="permission"), (1, "", "pfctl: /dev/pf: Permission denied\n"))
        self.assertEqual(pf.table(), ["192.0.2.1"])

    def test_a_missing_device_fails(self):
        pf = StandIn(self)
        self.assertEqual(pf.add("192.0.2.2", fault="no-device"), (1, "", "pfctl: /dev/pf: No such file or directory\n"))

    def test_a_table_that_was_removed_is_missing_for_delete_and_made_by_add(self):
        pf = StandIn(self)
        self.assertEqual(pf("-t", "w", "-T", "delete", "192.0.2.1", fault="missing-table"),
                         (255, "", "pfctl: Table does not exist.\n"))
        pf = StandIn(self)
        self.assertEqual(pf.add("192.0.2.2", fault="missing-table"), (0, "", "1 table created.\n1/1 addresses added.\n"))
        self.assertEqual(pf.table(), ["192.0.2.2"])

    def test_without_memory_nothing_is_added_and_deleting_goes_on(self):
        for flavour, dot in (("13.2", "."), ("15.1", "")):
            pf = StandIn(self, flavour)
            self.assertEqual(pf.add("192.0.2.2", fault="no-memory"), (255, "", f"pfctl: Cannot allocate memory{dot}\n"))
            self.assertEqual(pf("-t", "w", "-T", "delete", "192.0.2.1", fault="no-memory")[0], 0)
            self.assertEqual(pf.table(), [])

    def test_too_many_addresses_are_refused_in_the_words_of_the_flavour(self):
        for flavour, words in (("13.2", "Unknown error: -1."), ("15.1", "Anchor does not exist.")):
            pf = StandIn(self, flavour)
            replaced = pf("-t", "w", "-T", "replace", "-f", "-", text="192.0.2.2\n", fault="too-many")
            self.assertEqual(replaced, (255, "", f"pfctl: {words}\n"))

    def test_limits_are_those_of_the_settings(self):
        pf = StandIn(self)
        (pf.folder / "settings").write_text("table-entries 3\nrequest-maxcount 2\n")
        self.assertEqual(pf.add("192.0.2.2", "192.0.2.3", "192.0.2.4")[0], 255)
        self.assertEqual(pf.table(), ["192.0.2.1"])
        self.assertEqual(pf("-t", "w", "-T", "replace", "192.0.2.2")[0], 255)  # pfctl asks with room for 64
        self.assertEqual(pf.add("192.0.2.2", "192.0.2.3")[0], 0)

    def test_a_fault_lasts_as_long_as_it_is_told(self):
        pf = StandIn(self)
        pf.tell("# twice for add", "permission on=add times=2")
        statuses = [pf.add("192.0.2.2")[0], pf("-t", "w", "-T", "test", "192.0.2.1")[0], pf.add("192.0.2.2")[0],
                    pf.add("192.0.2.2")[0]]
        self.assertEqual(statuses, [1, 0, 1, 0])

    def test_hanging_ends_by_itself_and_comes_before_or_after_the_work(self):
        pf = StandIn(self)
        self.assertEqual(pf.add("192.0.2.2", fault="hang seconds=0.01")[0], 70)
        self.assertEqual(pf.table(), ["192.0.2.1"])
        self.assertEqual(pf.add("192.0.2.2", fault="hang seconds=0.01 when=after")[0], 70)
        self.assertEqual(pf.table(), ["192.0.2.1", "192.0.2.2"])

    def test_a_hanging_call_keeps_nobody_else_waiting_and_can_be_killed(self):
        pf = StandIn(self)
        hung = pf.start("-t", "w", "-T", "add", "192.0.2.2", fault="hang")
        self.assertEqual(pf.add("192.0.2.3")[0], 0)
        hung.kill()
        hung.communicate(timeout=60)
        self.assertEqual(hung.returncode, -9)
        self.assertEqual(pf.table(), ["192.0.2.1", "192.0.2.3"])

    def test_a_slow_reader_gets_it_all(self):
        pf = StandIn(self, empty=True)
        given = "".join(f"192.0.2.{i}\n" for i in range(40))
        added = pf.add("-f", "-", text=given, fault="slow-stdin bytes=16 pause=0.001")
        self.assertEqual(added, (0, "", "1 table created.\n40/40 addresses added.\n"))

    def test_early_exit_breaks_the_pipe(self):
        pf = StandIn(self)
        process = pf.start("-t", "w", "-T", "add", "-f", "-", fault="early-exit bytes=100 status=1")
        with self.assertRaises(BrokenPipeError):
            for _ in range(100000):
                os.write(process.stdin.fileno(), b"192.0.2.2\n" * 100)
        process.communicate(timeout=60)
        self.assertEqual(process.returncode, 1)
        self.assertEqual(pf.table(), ["192.0.2.1"])

    def test_half_the_output_ends_within_a_line(self):
        pf = StandIn(self)
        pf.add("192.0.2.2")
        self.assertEqual(pf("-t", "w", "-T", "show", fault="half-output"), (0, "   192.0.2.1\n", ""))
        pf.add("192.0.2.3")
        self.assertEqual(pf("-t", "w", "-T", "show", fault="half-output status=3"), (3, "   192.0.2.1\n   192", ""))

    def test_death_by_signal_comes_before_or_after_the_work(self):
        pf = StandIn(self)
        self.assertEqual(pf.add("192.0.2.2", fault="signal"), (-9, "", ""))
        self.assertEqual(pf.table(), ["192.0.2.1"])
        self.assertEqual(pf.add("192.0.2.2", fault="signal number=15 when=after")[0], -15)
        self.assertEqual(pf.table(), ["192.0.2.1", "192.0.2.2"])

    def test_failing_tells_nothing_of_whether_the_work_was_done(self):
        pf = StandIn(self)
        before = pf.add("192.0.2.2", fault="fail-before")
        self.assertEqual(pf.table(), ["192.0.2.1"])
        after = pf.add("192.0.2.2", fault="fail-after")
        self.assertEqual(pf.table(), ["192.0.2.1", "192.0.2.2"])
        self.assertEqual(before, (255, "", "pfctl: Operation not permitted\n"))
        self.assertEqual(before, after)

    def test_a_lie_changes_nothing(self):
        pf = StandIn(self)
        self.assertEqual(pf.add("192.0.2.2", fault="lie"), (0, "", "1/1 addresses added.\n"))
        self.assertEqual(pf("-t", "w", "-T", "kill", fault="lie")[0], 0)
        self.assertEqual(pf.table(), ["192.0.2.1"])

    def test_random_statuses_are_the_same_for_the_same_seed(self):
        def statuses(seed):
            pf = StandIn(self)
            return [pf.add("192.0.2.2", fault=f"random-status seed={seed} rate=0.5")[0] for _ in range(8)]
        first = statuses(1)
        self.assertEqual(first, statuses(1))
        self.assertIn(0, first)
        self.assertGreater(len(set(first)), 1)

    def test_a_random_status_is_never_the_true_one(self):
        pf = StandIn(self)
        for _ in range(4):
            self.assertIn(pf.add("192.0.2.2", fault="random-status rate=1")[0], (1, 2, 255))
        self.assertEqual(pf.table(), ["192.0.2.1", "192.0.2.2"])

    def test_what_cannot_be_read_is_not_taken_for_a_failure_of_pfctl(self):
        pf = StandIn(self)
        self.assertEqual(pf.add("192.0.2.2", fault="earthquake")[0], 70)
        self.assertEqual(pf.add("192.0.2.2", fault="permission seconds=1")[0], 70)
        (pf.folder / "settings").write_text("tabel-entries 3\n")
        self.assertEqual(pf.add("192.0.2.2")[0], 70)


class Calls(unittest.TestCase):
    def test_each_call_is_written_down(self):
        pf = StandIn(self)
        pf("-q", "-t", "w", "-T", "replace", "-f", "-", text="192.0.2.2 192.0.2.3\n")
        pf.add("2001:db8::/129")
        self.assertEqual((pf.folder / "calls").read_text().splitlines(), [
            "0\t1\t-t\tw\t-T\tadd\t192.0.2.1", "0\t2\t-q\t-t\tw\t-T\treplace\t-f\t-", "-11\t0\t-t\tw\t-T\tadd\t2001:db8::/129"])

    def test_a_call_waits_for_the_one_that_is_at_work(self):
        pf = StandIn(self)
        with open(pf.folder / "lock", "w", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            waiting = pf.start("-t", "w", "-T", "add", "192.0.2.2")
            with self.assertRaises(subprocess.TimeoutExpired):
                waiting.communicate(timeout=0.5)
        self.assertEqual(waiting.communicate(timeout=60)[1], "1/1 addresses added.\n")

    def test_calls_at_the_same_time_lose_nothing(self):
        pf = StandIn(self, empty=True)
        calls = [pf.start("-t", "w", "-T", "add", f"192.0.2.{i}") for i in range(6)]
        self.assertEqual([call.communicate(timeout=60)[1].splitlines()[-1] for call in calls], ["1/1 addresses added."] * 6)
        self.assertEqual(pf.table(), [f"192.0.2.{i}" for i in range(6)])


if __name__ == "__main__":
    unittest.main()
