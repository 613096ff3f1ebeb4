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
import ssl
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import Deferd, need, run, temporary_folder, wait_for

CLIENTS = [f"198.51.100.{number}" for number in range(1, 9)]  # what the sending Postfix comes from
FRONT, FRONT_PORT = "203.0.113.25", 25                        # deferd
PLAIN, PROXIED = 2600, 2610                                   # the receiving Postfix: an ordinary port, one for PROXY headers
SUBMIT = 2700                                                 # the sending Postfix takes mail here

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
    """Relays example.org, throws it away, and says in its log what it was given. 127.0.0.1 may send anywhere: a client that is taken
    for deferd would have an open relay."""
    postfix = Postfix(folder, f"""myhostname = mx.example.org
relay_domains = example.org
relay_recipient_maps = regexp:{folder}/etc/recipients
relay_transport = discard:
default_transport = discard:
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
transport_maps = inline:{{example.net=discard:}}
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

    PLUGINS = ("  - rules: {rules: [{name: unwanted, to: ['/^bad/'], do: reject, reply: {code: 550, enhanced: 5.1.1, text: No}}]}\n"
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


class Ledger:
    """What became of every recipient, from the logs of both Postfixes. `killed`: when the sending one was stopped, as time.time()
    from and to."""

    SENT = re.compile(r"^(.{15}) .*: (\w+): to=<([^>]*)>.* status=(sent|bounced|expired)", re.MULTILINE)
    MESSAGE = re.compile(r"cleanup\[\d+\]: (\w+): message-id=<([^>]*)>")
    DOUBTFUL = re.compile(r": (\w+): .*may be sent more than once")

    def __init__(self, sending, receiving, killed):
        self.sending_log, self.receiving_log = sending.log(), receiving.log()
        ids = dict(self.MESSAGE.findall(self.sending_log))  # of the queue -> message
        self.bounced, self.reported = collections.Counter(), collections.Counter()
        for _, queue_id, recipient, status in self.SENT.findall(self.sending_log):
            if recipient.endswith("@example.org"):
                (self.reported if status == "sent" else self.bounced)[ids.get(queue_id), recipient] += 1
        self.doubtful = {ids.get(queue_id) for queue_id in self.DOUBTFUL.findall(self.sending_log)}
        # A client killed while it waited for the reply to the final dot cannot log that: then the mail arrived at that time.
        moments = {time.strftime("%b %e %H:%M:%S", time.localtime(second))
                   for begin, end in killed for second in range(int(begin) - 2, int(end) + 6)}
        ids = dict(self.MESSAGE.findall(self.receiving_log))
        self.delivered, self.orphaned, seen = collections.Counter(), set(), set()
        for moment, queue_id, recipient, status in self.SENT.findall(self.receiving_log):
            if status == "sent" and (queue_id, recipient) not in seen:
                seen.add((queue_id, recipient))
                self.delivered[ids.get(queue_id), recipient] += 1
                if moment in moments:
                    self.orphaned.add(ids.get(queue_id))

    def explains(self, message):
        """Why it may have arrived twice."""
        return message in self.doubtful or message in self.orphaned

    def story(self, message):
        lines = []
        for log in (self.sending_log, self.receiving_log):
            for queue_id, name in self.MESSAGE.findall(log):
                if name == message:
                    lines += [line for line in log.splitlines() if f" {queue_id}:" in line]
        return "\n".join(lines)
