"""What end-to-end tests share: a namespace of their own, deferd, an SMTP client that may claim any address, a sink for mail.

Every test program begins with `enter_namespace()`: it runs in a network namespace with nothing but loopback, so that no packet leaves,
and in a mount and host name namespace, so that files of the system can be replaced. All that it starts it ends, by pid.
"""
import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import socketserver
import subprocess
import sys
import tempfile
import threading
import time

SKIPPED = 77  # ctest's SKIP_RETURN_CODE


def skip(reason):
    print("skipped:", reason)
    sys.exit(SKIPPED)


def need(*programs):
    for program in programs:
        if not shutil.which(program, path=os.environ["PATH"] + ":/usr/sbin:/sbin"):
            skip(f"{program} is not installed")


def enter_namespace(named=False):
    """Starts this program again in namespaces of its own; returns in the new one. `named`: it will make further ones by name."""
    if os.environ.get("DEFERD_E2E_NAMESPACE"):
        run("ip", "link", "set", "lo", "up")
        pathlib.Path("/run/deferd-e2e").mkdir(exist_ok=True)
        return
    if os.geteuid() != 0:
        skip("needs root for namespaces of its own and an MTA")
    need("unshare", "ip")
    os.environ["DEFERD_E2E_NAMESPACE"] = "1"
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    # In a chroot the mount that / is on cannot be named, and so not be made private.
    mounts = pathlib.Path("/proc/self/mountinfo").read_text().splitlines()
    in_chroot = all(line.split()[4] != "/" for line in mounts)
    if named and in_chroot:
        skip("ip-netns(8) cannot work in a chroot")
    propagation = "unchanged" if in_chroot else "private"
    os.execvp("unshare", ["unshare", "--net", "--uts", "--mount", "--propagation", propagation, sys.executable, *sys.argv])


def run(*command, check=True, **kwargs):
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120, **kwargs)
    if check and result.returncode != 0:
        raise AssertionError(f"{' '.join(command)}: exit {result.returncode}\n{result.stdout}")
    return result.stdout


def wait_for(condition, what, seconds=20):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(0.02)
    raise AssertionError(f"waited {seconds} s for {what}")


@contextlib.contextmanager
def temporary_folder():
    """A folder that other users may enter (an MTA's, for the socket), not below /tmp, which Sendmail distrusts."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="deferd-e2e-", dir="/var/lib"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class Deferd:
    """A deferd of the build under test, with its store, sockets and log in `folder`."""

    PLUGINS = "  - greylist: {pass_time: 5m}\n"

    def __init__(self, build, folder, plugins=PLUGINS, settings="", engine="rocksdb", testing_clock="2026-01-01T00:00:00Z", listen=None):
        self.bin = pathlib.Path(build) / "bin"
        self.folder = folder
        self.control = folder / "control.sock"
        self.socket = listen or f"unix:{folder}/milter.sock"
        self.config = folder / "deferd.yaml"
        self.log_path = folder / "deferd.log"
        self.testing_clock = testing_clock
        self.process = None
        self.write_config(plugins, settings, engine)

    def write_config(self, plugins=PLUGINS, settings="", engine="rocksdb"):
        self.config.write_text(
            f"store: {{engine: {engine}, path: {self.folder}/db}}\n"
            f"listen: {{milter: ['{self.socket}']}}\n"
            "milter: {socket_mode: '0666'}\n"
            f"control: {{socket: {self.control}}}\n"
            f"{settings}plugins:\n{plugins}")

    def start(self):
        command = [self.bin / "deferd", "-c", self.config]
        if self.testing_clock:
            command += ["--testing-clock", self.testing_clock]
        before = self.log().count("deferd.ready")
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        wait_for(lambda: self.log().count("deferd.ready") > before or self.process.poll() is not None, "deferd to be ready")
        if self.process.poll() is not None:
            raise AssertionError("deferd ended:\n" + self.log())
        return self

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def advance(self, seconds):
        """Moves the testing clock; a restart keeps the moved time."""
        body = json.dumps({"advance": seconds}).encode()
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(10)
            connection.connect(str(self.control))
            connection.sendall(b"POST /v1/testing/clock HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n"
                               b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
            answer = b""
            while chunk := connection.recv(65536):
                answer += chunk
        assert b" 200 " in answer.split(b"\r\n")[0], answer
        self.testing_clock = json.loads(answer.split(b"\r\n\r\n", 1)[1])["time"]

    def ctl(self, *words, check=True):
        return run(str(self.bin / "deferctl"), "-s", str(self.control), *words, check=check)

    def ctl_rows(self, *words):
        return [json.loads(line) for line in self.ctl("--json", *words).splitlines()]

    def signal(self, number):
        self.process.send_signal(number)

    def reload(self):
        """By SIGHUP; what the log says from then on."""
        before = len(self.log())
        self.signal(signal.SIGHUP)
        wait_for(lambda: re.search("reload.(done|refused)", self.log()[before:]), "the reload")
        return self.log()[before:]

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
        if self.process:
            self.process.wait(10)

    def stop(self):
        """SIGTERM; returns how long it took."""
        begin = time.monotonic()
        self.signal(signal.SIGTERM)
        assert self.process.wait(20) == 0, self.log()
        return time.monotonic() - begin

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.kill()
            raise

    def __exit__(self, *exception):
        if exception[0]:
            print("---- deferd's log\n" + self.log()[-4000:])
        self.kill()


class SmtpClient:
    """One SMTP session, line by line."""

    def __init__(self, port, host="127.0.0.1"):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.socket = socket.socket(family)
        self.socket.settimeout(30)
        self.socket.connect((host, port))
        self.file = self.socket.makefile("rwb")
        self.read()

    def read(self):
        lines = []
        while True:
            line = self.file.readline().decode(errors="replace").rstrip("\r\n")
            lines.append(line)
            if len(line) < 4 or line[3] != "-":
                return "\n".join(lines)

    def say(self, line):
        self.file.write(line.encode() + b"\r\n")
        self.file.flush()
        return self.read()

    def begin(self, client, helo="mx.example.net", name=None):
        """EHLO as the client at that address."""
        self.say("EHLO test")
        if client:
            address = "IPV6:" + client if ":" in client else client
            answer = self.say(f"XCLIENT ADDR={address} NAME={name or '[UNAVAILABLE]'}")
            assert answer.startswith("220"), answer
        assert self.say("EHLO " + helo).startswith("250")

    def message(self, sender, recipients, text="Subject: test\r\n\r\ntest\r\n"):
        """MAIL to the final dot; the replies to each RCPT and to the dot (None if it did not come to that)."""
        answer = self.say(f"MAIL FROM:<{sender}>")
        assert answer.startswith("250"), answer
        replies = [self.say(f"RCPT TO:<{recipient}>") for recipient in recipients]
        if not any(reply.startswith("250") for reply in replies):
            return replies, None
        answer = self.say("DATA")
        if not answer.startswith("354"):
            return replies, answer
        return replies, self.say(text.replace("\n.", "\n..") + "\r\n.")

    def quit(self):
        with contextlib.suppress(OSError):
            self.say("QUIT")
        self.file.close()
        self.socket.close()


def deliver(port, client, sender, recipients, **kwargs):
    smtp = SmtpClient(port)
    try:
        smtp.begin(client, **kwargs)
        return smtp.message(sender, recipients)
    finally:
        smtp.quit()


class Sink:
    """An SMTP server that takes all mail and keeps it in memory."""

    def __init__(self):
        self.messages = []
        sink = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                with contextlib.suppress(ConnectionError):
                    self.talk()

            def talk(self):
                self.wfile.write(b"220 sink ESMTP\r\n")
                recipients = []
                while line := self.rfile.readline():
                    verb = line.strip().upper()
                    if verb == b"DATA":
                        self.wfile.write(b"354 go on\r\n")
                        text = b""
                        while (part := self.rfile.readline()) not in (b".\r\n", b""):
                            text += part
                        sink.messages.append((recipients, text.decode(errors="replace")))
                        recipients = []
                        self.wfile.write(b"250 taken\r\n")
                    elif verb == b"QUIT":
                        self.wfile.write(b"221 bye\r\n")
                        return
                    else:
                        if verb.startswith(b"RCPT TO:"):
                            recipients.append(line.split(b"<")[1].split(b">")[0].decode())
                        self.wfile.write(b"250 ok\r\n")

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True

        self.server = Server(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Postfix:
    """An instance of its own on an unprivileged port, relaying to a sink."""

    PORT = 2525

    def __init__(self, folder, milter, sink_port, default_action="accept", extra=""):
        need("postfix")
        self.folder = folder
        self.etc = folder / "etc"
        self.log_path = folder / "postfix.log"
        self.etc.mkdir()
        for name in ("queue", "data"):
            (folder / name).mkdir()
        shutil.chown(folder / "data", "postfix")
        (self.etc / "main.cf").write_text(f"""compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
