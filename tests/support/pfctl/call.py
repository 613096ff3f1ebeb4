"""One call of pfctl: what it was asked, what it has said so far, and how it ends."""

import errno
import os
import stat
import sys

import texts

DEVICE = "/dev/pf"


class Exit(Exception):
    """pfctl ends with `status`; a negative one is death by that signal."""

    def __init__(self, status):
        super().__init__(status)
        self.status = status


def not_implemented(what):
    """The stand-in is strict: it never guesses what pfctl would do."""
    sys.stderr.write(f"pfctl stand-in: not implemented: {what}\n")
    raise Exit(70)


class Call:
    """`options` are those of arguments.py, `privilege` is PFCTL_PRIVILEGE:

    root        may do all                        securelevel   root, but at securelevel 3
    group-rw    may open the device for writing   group-ro      may open it for reading
    inherited   may not, but has /dev/fd/N open   none          may not
    """

    def __init__(self, flavour, options, settings, privilege, now):
        self.flavour, self.options, self.settings, self.privilege, self.now = flavour, options, settings, privilege, now
        self.out, self.err = [], []
        self.given = 0       # addresses on the command line and in the file
        self.dummy = False   # -n: the kernel is asked, and does nothing
        self.read = os.read  # how files of addresses are read

    @property
    def verbose(self):
        return self.options.verbose

    def say(self, text):
        """A message on stderr, of the kind that -q silences."""
        if not self.options.quiet:
            ending = " (dummy).\n" if self.dummy else " (syntax only).\n" if self.options.no_action else ".\n"
            self.err.append(text + ending)

    def warn(self, text):
        self.err.append(f"pfctl: {text}\n")

    def fail(self, text, status=1):
        self.warn(text)
        raise Exit(status)

    def usage(self):
        self.err.append(texts.usage(self.flavour))
        raise Exit(1)

    def open_device(self, writing):
        """Opens the device as pfctl does before any work, or ends."""
        path, number = self.options.device, 0
        writing = writing and not self.options.no_action
        if path.startswith("/dev/fd/") and self.privilege == "inherited":
            pass
        elif path != DEVICE:
            self._open_other(path, writing)
        elif self.privilege in ("none", "inherited") or self.privilege == "group-ro" and writing:
            number = errno.EACCES
        elif self.privilege == "no-device":
            number = errno.ENOENT
        if self.options.no_action:
            if number:
                not_implemented("-n without access to the device")
            self.dummy = True
        elif number:
            self.fail(f"{path}: {texts.STRERROR[number]}")
        if self.flavour == "15.1" and self.privilege == "group-ro":
            self.fail("Failed to open netlink: Permission denied")
        if self.verbose and not self.settings.altq:
            self.err.append(texts.ALTQ)

    def _open_other(self, path, writing):
        """Any file but the device: it is opened, and knows nothing of packet filters."""
        try:
            if stat.S_ISDIR(os.stat(path).st_mode) and writing:
                self.fail(f"{path}: Is a directory")
        except OSError as error:
            self.fail(f"{path}: {texts.STRERROR.get(error.errno, os.strerror(error.errno))}")
        self.fail("DIOCGETALTQS: Inappropriate ioctl for device")

    def may_change_by_netlink(self):
        """15.1 sends some changes by netlink, which wants more than an open device."""
        return self.flavour == "13.2" or self.privilege == "root"
