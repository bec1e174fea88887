# SPDX-License-Identifier: MIT
"""Too much of everything: it is refused with a code, what was accepted is stored, memory holds."""
import json
import os
import pathlib
import socket
import subprocess
import time

import pytest

from gateway import Load, raw
from pgserver import wait_until
from stage import Call, check_exactly_once, table_locked

MEGABYTE = 1 << 20
HEAD = b"POST /webhook/example HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"


def held_back(start, database, count, body, limits):
    """`count` posts at once to a pool of one whose first statement waits for a lock."""
    database.make_table()
    weir = start({"db": database.connection(pool_min_size=0, pool_max_size=1)}, None,
                 {"limits": limits})
    assert weir.post({"a": 0})[0] == 200
    with table_locked(database):
        first = Call(weir.post, {"first": True})
        wait_until(lambda: weir.connection()["queue"]["writing"] == 1)
        calls = [Call(weir.request, "POST", "/webhook/example", body,
                      {"Content-Type": "application/json"}) for _ in range(count)]
        wait_until(lambda: [call for call in calls if not call.is_waiting()])
        wait_until(lambda: len([call for call in calls if not call.is_waiting()])
                   + weir.connection()["queue"]["waiting"] == count)
        refused = [call.result() for call in calls if not call.is_waiting()]
        calls = [call for call in calls if call.is_waiting()]
    assert first.result()[0] == 200
    assert {call.result()[0] for call in calls} == {200}
    assert len(database.ids()) == 2 + len(calls)
    for status, headers, answer in refused:
        problem = json.loads(answer)
        assert (status, problem["type"]) == (503, "urn:weir:error:overloaded")
        assert headers["Content-Type"] == "application/problem+json"
        assert int(headers["Retry-After"]) > 0
    return weir, len(refused), len(calls)


def test_a_full_queue_is_overloaded(start, database):
    _, refused, stored = held_back(start, database, 50, "{}", {"queue": 20})
    assert (refused, stored) == (30, 20)


def test_a_queue_full_of_bytes_is_overloaded(start, database):
    body = '"' + "x" * 9998 + '"'
    _, refused, stored = held_back(start, database, 50, body, {"queue_bytes": 205_000})
    assert (refused, stored) == (30, 20)


def test_too_many_bytes_in_flight_are_overloaded(start, database):
    body = '"' + "x" * 99_998 + '"'
    weir, refused, stored = held_back(start, database, 40, body, {"inflight_bytes": MEGABYTE})
    assert 5 <= stored <= 10 and refused == 40 - stored
    metrics = weir.request("GET", "/metrics")[2].decode()
    assert "\nweir_body_bytes 0\n" in metrics, "what was held was not given back"


def test_every_503_says_when_to_try_again(start, database):
    weir = start({"db": database.connection(port=1, acquisition_timeout=0.3)})
    for _ in range(3):
        status, headers, _ = weir.request("POST", "/webhook/example", "{}",
                                          {"Content-Type": "application/json"})
        assert status == 503 and int(headers["Retry-After"]) > 0


def refuse_declared(weir, size):
    return raw(weir.port, HEAD + b"Content-Length: %d\r\n\r\n" % size + b"1" * size)


def refuse_streamed(weir, size):
    chunk = b"%x\r\n" % size + b"1" * size + b"\r\n0\r\n\r\n"
    return raw(weir.port, HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunk)


def refuse_malformed(weir, size):
    return raw(weir.port, HEAD + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % (size + 1)
               + b"[" + b"1" * (size - 1) + b"}")


def refuse_lost(weir, size):
    return raw(weir.port, b"POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % size
               + b"1" * size)


REFUSED = {"declared too large": (refuse_declared, 2 * MEGABYTE, b" 413 "),
           "streamed too large": (refuse_streamed, 2 * MEGABYTE, b" 413 "),
           "malformed": (refuse_malformed, MEGABYTE - 10, b" 400 "),
           "to an unknown path": (refuse_lost, 2 * MEGABYTE, b" 404 ")}


@pytest.mark.parametrize("kind", REFUSED)
def test_hundreds_of_megabytes_refused_leave_no_trace(start, database, kind):
    refuse, size, code = REFUSED[kind]
    weir = start({"db": database.connection()}, None, {"limits": {"body": MEGABYTE}})
    assert weir.post({"a": 0})[0] == 200
    answered = 0
    for _ in range(4):
        answered += code in refuse(weir, size)[:20]
    before = weir.rss()
    times = 200 * MEGABYTE // size
    for _ in range(times):
        answered += code in refuse(weir, size)[:20]
    grown = weir.rss() - before
    # A sender who is still writing may see the reset before the answer; most see the answer.
    assert answered > times // 2, answered
    assert grown < 8 * MEGABYTE, f"{grown} bytes"
    assert weir.post({"a": 1})[0] == 200
    assert "\nweir_body_bytes 0\n" in weir.request("GET", "/metrics")[2].decode()
    assert len(database.ids()) == 2


