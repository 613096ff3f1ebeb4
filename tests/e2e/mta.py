"""The MTA's side of the milter protocol (version 6), for tests that need no MTA: one SMTP client at a time, one blocking call a step.

As Postfix does, it leaves out the steps that the milter does not want and does not wait for answers that it does not give.
"""
import socket
import struct

STEPS = 0x1FFFFF
# Command: (SMFIP_ bit that it is not wanted, SMFIP_ bit that it is not answered).
BITS = {b"C": (0x1, 0x1000), b"H": (0x2, 0x2000), b"M": (0x4, 0x4000), b"R": (0x8, 0x8000), b"T": (0x200, 0x10000),
        b"L": (0x20, 0x80), b"N": (0x40, 0x40000), b"B": (0x10, 0x80000), b"E": (0, 0)}
WORDS = {b"c": "250 go on", b"a": "250 accepted", b"t": "451 tempfail", b"r": "550 reject", b"s": "250 skip"}


class Mta:
    """Raises OSError when deferd goes away or says nothing for `timeout` seconds."""

    def __init__(self, path, timeout=10):
        if isinstance(path, tuple):  # address and port
            self.socket = socket.create_connection(path, timeout)
        else:
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.settimeout(timeout)
            self.socket.connect(str(path).removeprefix("unix:"))
        self.file = self.socket.makefile("rb")
        self.headers = []  # what the milter added to the last message
        self.send(b"O", struct.pack(">III", 6, 0x1FF, STEPS))
        command, payload = self.receive()
        assert command == b"O", command
        self.steps = struct.unpack(">III", payload[:12])[2]

    def send(self, command, payload=b""):
        self.socket.sendall(struct.pack(">I", len(payload) + 1) + command + payload)

    def receive(self):
        head = self.file.read(4)
        if len(head) < 4:
            raise ConnectionResetError("deferd hung up")
        size = struct.unpack(">I", head)[0]
        packet = self.file.read(size)
        if len(packet) < size:
            raise ConnectionResetError("deferd hung up")
        return packet[:1], packet[1:]

    def step(self, command, payload=b""):
        """The reply as SMTP would voice it."""
        unwanted, unanswered = BITS[command]
        if self.steps & unwanted:
            return "250 unwanted"
        self.send(command, payload)
        if self.steps & unanswered:
            return "250 unanswered"
        while True:
            kind, answer = self.receive()
            if kind in (b"h", b"i"):
                name, value = answer[0 if kind == b"h" else 4:].split(b"\0")[:2]
                self.headers.append((name.decode(), value.decode()))
            elif kind == b"y":
                return answer.rstrip(b"\0").decode()
            elif kind != b"p":
                return WORDS[kind]

    def begin(self, client, helo="mx.example.net", name=None):
        family, address = (b"6", "IPv6:" + client) if ":" in client else (b"4", client)
        host = (name or f"[{client}]").encode()
        for reply in (self.step(b"C", host + b"\0" + family + struct.pack(">H", 25000) + address.encode() + b"\0"),
                      self.step(b"H", helo.encode() + b"\0")):
            assert reply.startswith("250"), reply

    def mail(self, sender):
        return self.step(b"M", f"<{sender}>".encode() + b"\0")

    def rcpt(self, recipient):
        return self.step(b"R", f"<{recipient}>".encode() + b"\0")

    def text(self):
        """DATA to the final dot."""
        self.headers = []
        for command, payload in ((b"T", b""), (b"L", b"Subject\0test\0"), (b"N", b""), (b"B", b"test\r\n"), (b"E", b"")):
            reply = self.step(command, payload)
            if not reply.startswith("250"):
                return reply
        return reply

    def abort(self):
        self.send(b"A")

    def next_client(self):
        self.send(b"K")

    def close(self):
        try:
            self.send(b"Q")
        except OSError:
            pass
        self.file.close()
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()


def attempt(path, client="192.0.2.7", sender="a@example.net", recipient="r@example.org", **names):
    """One recipient's reply; if it is taken, the message is sent to its end."""
    with Mta(path) as mta:
        mta.begin(client, **names)
        assert mta.mail(sender).startswith("250")
        reply = mta.rcpt(recipient)
        if reply.startswith("250"):
            reply = mta.text()
        return reply
