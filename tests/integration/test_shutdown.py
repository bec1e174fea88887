# SPDX-License-Identifier: MIT
"""SIGTERM: what was accepted is answered, nothing new is, and the daemon leaves with 0."""
import contextlib
import signal
import socket
import sqlite3
import time

import pytest

from gateway import Load
from pgserver import wait_until
from stage import Call, Keeper, check_exactly_once, table_locked

HEAD = b"POST /webhook/example HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"


def is_refused(port):
    """Nobody listens any more."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return True
    return False


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_every_accepted_request_is_answered(start, database, how):
    """32 are accepted and none can be stored; the signal comes; then all can."""
    database.make_table()
    weir = start({"db": database.connection()})
    assert weir.post({"n": 0})[0] == 200
    with table_locked(database):
        calls = [Call(weir.post, {"n": number}) for number in range(1, 33)]
        wait_until(lambda: weir.status()["active_requests"] == 32)
        weir.process.send_signal(how)
        wait_until(lambda: is_refused(weir.port))
        assert all(call.is_waiting() for call in calls)
    answers = [call.result() for call in calls]
    assert {status for status, _ in answers} == {200}
    assert weir.process.wait(10) == 0
    assert {answer["id"] for _, answer in answers} < set(database.ids())
    assert len(database.ids()) == 33
    wait_until(lambda: database.backends() == [])


def test_a_kept_alive_client_is_not_left_hanging(start, database):
    weir = start({"db": database.connection()})
    assert weir.post({"n": 0})[0] == 200
    idle, busy = Keeper(weir), Keeper(weir)
    assert idle.get("/healthz")[0] == 200
    with table_locked(database):
        call = Call(busy.post, {"n": 1})
        wait_until(lambda: weir.status()["active_requests"] == 1)
        weir.process.terminate()
        wait_until(lambda: is_refused(weir.port))
        idle.client.sock.settimeout(5)
        assert idle.client.sock.recv(1000) == b"", "an idle client is let go at once"
    assert call.result()[0] == 200
    assert weir.process.wait(10) == 0
    idle.close()
    busy.close()


def test_half_a_request_does_not_keep_the_daemon(start, database):
    """A head without its body, and half a head: answered or closed, within the grace period."""
    weir = start({"db": database.connection()}, None, {"shutdown_timeout": 3})
    assert weir.post({"n": 0})[0] == 200
    socks = [socket.create_connection(("127.0.0.1", weir.port), timeout=8) for _ in range(3)]
    socks[0].sendall(HEAD + b"Content-Length: 10\r\n\r\n{")
    socks[1].sendall(HEAD)
    begun = time.monotonic()
    assert weir.stop() == 0
    assert time.monotonic() - begun < 5
    for sock in socks:
        answer = sock.recv(10000)
        assert answer == b"" or answer.split()[1] in (b"503", b"408"), answer
        sock.close()
    assert len(database.ids()) == 1


def test_a_storm_of_clients_meets_the_end(start, database):
    weir = start({"db": database.connection()})
    load = Load(weir, clients=64)
    wait_until(lambda: len(load.stored) > 500, 20)
    assert weir.stop() == 0
    load.stop()
    check_exactly_once(database, load)
    assert {(status, answer["type"]) for status, answer in load.failed} <= {
        (503, "urn:weir:error:shutting-down")}
    assert database.backends() == []


def test_sigterm_in_the_middle_of_a_migration(start, database):
    database.make_table()
    weir = start({"db": database.connection("one")})
    assert weir.post({"n": 0})[0] == 200
    with table_locked(database):
        call = Call(weir.post, {"n": 1})
        wait_until(lambda: weir.connection()["queue"]["writing"] == 1)
        weir.change({"db": database.connection("two")})
        weir.process.terminate()
        wait_until(lambda: is_refused(weir.port))
    assert call.result()[0] == 200
    assert weir.process.wait(10) == 0
    wait_until(lambda: database.backends() == [])


def test_sigterm_while_a_probe_fails(start, database):
    weir = start({"db": database.connection("one")})
    assert weir.post({"n": 0})[0] == 200
    weir.change({"db": database.connection("one", password="pass-wrong")})
    begun = time.monotonic()
    assert weir.stop() == 0
    assert time.monotonic() - begun < 3, "nothing was being done"
    wait_until(lambda: database.backends() == [])


def test_hung_up_terminals_and_gone_clients_do_no_harm(start, database):
    """A client that does not wait for its answer; its row is stored all the same."""
    database.make_table()
    weir = start({"db": database.connection()})
    assert weir.post({"n": 0})[0] == 200
    with table_locked(database):
        for number in range(20):
            with socket.create_connection(("127.0.0.1", weir.port)) as sock:
                body = b'{"n":%d}' % (number + 1)
                sock.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body)
                wait_until(lambda n=number: weir.status()["active_requests"] >= n + 1)
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    wait_until(lambda: weir.status()["active_requests"] == 0)
    assert weir.post({"n": 100})[0] == 200
    assert len(database.ids()) == 22


def test_a_grace_period_that_was_reloaded_counts(start, tmp_path):
    """It was the first configuration's for ever."""
    weir = start({"db": {"type": "sqlite", "path": str(tmp_path / "x.db")}},
                 {"webhooks": [{"path": "/webhook/example",
                                "modules": [{"type": "sqlite", "connection": "db"}]}]},
                 {"shutdown_timeout": 60})
    assert weir.post({"n": 0})[0] == 200
    weir.server["shutdown_timeout"] = 1
    assert weir.change()[0] == 200
    with contextlib.closing(sqlite3.connect(tmp_path / "x.db", isolation_level=None)) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        call = Call(weir.post, {"n": 1})
        wait_until(lambda: weir.status()["active_requests"] == 1)
        begun = time.monotonic()
        assert weir.stop() == 0
        assert time.monotonic() - begun < 5
        assert call.result()[0] == 503