maillog_file = {self.log_path}
maillog_file_prefixes = {folder}
myhostname = mx.example.org
mydestination =
local_recipient_maps =
relay_domains = example.org
relay_recipient_maps = regexp:{folder}/etc/recipients
relay_transport = relay:[127.0.0.1]:{sink_port}
smtpd_recipient_restrictions = reject_unauth_destination
smtpd_milters = {milter}
milter_default_action = {default_action}
milter_protocol = 6
milter_connect_timeout = 10s
smtpd_peername_lookup = no
smtpd_authorized_xclient_hosts = 127.0.0.0/8, [::1]
smtpd_client_connection_count_limit = 0
smtp_dns_support_level = disabled
default_process_limit = 100
inet_protocols = all
{extra}
""")
        (self.etc / "recipients").write_text("/^(known|r[0-9a-z]*)@example\\.org$/ ok\n")
        services = ["cleanup unix n - n - 0 cleanup", "qmgr unix n - n 300 1 qmgr", "rewrite unix - - n - - trivial-rewrite",
                    "bounce unix - - n - 0 bounce", "defer unix - - n - 0 bounce", "trace unix - - n - 0 bounce",
                    "proxymap unix - - n - - proxymap", "error unix - - n - - error", "retry unix - - n - - error",
                    "discard unix - - n - - discard", "anvil unix - - n - 1 anvil", "tlsmgr unix - - n 1000? 1 tlsmgr",
                    "relay unix - - n - - smtp", "smtp unix - - n - - smtp", "postlog unix-dgram n - n - 1 postlogd",
                    f"127.0.0.1:{self.PORT} inet n - n - - smtpd"]
        (self.etc / "master.cf").write_text("\n".join(services) + "\n")

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def __enter__(self):
        run("postfix", "-c", str(self.etc), "start")
        return self

    def __exit__(self, *exception):
        if exception[0]:
            print("---- Postfix's log\n" + self.log()[-4000:])
        run("postfix", "-c", str(self.etc), "stop", check=False)


def play(tests, *arguments):
    """Runs each test; a closing line for people, the exit code for ctest."""
    failed = 0
    for test in tests:
        try:
            test(*arguments)
            print(f"ok    {test.__name__}", flush=True)
        except Exception:  # every kind is a failure of that test
            failed += 1
            import traceback
            print(f"FAIL  {test.__name__}\n{traceback.format_exc()}", flush=True)
    print(f"{len(tests) - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)
