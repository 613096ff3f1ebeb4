"""`deferd -t`, and what a reload does with a configuration."""
import re

from fixture import BUILD, HERE, ctl_ends, deferd_ends, serving
from mta import attempt


def a_right_configuration_is_ok():
    code, said = deferd_ends("-t", "-c", HERE.parents[2] / "conf/deferd.yaml")
    assert code == 0 and said.splitlines()[-1] == "ok", said


def every_broken_configuration_is_told_in_full():
    """Those of bad-config/: the whole output is in `expected` there. A warning alone lets a configuration pass."""
    wrong = []
    cases = sorted((HERE.parent / "bad-config").iterdir())
    assert cases
    for case in cases:
        expected = (case / "expected").read_text()
        code, said = deferd_ends("-t", "-c", "deferd.yaml", cwd=case)
        said = re.sub(re.escape(f"{BUILD}/plugins; there are:") + ".*", "PLUGINS", said)
        if said != expected or code != (0 if expected.endswith("ok\n") else 78):
            wrong.append(f"{case.name}: exit {code}\n{said}expected:\n{expected}")
    assert not wrong, "\n".join(wrong)


def a_missing_configuration_is_told():
    code, said = deferd_ends("-c", "/no/such/deferd.yaml")
    assert code == 78 and said.startswith("/no/such/deferd.yaml: cannot be read: No such file"), (code, said)


def a_reload_takes_over_what_changed():
    with serving(engine="memory") as deferd:
        assert attempt(deferd.socket).startswith("451")
        deferd.write_config(plugins="  - greylist: {pass_time: 1m}\n", engine="memory")
        code, said = ctl_ends(deferd, "reload")
        assert code == 0 and said.startswith("reloaded "), said
        deferd.advance(60)
        assert attempt(deferd.socket).startswith("250")


def a_broken_file_leaves_the_former_configuration_in_force():
    with serving(engine="memory") as deferd:
        assert attempt(deferd.socket).startswith("451")
        deferd.write_config(plugins="  - greylist: {pass_time: 0s, no_such_key: 1}\n", engine="memory")
        code, said = ctl_ends(deferd, "reload")
        assert code == 65, (code, said)
        assert f"{deferd.config}:6:" in said and "unknown key 'no_such_key'" in said, said
        assert said.splitlines()[-1] == "the former configuration stays in force", said
        assert attempt(deferd.socket).startswith("451"), "pass_time is 5m as before"
        deferd.config.write_text("plugins: [")
        assert ctl_ends(deferd, "reload")[0] == 65
        assert attempt(deferd.socket).startswith("451")


def what_needs_a_restart_is_named():
    with serving(engine="memory") as deferd:
        deferd.config.write_text(deferd.config.read_text().replace("milter.sock", "other.sock"))
        code, said = ctl_ends(deferd, "reload")
        assert code == 0 and any(line.startswith("only after a restart: listen.milter") for line in said.splitlines()), said
        assert attempt(deferd.socket).startswith("451"), "the socket is the one it was"


TESTS = [a_right_configuration_is_ok, every_broken_configuration_is_told_in_full, a_missing_configuration_is_told,
         a_reload_takes_over_what_changed, a_broken_file_leaves_the_former_configuration_in_force, what_needs_a_restart_is_named]
