# SPDX-License-Identifier: MIT
"""Clients that misbehave, as a program: abusers.py PORT KIND. It goes on until its standard input
ends, then says as JSON what it was told, by status code."""
import collections
import gzip
import json
import re
import selectors
import socket
import sys
import time

BEAT = 0.05       # seconds from one piece to the next
NEW_A_BEAT = 20   # connections opened in one beat, at most
HEAD = b"POST /webhook/example HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
GOOD = HEAD + b"Content-Length: 2\r\n\r\n{}"
BOMB = gzip.compress(b'"' + b"a" * (20 << 20) + b'"', 9)


def once(data):
    """Say it, and wait for the answer."""
    def pieces():
        yield data
    return pieces


def then(first, again):
    """Say the one, then the other with every beat, for ever."""
    def pieces():
        yield first
        while True:
            yield again
    return pieces


def chunked(body):
    return HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + body


class Kind:
    """What a client says, how many there are at a time, and which codes they are to hear."""

    def __init__(self, pieces, codes, clients=100, reads=True, gap=1):
        self.pieces, self.codes, self.clients, self.reads, self.gap = \
            pieces, codes, clients, reads, gap


KINDS = {
    "silent": Kind(then(b"", b""), (), clients=400),
    "slow head": Kind(then(b"POST /webhook/example HTTP/1.1\r\nX-A: ", b"b"), (408,), 200),
    "slow body": Kind(then(HEAD + b"Content-Length: 10000\r\n\r\n", b"1"), (408,), 200),
    # More than sockets hold (4 MiB, by default), so that writing has to wait.
    "slow read": Kind(once(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" * 1000), (), 10, False),
    "oversized": Kind(once(HEAD + b"Content-Length: 99999999999\r\n\r\n" + b"1" * 10000), (413,)),
    "endless": Kind(then(chunked(b""), b"8000\r\n" + b"1" * 0x8000 + b"\r\n"), (413,)),
    "header flood": Kind(once(HEAD + b"X-A: b\r\n" * 1500 + b"\r\n"), (431,)),
    "long header": Kind(once(HEAD + b"X-A: " + b"b" * 60000 + b"\r\n\r\n"), (431,)),
    "pipelining": Kind(once(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n" * 400), (200,), 10, gap=4),
    "length and chunked": Kind(once(chunked(b"0\r\n\r\n").replace(
        b"Host: x\r\n", b"Host: x\r\nContent-Length: 5\r\n")), (400,)),
    "two lengths": Kind(once(HEAD + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}"), (400,)),
    "bare LF": Kind(once(GOOD.replace(b"\r\n", b"\n")), (400,)),
    "NUL": Kind(once(GOOD.replace(b": x", b": x\0")), (400,)),
    "control bytes": Kind(once(HEAD + b"X-A: \x01\x02\x1b[2J\r\n\r\n"), (400,)),
    "chunk extensions": Kind(once(chunked(b"2;" + b"x" * 60000 + b"\r\n{}\r\n0\r\n\r\n")), (400,)),
    "tiny chunks": Kind(then(chunked(b'2\r\n"a\r\n'), b"1\r\na\r\n" * 300), (408,), 50),
    "gzip bomb": Kind(once(HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n"
                           % len(BOMB) + BOMB), (413,), 20),
    "bad JSON": Kind(once(HEAD + b"Content-Length: 60000\r\n\r\n" + b"[" * 60000), (400,)),
    "no credential": Kind(once(GOOD.replace(b"/example", b"/guarded")), (401,)),
    "too often": Kind(once(GOOD.replace(b"/example", b"/paced")), (200, 429)),
    "gone at once": Kind(once(HEAD + b"Content-Length: 5000\r\n\r\n" + b"1" * 4000), (), gap=0),
}


class Client:
    """One connection; `gap` beats after its answer it is closed, and another is made."""

    def __init__(self, port, kind, selector):
        self.kind, self.selector = kind, selector
        self.pieces = kind.pieces()
        self.unsent, self.got = b"", b""
        self.beats_left = None if kind.gap else 1
        self.sock = socket.socket()
        self.sock.setblocking(False)
        if not kind.reads:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.sock.connect_ex(("127.0.0.1", port))
        if kind.reads:
            selector.register(self.sock, selectors.EVENT_READ, self)

    def beat(self):
        """The next piece; False at the end."""
        if self.beats_left is not None:
            self.beats_left -= 1
            if self.beats_left < 0:
                return False
        if not self.unsent and self.beats_left != 0:
            self.unsent = next(self.pieces, b"")
        try:
            sent = self.sock.send(self.unsent) if self.unsent else 0
            self.unsent = self.unsent[sent:]
        except BlockingIOError:
            pass
        except OSError:
            return self.got != b"" and self.beats_left != 0
        return True

    def read(self):
        """What has come; False at the end."""
        try:
            piece = self.sock.recv(65536)
        except BlockingIOError:
            return True
        except OSError:
            return False
        self.got += piece
        if piece and self.beats_left is None:
            self.beats_left = self.kind.gap
        return piece != b""

    def close(self):
        if self.kind.reads:
            self.selector.unregister(self.sock)
        self.sock.close()


class Abusers:
    """As many clients of one kind as there are to be, again and again."""

    def __init__(self, port, kind):
        self.port, self.kind = port, kind
        self.selector = selectors.DefaultSelector()
        self.clients, self.opened = set(), 0
        self.codes = collections.Counter()

    def end(self, client):
        for code in re.findall(rb"HTTP/1.1 (\d\d\d) ", client.got):
            self.codes[code.decode()] += 1
        client.close()
        self.clients.discard(client)

    def beat(self):
        for client in list(self.clients):
            if not client.beat():
                self.end(client)
        for _ in range(min(NEW_A_BEAT, self.kind.clients - len(self.clients))):
            self.clients.add(Client(self.port, self.kind, self.selector))
            self.opened += 1

    def run(self):
        self.selector.register(sys.stdin, selectors.EVENT_READ, None)
        due = time.monotonic()
        while True:
            for key, _ in self.selector.select(max(0, due - time.monotonic())):
                if key.data is None:
                    return
                if key.data in self.clients and not key.data.read():
                    self.end(key.data)
            if time.monotonic() >= due:
                self.beat()
                due = time.monotonic() + BEAT


if __name__ == "__main__":
    abusers = Abusers(int(sys.argv[1]), KINDS[sys.argv[2]])
    abusers.run()
    for one in list(abusers.clients):
        abusers.end(one)
    print(json.dumps({"opened": abusers.opened, "codes": abusers.codes}))
