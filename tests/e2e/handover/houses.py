"""The houses around deferd: a Postfix that sends, deferd in front, a Postfix behind that receives. Addresses are aliases of loopback
in the test's own network namespace, so that each side sees the other's."""
import collections
import contextlib
import os
import pathlib
import re
import shutil
import signal
import socket
import socketserver
import ssl
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import Deferd, need, run, temporary_folder, wait_for

CLIENTS = [f"198.51.100.{number}" for number in range(1, 9)]  # what the sending Postfix comes from
FRONT, FRONT_PORT = "203.0.113.25", 25                        # deferd
PLAIN, PROXIED = 2600, 2610                                   # the receiving Postfix: an ordinary port, one for PROXY headers
SUBMIT, SINK = 2700, 2800                                     # where the sending Postfix takes mail, and where all of it ends

SERVICES = ["cleanup unix n - n - 0 cleanup", "qmgr unix n - n 1 1 qmgr", "rewrite unix - - n - - trivial-rewrite",
            "bounce unix - - n - 0 bounce", "defer unix - - n - 0 bounce", "trace unix - - n - 0 bounce",
            "proxymap unix - - n - - proxymap", "error unix - - n - - error", "retry unix - - n - - error",
            "discard unix - - n - - discard", "anvil unix - - n - 1 anvil", "tlsmgr unix - - n 1000? 1 tlsmgr",
            "smtp unix - - n - - smtp", "postlog unix-dgram n - n - 1 postlogd"]


def add_addresses():
    for address in (FRONT, *CLIENTS):
        run("ip", "address", "add", address + "/32", "dev", "lo")


class Postfix:
    """One instance; `main` and `services` are added to its main.cf and master.cf."""

    def __init__(self, folder, main, services):
        need("postfix")
        self.etc, self.log_path, self.queue = folder / "etc", folder / "log", folder / "queue"
        for name in (folder, self.etc, self.queue, folder / "data"):
            name.mkdir()
        shutil.chown(folder / "data", "postfix")
        (self.etc / "main.cf").write_text(f"""compatibility_level = 3.6
queue_directory = {self.queue}
data_directory = {folder}/data
maillog_file = {self.log_path}
maillog_file_prefixes = {folder}
mydestination =
local_recipient_maps =
alias_maps =
smtpd_peername_lookup = no
smtp_dns_support_level = disabled
smtpd_client_connection_count_limit = 0
smtpd_error_sleep_time = 0
message_size_limit = 30000000
default_process_limit = 60
notify_classes =
inet_protocols = ipv4
inet_interfaces = 127.0.0.1
{main}
""")
        (self.etc / "master.cf").write_text("\n".join(SERVICES + services) + "\n")

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def start(self):
        run("postfix", "-c", str(self.etc), "start")

    def stop(self):
        """As `postfix stop`, but without its waiting in whole seconds."""
        master = int((self.queue / "pid" / "master.pid").read_text())
        with contextlib.suppress(ProcessLookupError):
            os.kill(master, signal.SIGTERM)
        wait_for(lambda: not pathlib.Path(f"/proc/{master}").exists(), "Postfix to end")

    def restart(self):
        self.stop()
        self.start()

    def queued(self):
        """Names of the queue files of mail that is not done yet."""
        return [name for part in ("maildrop", "incoming", "active", "deferred") for _, _, names in os.walk(self.queue / part)
                for name in names]

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *exception):
        if exception[0]:
            print(f"---- the log of {self.etc}\n" + self.log()[-6000:])
        self.stop()


def receiver(folder):
    """Relays example.org to the sink. 127.0.0.1 may send anywhere: a client that is taken for deferd would have an open relay."""
    postfix = Postfix(folder, f"""myhostname = mx.example.org
relay_domains = example.org
relay_recipient_maps = regexp:{folder}/etc/recipients
relay_transport = smtp:[127.0.0.1]:{SINK}
default_transport = discard:
minimal_backoff_time = 1s
maximal_backoff_time = 2s
queue_run_delay = 1s
transport_retry_time = 1s
default_destination_concurrency_failed_cohort_limit = 0
mynetworks = 127.0.0.0/8
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
smtpd_authorized_xclient_hosts = 127.0.0.0/8
smtpd_recipient_limit = 1000""", [f"127.0.0.1:{PLAIN} inet n - n - - smtpd",
                                  f"127.0.0.1:{PROXIED} inet n - n - - smtpd -o smtpd_upstream_proxy_protocol=haproxy"])
    (postfix.etc / "recipients").write_text("/^r[0-9a-z-]*@example\\.org$/ ok\n")
    return postfix


