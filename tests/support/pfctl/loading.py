"""Loads the addresses that a table command is given. One bad word spoils the call, and what follows it is not even read."""

import errno
import os

import texts
from addresses import BadAddress, Parser, words
from call import Exit


def load(call, only_hosts):
    """The list of (key, negated): addresses of the command line, then those of the file. Ends the call at the first bad one."""
    o, s = call.options, call.settings
    parse, given = Parser(call.flavour, s.interfaces, s.hosts, o.resolve).parse, []

    def bad(error, what):
        call.err.append(error.text)
        if error.crash:
            raise Exit(-11)
        if what:
            call.warn(what + texts.STRERROR[error.number])
        raise Exit(255)

    for word in o.words:
        try:
            given += parse(word, only_hosts)
        except BadAddress as error:
            bad(error, f"cannot decode {word}: " if error.number else "")
    if o.file is None:
        return given
    try:
        given += load_file(call, o.file, only_hosts)
    except OSError as error:
        call.fail(f"cannot load {o.file}: {texts.STRERROR.get(error.errno, os.strerror(error.errno))}", 255)
    except BadAddress as error:
        bad(error, f"cannot load {o.file}: ")
    return given


def load_file(call, path, only_hosts):
    """The same of one file, `-` being standard input. Raises OSError, BadAddress."""
    parse, given = Parser(call.flavour, call.settings.interfaces, call.settings.hosts, call.options.resolve).parse, []
    descriptor = 0 if path == "-" else os.open(path, os.O_RDONLY)
    try:
        for word in words(descriptor, call.flavour, call.read):
            given += parse(word, only_hosts)
    except ValueError as error:
        raise BadAddress(number=errno.EINVAL) from error
    finally:
        if descriptor:
            os.close(descriptor)
    return given
