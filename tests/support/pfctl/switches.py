"""-e, -d, -k and -K. There is no traffic here, so no states: nothing is ever killed."""

from addresses import BadAddress, Parser


def switch(call, open_state):
    """-e, -d."""
    enable = call.options.switch == "e"
    call.open_device(writing=True)
    if not call.may_change_by_netlink() or call.privilege == "securelevel":
        call.fail(f"DIOC{'START' if enable else 'STOP'}: Operation not permitted")
    with open_state() as state:
        already = state.enabled == enable
        state.enabled = enable
    if already:
        call.fail("pf already enabled" if enable else "pf not enabled")
    if not call.options.quiet:
        call.err.append(f"pf {'enabled' if enable else 'disabled'}\n")


def kill(call):
    """-k SRC [-k DST], -k label -k NAME, -K SRC [-K DST]."""
    nodes = bool(call.options.kill_nodes)
    named = call.options.kill_nodes if nodes else call.options.kill
    call.open_device(writing=True)
    what = "src nodes" if nodes else "states"
    if named[0] in ("label", "id") and not nodes and len(named) == 2:
        message = "killed 0 states"
    else:
        parse = Parser(call.flavour, {}, call.settings.hosts).parse
        for host in named:
            try:
                parse(host)
            except BadAddress:
                call.fail("getaddrinfo: Name does not resolve")
        message = f"killed 0 {what} from 1 sources and {len(named) - 1} destinations"
    if not call.may_change_by_netlink():
        call.fail("DIOCKILLSTATES")
    if not call.options.quiet:
        call.err.append(message + "\n")