def sender(folder):
    """Sends what is for example.org to deferd, from an address that depends on the envelope's sender; tries again each second."""
    postfix = Postfix(folder, f"""myhostname = out.example.net
mynetworks = 127.0.0.0/8
smtpd_recipient_restrictions = permit_mynetworks, reject
smtpd_recipient_limit = 1000
transport_maps = inline:{{example.net=smtp:[127.0.0.1]:{SINK}}}
sender_dependent_default_transport_maps = regexp:{folder}/etc/senders
minimal_backoff_time = 1s
maximal_backoff_time = 2s
queue_run_delay = 1s
transport_retry_time = 1s
smtp_connection_cache_on_demand = no
smtp_destination_concurrency_failed_cohort_limit = 0
default_destination_concurrency_failed_cohort_limit = 0
smtp_destination_recipient_limit = 50
default_destination_recipient_limit = 50""", [f"127.0.0.1:{SUBMIT} inet n - n - - smtpd"] + [
        f"out{number} unix - - n - - smtp -o smtp_bind_address={address}" for number, address in enumerate(CLIENTS)])
    (postfix.etc / "senders").write_text(
        "".join(f"/^s{number}\\+/ out{number}:[{FRONT}]:{FRONT_PORT}\n" for number in range(len(CLIENTS))))
    return postfix


class Front(Deferd):
    """deferd with its SMTP front end, and hand-over."""

    PLUGINS = ("  - rules: {rules: [{name: unwanted, to: ['/^bad/'], do: reject, reply: {code: 550, enhanced: 5.1.1, text: No}},\n"
               "                     {name: open to everybody, to: ['r-postmaster@example.org', '/^ropen/'], do: accept}]}\n"
               "  - greylist: {pass_time: 5m, quota: {burst: 0}}\n")

    def __init__(self, build, folder, handover=f"{{to: '127.0.0.1:{PROXIED}', with: proxy-v2}}", tls=False, **options):
        self.handover = handover
        self.tls = f"{{certificate: {folder}/cert.pem, key: {folder}/key.pem}}" if tls else "{}"
        if tls:
            run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30", "-subj",
                "/CN=mx.example.org", "-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem"))
        super().__init__(build, folder, plugins=options.pop("plugins", self.PLUGINS), **options)

    def write_config(self, plugins=PLUGINS, settings="", engine="rocksdb"):
        self.config.write_text(
            f"store: {{engine: {engine}, path: {self.folder}/db}}\n"
            f"listen: {{smtp: ['{FRONT}:{FRONT_PORT}']}}\n"
            f"smtp: {{name: mx.example.org, limits: {{new_per_prefix: 0}}, handover: {self.handover}, tls: {self.tls}}}\n"
            f"control: {{socket: {self.control}}}\n"
            f"{settings}plugins:\n{plugins}")

    def wait_until_ready(self):
        wait_for(lambda: "smtp.handover_ready" in self.log(), "the probe to find the MTA")

class Site:
    """deferd and the receiving Postfix; `late_mta`: in that order, as after a reboot, so that the first probe finds nobody."""

    def __init__(self, build, late_mta=False, **options):
        self.build, self.late_mta, self.options = build, late_mta, options

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            self.sink = stack.enter_context(Sink(SINK))
            self.folder = stack.enter_context(temporary_folder())
            self.receiver = receiver(self.folder / "receiver")
            self.deferd = Front(self.build, self.folder, **self.options)
            for house in (self.deferd, self.receiver) if self.late_mta else (self.receiver, self.deferd):
                stack.enter_context(house)
            self.stack = stack.pop_all()
        return self

    def __exit__(self, *exception):
        return self.stack.__exit__(*exception)


