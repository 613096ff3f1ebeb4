#!/usr/bin/env python3
"""run.py BUILD_DIR: the MTA's side of the protocol as miltertest(8) plays it, by the Lua scripts of this folder."""
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from support import Deferd, enter_namespace, need, play, run, temporary_folder

enter_namespace()
need("miltertest")
BUILD = sys.argv[1]

# Verdicts by the recipient's local part; who is named nothing here meets the greylist.
PLUGINS = """
  - rules:
      rules:
        - {to: [ok@], do: accept}
        - {to: [defer@], do: defer, reply: {code: 450, enhanced: 4.2.1, text: "Not now"}}
        - {to: [reject@], do: reject}
  - greylist: {pass_time: 5m}
"""


def tell(deferd, script):
    """miltertest fails without a word unless the script says why."""
    whole = deferd.folder / "script.lua"
    whole.write_text((HERE / "lib.lua").read_text() + (HERE / f"{script}.lua").read_text())
    run("miltertest", "-w", "-D", f"socket={deferd.socket}", "-s", str(whole))
    assert deferd.process.poll() is None, "deferd has ended"


def scripts(*names, between=lambda deferd: None):
    with temporary_folder() as folder, Deferd(BUILD, folder, plugins=PLUGINS, engine="memory") as deferd:
        for name in names:
            tell(deferd, name)
            between(deferd)
        assert "milter.fault" not in deferd.log(), deferd.log()
        assert deferd.stop() < 10


def commands_may_come_in_any_order():
    scripts("orders")


def a_connection_carries_many_messages():
    scripts("messages")


def macros_may_be_there_or_missing_or_strange():
    scripts("macros")


def older_mtas_are_served():
    scripts("old_mta")


def a_stranger_is_deferred_and_let_in_with_the_header():
    scripts("greylist_first", "greylist_retry", between=lambda deferd: deferd.advance(300))


play([commands_may_come_in_any_order, a_connection_carries_many_messages, macros_may_be_there_or_missing_or_strange,
      older_mtas_are_served, a_stranger_is_deferred_and_let_in_with_the_header])