def test_slow_senders_do_not_add_up(start, database):
    """Hundreds of half requests cost a descriptor each for a while; others are served."""
    weir = start({"db": database.connection()}, None,
                 {"limits": {"head_timeout": 1, "body_timeout": 1}})
    assert weir.post({"a": 0})[0] == 200
    socks = []
    for number in range(300):
        sock = socket.create_connection(("127.0.0.1", weir.port), timeout=10)
        sock.sendall(HEAD + (b"" if number % 2 else b"Content-Length: 1000000\r\n\r\n{"))
        socks.append(sock)
    begun = time.monotonic()
    for number in range(20):
        assert weir.post({"n": number})[0] == 200
    assert time.monotonic() - begun < 2
    for sock in socks:
        assert b" 408 " in sock.recv(4096)[:20]
        sock.close()
    wait_until(lambda: "\nweir_client_connections 1\n"
               in weir.request("GET", "/metrics")[2].decode())
    assert "\nweir_body_bytes 0\n" in weir.request("GET", "/metrics")[2].decode()


def test_five_hundred_clients(start, database):
    weir = start({"db": database.connection()})
    load = Load(weir, clients=500, count=5000).join()
    assert load.failed == [] and load.broken == [], (load.failed[:3], load.broken[:3])
    assert len(load.stored) == 5000
    check_exactly_once(database, load)


def test_idle_clients_leave_descriptors_for_the_backends(start, tmp_path):
    weir = start({"db": {"type": "sqlite", "path": str(tmp_path / "x.db")}},
                 {"webhooks": [{"path": "/webhook/example",
                                "modules": [{"type": "sqlite", "connection": "db"}]}]},
                 start=False)
    weir.wrapper = ["prlimit", "--nofile=60:60"]
    weir.start()
    assert "event=descriptors-few limit=60 clients=15" in weir.log()
    idle = []
    for _ in range(100):
        idle.append(socket.create_connection(("127.0.0.1", weir.port), timeout=5))
    try:
        for sock in idle[:85]:
            assert sock.recv(1) == b""  # closed to make room for the last fifteen
        last = idle[-1]
        body = b'{"a":1}'
        last.sendall(b"POST /webhook/example HTTP/1.1\r\nHost: x\r\nContent-Type: application/json"
                     b"\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        assert b" 200 " in last.recv(4096)  # the first webhook: its backend connection was not open
    finally:
        for sock in idle:
            sock.close()


def test_a_reload_that_leaves_clients_few_descriptors_says_so(start, tmp_path):
    """Larger pools took two thirds of the clients' places, without a word."""
    file = {"type": "sqlite", "path": str(tmp_path / "x.db")}
    weir = start({"db": file}, {"webhooks": [{"path": "/webhook/example", "modules": [
        {"type": "sqlite", "connection": "db"}]}]}, {"limits": {"connections": 500}}, start=False)
    weir.wrapper = ["prlimit", "--nofile=900:900"]
    weir.start()
    assert "event=descriptors-few" not in weir.log()
    assert weir.change({"db": {**file, "pool_max_size": 1000}})[0] == 200
    assert "event=descriptors-few limit=900 clients=225" in weir.log()


def test_no_descriptors_are_left(start, tmp_path):
    """Somebody else takes them all: accepting pauses, says so once, and goes on."""
    weir = start({"db": {"type": "sqlite", "path": str(tmp_path / "x.db")}},
                 {"webhooks": [{"path": "/webhook/example",
                                "modules": [{"type": "sqlite", "connection": "db"}]}]})
    assert weir.post({"a": 1})[0] == 200
    present = len(list(pathlib.Path(f"/proc/{weir.process.pid}/fd").iterdir()))
    subprocess.run(["prlimit", f"--pid={weir.process.pid}", f"--nofile={present}:"], check=True)
    with socket.create_connection(("127.0.0.1", weir.port), timeout=5):
        wait_until(lambda: "event=accept-paused" in weir.log())
        time.sleep(0.5)
        assert weir.log().count("event=accept-paused") == 1
        subprocess.run(["prlimit", f"--pid={weir.process.pid}", "--nofile=1024:"], check=True)
        assert weir.post({"a": 2})[0] == 200


def test_no_threads_are_left(start, tmp_path):
    """Every webhook was answered 503, and neither the log nor /readyz said a word."""
    weir = start({"db": {"type": "sqlite", "path": str(tmp_path / "x.db"),
                         "acquisition_timeout": 0.5}},
                 {"webhooks": [{"path": "/webhook/example",
                                "modules": [{"type": "sqlite", "connection": "db"}]}]})
    fields = pathlib.Path(f"/proc/{weir.process.pid}/statm").read_text().split()
    room = int(fields[0]) * os.sysconf("SC_PAGESIZE") + (1 << 20)  # less than a stack
    subprocess.run(["prlimit", f"--pid={weir.process.pid}", f"--as={room}:"], check=True)
    assert [weir.post({"a": n})[0] for n in range(3)] == [503] * 3
    assert weir.log().count("event=delivery-failing") == 1
    assert 'status=WEIR_ERESOURCE detail="no thread could be had"' in weir.log()
    assert weir.request("GET", "/readyz")[0] == 503
    subprocess.run(["prlimit", f"--pid={weir.process.pid}", "--as=unlimited:"], check=True)
    assert weir.post({"a": 3})[0] == 200
    assert "event=delivery-recovered" in weir.log()
    assert weir.request("GET", "/readyz")[0] == 200