class Client:
    """One SMTP session with deferd from an address of choice, line by line."""

    def __init__(self, address=CLIENTS[0], helo="mail.example.net"):
        self.socket = socket.create_connection((FRONT, FRONT_PORT), 30, source_address=(address, 0))
        self.file = self.socket.makefile("rwb")
        self.banner = self.read()
        self.extensions = self.say("EHLO " + helo).splitlines()[1:]

    def start_tls(self, helo="mail.example.net"):
        assert self.say("STARTTLS").startswith("220")
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        self.file.close()
        self.socket = context.wrap_socket(self.socket)
        self.file = self.socket.makefile("rwb")
        self.extensions = self.say("EHLO " + helo).splitlines()[1:]

    def read(self):
        lines = []
        while True:
            line = self.file.readline().decode(errors="replace").rstrip("\r\n")
            lines.append(line)
            if len(line) < 4 or line[3] != "-":
                return "\n".join(lines)

    def say(self, text):
        self.file.write(text.encode() + b"\r\n")
        self.file.flush()
        return self.read()

    def mail(self, sender="a@example.net", recipient="r1@example.org"):
        """The reply to RCPT."""
        answer = self.say(f"MAIL FROM:<{sender}>")
        assert answer.startswith("250"), answer
        return self.say(f"RCPT TO:<{recipient}>")

    def close(self):
        self.file.close()
        self.socket.close()


def try_once(address=CLIENTS[0], sender="a@example.net", recipient="r1@example.org"):
    client = Client(address)
    try:
        return client.mail(sender, recipient)
    finally:
        client.close()


class Sink:
    """Where both Postfixes deliver: takes all mail, and notes what arrived. Not from logs: a Postfix that is stopped loses lines."""

    QUEUE_ID = re.compile(rb"\(Postfix\) with E?SMTPS? id (\w+)")
    REFUSED = re.compile(rb"^Final-Recipient: rfc822; (\S+)", re.MULTILINE)

    def __init__(self, port):
        self.arrivals = []  # of mail for example.org: recipients, name in the receiving Postfix's queue, when
        self.bounced = collections.Counter()
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
                        text = []
                        while (part := self.rfile.readline()) not in (b".\r\n", b""):
                            text.append(part)
                        if part:
                            sink.take(recipients, b"".join(text))
                            self.wfile.write(b"250 taken\r\n")
                        recipients = []
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

        self.server = Server(("127.0.0.1", port), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def take(self, recipients, text):
        if recipients[0].endswith("@example.net"):  # what the sending Postfix tells its user
            self.bounced.update({address.decode().lower() for address in self.REFUSED.findall(text)})
        else:
            self.arrivals.append((recipients, self.QUEUE_ID.search(text)[1].decode(), time.time()))

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.server.shutdown()
        self.server.server_close()


class Ledger:
    """What became of every recipient. `killed`: when the sending Postfix was stopped, as time.time() from and to."""

    TRIED = re.compile(r": (\w+): to=<([^>]*)>")
    DOUBTFUL = re.compile(r": (\w+): .*may be sent more than once")

    def __init__(self, sink, sending, receiving, killed):
        self.sending_log, self.receiving_log = sending.log(), receiving.log()
        self.bounced = sink.bounced
        self.copies = collections.defaultdict(dict)  # recipient -> name in the receiving queue -> when
        for recipients, queue_id, moment in sink.arrivals:
            for recipient in recipients:
                self.copies[recipient].setdefault(queue_id, moment)
        doubtful = set(self.DOUBTFUL.findall(self.sending_log))
        self.doubtful = {recipient for queue_id, recipient in self.TRIED.findall(self.sending_log) if queue_id in doubtful}
        self.killed = killed

    def explains(self, recipient):
        """Why it may have arrived twice. A client killed while it waited for the reply to the final dot cannot log that: then a copy
        arrived at about that time."""
        return recipient in self.doubtful or any(begin - 2 <= moment <= end + 5 for moment in self.copies[recipient].values()
                                                 for begin, end in self.killed)

    def story(self, recipient):
        lines = []
        for log in (self.sending_log, self.receiving_log):
            names = {name for name, tried in self.TRIED.findall(log) if tried == recipient}
            lines += [line for line in log.splitlines() if recipient in line or any(f" {name}:" in line and "to=<" not in line for name in names)]
        return "\n".join([f"{recipient}: copies {self.copies[recipient]}, bounced {self.bounced[recipient]}", *lines])
