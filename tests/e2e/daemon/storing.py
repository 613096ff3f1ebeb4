"""The store: backup and restore, damage and repair, a full disk."""
import re
import shutil

from fixture import BUILD, CLOCK, deferd_ends, serving
from mta import attempt
from support import Deferd, run, temporary_folder, wait_for


def fill(deferd, count=300):
    """Waiting mail of so many recipients, and one client that is white."""
    for number in range(count):
        assert attempt(deferd.socket, f"198.51.{number // 200}.{number % 200}", recipient=f"r{number}@example.org").startswith("451")
    deferd.advance(300)
    assert attempt(deferd.socket, "198.51.0.0", recipient="r0@example.org").startswith("250")


def content(deferd):
    return [sorted(deferd.ctl("--json", "list", table).splitlines()) for table in ("white", "grey", "trapped")]


def a_backup_of_a_running_store_is_restored_as_it_was():
    with serving() as deferd:
        fill(deferd)
        backup = deferd.folder / "backup"
        deferd.ctl("backup", str(backup))
        kept = content(deferd)
        attempt(deferd.socket, "203.0.113.7")
        assert content(deferd) != kept
        code, said = deferd_ends("--restore", backup, "-c", deferd.config, *CLOCK)
        assert code != 0 and "db" in said, "a store that is there is not overwritten"
        deferd.stop()
        (deferd.folder / "db").rename(deferd.folder / "db.old")
        code, said = deferd_ends("--restore", backup, "-c", deferd.config, *CLOCK)
        assert code == 0 and said.startswith("restored "), (code, said)
        deferd.start()
        assert content(deferd) == kept
        assert attempt(deferd.socket, "198.51.0.0", "other@example.net").startswith("250")


def a_second_backup_adds_what_is_new():
    with serving() as deferd:
        fill(deferd, 5)
        backup = deferd.folder / "backup"
        deferd.ctl("backup", str(backup))
        attempt(deferd.socket, "203.0.113.7")
        deferd.ctl("backup", str(backup))
        kept = content(deferd)
        deferd.stop()
        shutil.rmtree(deferd.folder / "db")
        assert deferd_ends("--restore", backup, "-c", deferd.config, *CLOCK)[0] == 0
        deferd.start()
        assert content(deferd) == kept


def a_healthy_store_is_checked():
    with serving() as deferd:
        fill(deferd, 20)
        code, said = deferd_ends("--check-store", "-c", deferd.config, *CLOCK)
        assert code == 69 and "in use by another process" in said, (code, said)
        deferd.stop()
        code, said = deferd_ends("--check-store", "-c", deferd.config, *CLOCK)
        assert code == 0 and said.rstrip().endswith(" 0 problems") and "1 table rows" in said, (code, said)


def a_damaged_store_is_told_and_repaired():
    with serving() as deferd:
        fill(deferd)
        deferd.stop()
        deferd.start()  # what the log held is in table files now
        attempt(deferd.socket, "203.0.113.7")
        deferd.stop()
        largest = max((deferd.folder / "db").glob("*.sst"), key=lambda file: file.stat().st_size)
        with open(largest, "r+b") as file:
            file.truncate(largest.stat().st_size // 2)

        code, said = deferd_ends("-c", deferd.config, *CLOCK)
        assert code == 69 and "is damaged" in said and "deferd --repair-store" in said, (code, said)
        code, said = deferd_ends("--check-store", "-c", deferd.config, *CLOCK)
        assert code == 65 and f"remedy: deferd --repair-store -c {deferd.config}" in said, (code, said)
        code, said = deferd_ends("--repair-store", "-c", deferd.config, *CLOCK)
        assert code == 0, (code, said)
        code, said = deferd_ends("--check-store", "-c", deferd.config, *CLOCK)
        assert code == 0, (code, said)
        deferd.start()
        assert attempt(deferd.socket, "203.0.113.8").startswith("451")
        deferd.advance(300)
        assert attempt(deferd.socket, "203.0.113.8").startswith("250")


def mail_flows_while_the_disk_is_full():
    with temporary_folder() as folder:
        (folder / "db").mkdir()
        run("mount", "-t", "tmpfs", "-o", "size=64m", "small", str(folder / "db"))
        try:
            with Deferd(BUILD, folder, plugins="  - greylist: {quota: {burst: 0}}\n") as deferd:
                assert attempt(deferd.socket).startswith("451")
                ballast = folder / "db/ballast"
                with open(ballast, "wb", buffering=0) as file:
                    try:
                        while file.write(b"x" * 4096):
                            pass
                    except OSError:
                        pass
                tries = 0
                while attempt(deferd.socket, recipient=f"r{tries}@example.org").startswith("451"):
                    tries += 1
                    if tries % 50 == 0:
                        deferd.advance(1)  # the room left is looked at when the clock moves on
                    assert tries < 5000, "the disk is full, and strangers are still deferred"
                deferd.advance(1)
                wait_for(lambda: re.search("error store.failed .*disk full", deferd.log()), "the log to say so")
                assert "disk full" in deferd.ctl("status")
                assert attempt(deferd.socket, "203.0.113.1").startswith("250")
                kept = len(deferd.ctl_rows("list", "grey"))
                assert kept >= tries, f"told {tries}, kept {kept}"
                ballast.unlink()

                def deferred_again():
                    deferd.advance(1)
                    return attempt(deferd.socket, "203.0.113.2").startswith("451")

                wait_for(deferred_again, "strangers to be deferred again", 60)
                wait_for(lambda: "store.recovered" in deferd.log(), "the log to say so")
                assert "disk full" not in deferd.ctl("status")
        finally:
            run("umount", "--lazy", str(folder / "db"))


TESTS = [a_backup_of_a_running_store_is_restored_as_it_was, a_second_backup_adds_what_is_new, a_healthy_store_is_checked,
         a_damaged_store_is_told_and_repaired, mail_flows_while_the_disk_is_full]
