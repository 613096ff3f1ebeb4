"""What the tests of this folder share: a deferd in a folder, and deferd run to its end."""
import contextlib
import os
import pathlib
import shutil
import subprocess

from support import Deferd, temporary_folder

BUILD = pathlib.Path(os.environ["DEFERD_BUILD"])
HERE = pathlib.Path(__file__).resolve().parent
CLOCK = ("--testing-clock", "2026-01-01T00:00:00Z")


@contextlib.contextmanager
def serving(**options):
    with temporary_folder() as folder, Deferd(BUILD, folder, **options) as deferd:
        yield deferd


def deferd_ends(*arguments, cwd=None, environment=None):
    """Its exit code and all that it said."""
    done = subprocess.run([BUILD / "bin/deferd", *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60,
                          cwd=cwd, env=environment)
    return done.returncode, done.stdout


def ctl_ends(deferd, *words):
    done = subprocess.run([BUILD / "bin/deferctl", "-s", deferd.control, *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, timeout=60)
    return done.returncode, done.stdout


def folder_of_nobody(folder):
    place = folder / "nobody"
    place.mkdir()
    shutil.chown(place, "nobody", "nogroup")
    return place
