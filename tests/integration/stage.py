# SPDX-License-Identifier: MIT
"""What several tests set up: locks that hold statements back, calls that wait, silent servers."""
import collections
import contextlib
import http.client
import json
import random
import socket
import threading
import time

from gateway import TOKEN


@contextlib.contextmanager
def table_locked(database, table="webhook_events"):
    """Nobody writes to the table meanwhile."""
    holder = database.server.connect(database.name)
    holder.autocommit = False
    try:
        holder.cursor().execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        yield
    finally:
        holder.rollback()
        holder.close()


class Call:
    """A function that runs in a thread of its own; `result()` waits for what it returned."""

    def __init__(self, function, *arguments):
        self.value = self.error = None
        self.seconds = None
        self.thread = threading.Thread(target=self._run, args=(function, arguments), daemon=True)
        self.thread.start()

    def _run(self, function, arguments):
        begun = time.monotonic()
        try:
            self.value = function(*arguments)
        except Exception as error:  # pylint: disable=broad-except
            self.error = error
        self.seconds = time.monotonic() - begun

    def is_waiting(self):
        return self.thread.is_alive()

    def result(self, seconds=30):
        self.thread.join(seconds)
        assert not self.thread.is_alive(), "no answer in time"
        if self.error is not None:
            raise self.error
        return self.value


class Samples:
    """Calls `look()` again and again until stopped, and counts every distinct answer."""

    def __init__(self, look, interval=0.005):
        self.look, self.interval = look, interval
        self.seen = collections.Counter()
        self.error = None
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        try:
            while not self.stopping.is_set():
                self.seen[self.look()] += 1
                self.stopping.wait(self.interval)
        except Exception as error:  # pylint: disable=broad-except
            self.error = error

    def stop(self):
        self.stopping.set()
        self.thread.join(20)
        assert self.error is None, self.error
        assert self.seen, "nothing was looked at"
        return self.seen


class BackendCount:
    """How many backend connections the server itself counts, on one connection kept for it."""

    def __init__(self, database):
        self.reader = database.server.connect()
        self.name = database.name

    def __call__(self):
        with self.reader.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND "
                           "application_name = 'weir'", (self.name,))
            return cursor.fetchone()[0]


class SilentServer:
    """Accepts every connection, reads nothing, says nothing."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self.listener.getsockname()[1]
        self.accepted = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                self.accepted.append(self.listener.accept()[0])
            except OSError:
                return

    def close(self):
        self.listener.close()
        for sock in self.accepted:
            sock.close()


@contextlib.contextmanager
def silent_server():
    server = SilentServer()
    try:
        yield server
    finally:
        server.close()


class Keeper:
    """A kept-alive client that is open before the trouble begins."""

    def __init__(self, weir):
        self.client = http.client.HTTPConnection("127.0.0.1", weir.port, timeout=60)
        self.client.connect()

    def get(self, path):
        self.client.request("GET", path, headers={"Authorization": f"Bearer {TOKEN}"})
        answer = self.client.getresponse()
        return answer.status, json.loads(answer.read())

    def post(self, body, path="/webhook/example"):
        self.client.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
        answer = self.client.getresponse()
        return answer.status, json.loads(answer.read())

    def close(self):
        self.client.close()


def states(weir, name="db"):
    return [version["state"] for version in weir.connection(name)["versions"]]


def numbers_stored(database, table="webhook_events"):
    """The number each load post carries, as often as it was stored."""
    return collections.Counter(
        row[0] for row in database.run(f"SELECT (payload->>'n')::int FROM {table}"
                                       " WHERE payload ? 'n'"))


def check_exactly_once(database, load, table="webhook_events"):
    """Each 200 is a row; no post, answered or not, is there twice."""
    ids = {row[0] for row in database.run(f"SELECT id::text FROM {table}")}
    missing = set(load.stored) - ids
    assert not missing, f"{len(missing)} acknowledged webhooks are not there"
    twice = [number for number, count in numbers_stored(database, table).items() if count > 1]
    assert not twice, f"stored more than once: {twice[:5]}"


def dice():
    """Random, but told: a failing test prints the seed."""
    seed = random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}")
    return random.Random(seed)
