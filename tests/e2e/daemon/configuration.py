"""`deferd -t`, and what a reload does with a configuration."""
import re

from fixture import BUILD, HERE, ctl_ends, deferd_ends, serving
from mta import Mta, attempt


def listen(deferd, *sockets):
    """Writes them into the configuration."""
    deferd.config.write_text(re.sub("^listen: .*$", f"listen: {{milter: {list(sockets)}}}", deferd.config.read_text(), flags=re.MULTILINE))


def a_right_configuration_is_ok():
    code, said = deferd_ends("-t", "-c", HERE.parents[2] / "conf/quickstart.yaml")
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
        deferd.config.write_text(deferd.config.read_text().replace("control.sock", "other.sock"))
        code, said = ctl_ends(deferd, "reload")
        assert code == 0 and "only after a restart: control" in said.splitlines(), said
        assert deferd.ctl("status"), "the socket is the one it was"


def several_milter_sockets_are_served():
    with serving(engine="memory") as deferd:
        listen(deferd, deferd.socket, f"unix:{deferd.folder}/second.sock", "inet:8891@127.0.0.1", "inet6:8891@::1")
        assert ctl_ends(deferd, "reload")[0] == 0
        recipients = iter(range(10))
        for where in (deferd.socket, f"unix:{deferd.folder}/second.sock", ("127.0.0.1", 8891), ("::1", 8891)):
            assert attempt(where, recipient=f"r{next(recipients)}@example.org").startswith("451"), where
        status = deferd.ctl("status")
        assert "second.sock" in status and "inet6:8891@::1" in status, status


def a_reload_moves_the_milter_to_another_socket():
    with serving(engine="memory") as deferd, Mta(deferd.socket) as connected:
        connected.begin("192.0.2.7")
        listen(deferd, f"unix:{deferd.folder}/other.sock")
        code, said = ctl_ends(deferd, "reload")
        assert code == 0 and "restart" not in said, said
        assert attempt(f"unix:{deferd.folder}/other.sock").startswith("451")
        assert not (deferd.folder / "milter.sock").exists()
        connected.mail("a@example.net")
        assert connected.rcpt("other@example.org").startswith("451"), "who is connected stays so"


def a_socket_that_cannot_be_opened_leaves_the_former_configuration_in_force():
    with serving(engine="memory") as deferd:
        listen(deferd, f"unix:{deferd.folder}/none/milter.sock")
        code, said = ctl_ends(deferd, "reload")
        assert code == 65 and "none/milter.sock" in said, (code, said)
        assert said.splitlines()[-1] == "the former configuration stays in force", said
        assert attempt(deferd.socket).startswith("451")


TESTS = [a_right_configuration_is_ok, every_broken_configuration_is_told_in_full, a_missing_configuration_is_told,
         a_reload_takes_over_what_changed, a_broken_file_leaves_the_former_configuration_in_force, what_needs_a_restart_is_named,
         several_milter_sockets_are_served, a_reload_moves_the_milter_to_another_socket,
         a_socket_that_cannot_be_opened_leaves_the_former_configuration_in_force]
