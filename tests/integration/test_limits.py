# SPDX-License-Identifier: MIT
"""Who comes too often, too many at a time or too slowly: refused, counted, told once in the log."""
import contextlib
import hashlib
import hmac
import json
import re
import socket
import sqlite3
import time

import pytest

from gateway import raw
from pgserver import wait_until
from stage import Call, table_locked

MODULES = [{"type": "sqlite", "connection": "file"}]
HEAD = b"POST /webhook/example HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"


@pytest.fixture
def limited(start, tmp_path):
    """A daemon that stores in SQLite, whose one webhook has these limits."""
    def make(rate_limit, auth=None, server=None):
        entry = {"path": "/webhook/example", "modules": MODULES, "rate_limit": rate_limit}
        if auth is not None:
            entry["auth"] = auth
        weir = start({"file": {"type": "sqlite", "path": str(tmp_path / "weir.db")}},
                     {"webhooks": [entry]}, server)
        weir.rows = lambda: rows_of(tmp_path / "weir.db")
        return weir
    return make


def rows_of(path):
    if not path.exists():
        return 0
    with contextlib.closing(sqlite3.connect(path)) as file:
        return file.execute("SELECT count(*) FROM webhook_events").fetchone()[0]


def post(weir, headers=None, body="{}"):
    return weir.request("POST", "/webhook/example", body,
                        {"Content-Type": "application/json", **(headers or {})})


def codes(weir, count, headers=None):
    return [post(weir, headers)[0] for _ in range(count)]


def metric(weir, name):
    text = weir.request("GET", "/metrics")[2].decode()
    return float(re.search(rf"^{re.escape(name)} (\S+)$", text, re.M)[1])


def test_a_webhook_takes_its_burst_and_says_when_to_come_again(limited):
    weir = limited({"requests": 5, "per": 3600})
    assert codes(weir, 8) == [200] * 5 + [429] * 3
    code, headers, answer = post(weir)
    assert code == 429 and json.loads(answer)["type"] == "urn:weir:error:rate-limited"
    assert 700 <= int(headers["Retry-After"]) <= 720
    assert weir.rows() == 5
    assert metric(weir, "weir_webhooks_rate_limited_total") == 4
    wait_until(lambda: "code=rate-limited" in weir.log())
    assert weir.log().count("event=request-refused") == 1


def test_who_waits_as_told_is_let_in(limited):
    weir = limited({"requests": 1, "per": 2})
    assert post(weir)[0] == 200
    _, headers, _ = wait_until(lambda: next((got for got in [post(weir)] if got[0] == 429), None))
    time.sleep(int(headers["Retry-After"]))  # what a sender does
    assert post(weir)[0] == 200


def test_only_those_who_have_proved_themselves_are_counted(limited):
    weir = limited({"requests": 3, "per": 3600}, [{"type": "bearer", "secret": "good"}])
    assert codes(weir, 20, {"Authorization": "Bearer bad"}) == [401] * 20
    assert codes(weir, 4, {"Authorization": "Bearer good"}) == [200] * 3 + [429]


def test_each_credential_has_a_rate_of_its_own(limited):
    weir = limited({"requests": 2, "per": 3600, "by": "credential"},
                   [{"type": "bearer", "secrets": ["one", "two"]}])
    assert codes(weir, 3, {"Authorization": "Bearer one"}) == [200, 200, 429]
    assert codes(weir, 3, {"Authorization": "Bearer two"}) == [200, 200, 429]


def signed(secret):
    digest = hmac.new(secret, b"{}", hashlib.sha256).hexdigest()
    return {"X-Hub-Signature-256": f"sha256={digest}"}


@pytest.mark.parametrize("auth,one,two", [
    ({"type": "header", "name": "X-Key", "secrets": ["one", "two"]},
     {"X-Key": "one"}, {"X-Key": "two"}),
    ({"type": "basic", "user": "u", "secrets": ["p", "q"]},
     {"Authorization": "Basic dTpw"}, {"Authorization": "Basic dTpx"}),
    ({"type": "signature", "preset": "github", "secrets": ["one", "two"]},
     signed(b"one"), signed(b"two"))])
def test_every_kind_of_credential_is_told_apart(limited, auth, one, two):
    weir = limited({"requests": 2, "per": 3600, "by": "credential"}, [auth])
    assert codes(weir, 3, one) == [200, 200, 429]
    assert codes(weir, 3, two) == [200, 200, 429]


def test_each_address_has_a_rate_of_its_own(limited):
    weir = limited({"requests": 2, "per": 3600, "by": "address"},
                   server={"trusted_proxies": ["127.0.0.1"]})
    for client in ("192.0.2.1", "192.0.2.2", "2001:db8::1"):
        assert codes(weir, 3, {"X-Forwarded-For": client}) == [200, 200, 429], client
    assert post(weir, {"X-Forwarded-For": "2001:db8::2"})[0] == 429, "the same /64"


def test_several_limits_hold_together(limited):
    weir = limited([{"requests": 5, "per": 3600},
                    {"requests": 2, "per": 3600, "by": "address"}],
                   server={"trusted_proxies": ["127.0.0.1"]})
    first, second, third = ({"X-Forwarded-For": f"192.0.2.{i}"} for i in range(3))
    assert codes(weir, 3, first) == [200, 200, 429]
    assert codes(weir, 3, second) == [200, 200, 429]
    assert codes(weir, 3, third) == [200, 429, 429], "the webhook's own"


def plain_key(limit, client=b""):
    """The key of a bucket, if it were made of nothing that is secret."""
    text = json.dumps(limit, sort_keys=True, separators=(",", ":")).encode()
    salt = hashlib.sha256(b"/webhook/example\0" + text).digest()[:16]
    return hashlib.sha256(salt + client).digest()


def test_nobody_can_choose_whose_bucket_is_forgotten(limited):
    """Buckets stand eight to a set. Who has addresses to choose from (a /48 of IPv6 has enough) took
    eight of the webhook's own set, and pushed its bucket out with each further one."""
    whole = {"requests": 10, "per": 3600}
    each = {"requests": 1, "per": 3600, "by": "address"}
    weir = limited([whole, each], server={"trusted_proxies": ["127.0.0.1"]})

    def place(key):
        return int.from_bytes(key[:4], "little") % 8192
    wanted, near = place(plain_key(whole)), []
    for number in range(1 << 24):
        packed = (10 << 24 | number).to_bytes(4, "big")
        if place(plain_key(each, bytes(10) + b"\xff\xff" + packed)) == wanted:
            near.append(socket.inet_ntoa(packed))
            if len(near) == 20:
                break
    got = [post(weir, {"X-Forwarded-For": client})[0] for client in near]
    assert got == [200] * 10 + [429] * 10


def test_a_reload_does_not_fill_the_buckets(limited):
    weir = limited({"requests": 2, "per": 3600})
    assert codes(weir, 3) == [200, 200, 429]
    assert weir.reload()[0] == 200
    assert post(weir)[0] == 429
    entry = {"path": "/webhook/example", "modules": MODULES,
             "rate_limit": {"requests": 3, "per": 3600}}
    assert weir.change(webhooks={"webhooks": [entry]})[0] == 200
    assert codes(weir, 4) == [200, 200, 200, 429], "another limit begins anew"


@pytest.mark.parametrize("value,pointer", [
    ({}, "/requests"), ({"requests": 0}, "/requests"), ({"requests": 1.5}, "/requests"),
    ({"requests": 1, "per": 0}, "/per"), ({"requests": 1, "per": 86401}, "/per"),
    ({"requests": 1, "per": "1"}, "/per"), ({"requests": 1, "burst": 0}, "/burst"),
    ({"requests": 1, "by": "moon"}, "/by"), ({"requests": 1, "by": "credential"}, "/by"),
    ({"requests": 1, "requets": 2}, "/requets"), ([], ""), ([{"requests": 1}] * 5, ""),
    ([{"requests": 1}, {"requests": -1}], "/1/requests"), (5, "")])
def test_a_limit_that_is_none_is_an_error(limited, value, pointer):
    weir = limited({"requests": 100})
    code, answer = weir.change(webhooks={"webhooks": [
        {"path": "/webhook/example", "modules": MODULES, "rate_limit": value}]})
    assert code == 422
    assert [error["pointer"] for error in answer["errors"]] == ["/webhooks/0/rate_limit" + pointer]
    assert post(weir)[0] == 200


# ---- The whole daemon's


def test_requests_in_flight_have_a_limit(start, database):
    database.make_table()
    weir = start({"db": database.connection(pool_min_size=0, pool_max_size=1)}, None,
                 {"limits": {"inflight_requests": 5}})
    with table_locked(database):
        calls = [Call(weir.post, {"n": n}) for n in range(5)]
        wait_until(lambda: metric(weir, "weir_webhooks_pending") == 5)
        for _ in range(3):
            code, headers, answer = post(weir)
            assert code == 503 and int(headers["Retry-After"]) > 0
            assert json.loads(answer)["type"] == "urn:weir:error:overloaded"
    assert {call.result()[0] for call in calls} == {200}
    wait_until(lambda: metric(weir, "weir_webhooks_pending") == 0)
    assert post(weir)[0] == 200
    assert "limits.inflight_requests" in weir.log()


def test_one_address_cannot_have_all_places(limited):
    weir = limited({"requests": 1000}, server={"limits": {"connections_per_address": 10}})
    with contextlib.ExitStack() as stack:
        held = [stack.enter_context(socket.create_connection(("127.0.0.1", weir.port)))
                for _ in range(10)]
        wait_until(lambda: raw(weir.port, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
                   .startswith(b"HTTP/1.1 503 "))
        other = stack.enter_context(socket.create_connection(
            ("127.0.0.1", weir.port), source_address=("127.0.0.9", 0)))
        other.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert other.recv(100).startswith(b"HTTP/1.1 200 ")
        held.pop().close()
        wait_until(lambda: raw(weir.port, b"GET /healthz HTTP/1.1\r\nHost: x\r\n"
                                          b"Connection: close\r\n\r\n")
                   .startswith(b"HTTP/1.1 200 "))
    assert "detail=limits.connections_per_address" in weir.log()


def test_the_longest_idle_make_room(limited):
    weir = limited({"requests": 1000}, server={"limits": {"connections": 20}})
    with contextlib.ExitStack() as stack:
        idle = [stack.enter_context(socket.create_connection(("127.0.0.1", weir.port)))
                for _ in range(20)]
        for _ in range(10):
            assert post(weir)[0] == 200
        idle[0].settimeout(10)
        assert idle[0].recv(1) == b"", "the oldest has gone"
        assert metric(weir, "weir_client_connections_evicted_total") >= 1
    assert "event=request-refused" not in weir.log()


def test_bodies_that_do_not_come_take_no_room_from_others(limited):
    """256 connections that had said they would send a body of the largest size, and sent a byte of
    it, held all of limits.inflight_bytes for half a minute."""
    weir = limited({"requests": 1000})
    with contextlib.ExitStack() as stack:
        for _ in range(300):
            client = stack.enter_context(socket.create_connection(("127.0.0.1", weir.port)))
            client.sendall(HEAD + b"Content-Length: 1048576\r\n\r\n1")
        wait_until(lambda: metric(weir, "weir_http_requests_total") > 300)
        assert post(weir, body=json.dumps("x" * 1000000))[0] == 200
        assert metric(weir, "weir_body_bytes") < 300 * 20000
    assert "event=request-refused" not in weir.log()


def test_bodies_of_one_address_that_do_not_end_take_no_room_from_others(limited):
    """260 connections that had sent a body of the largest size but for a byte had everybody else
    answered 503."""
    weir = limited({"requests": 1000}, server={"limits": {
        "inflight_bytes": 20 << 20, "inflight_bytes_per_address": 10 << 20, "body_rate": 0}})
    large = json.dumps("x" * 1000000)
    with contextlib.ExitStack() as stack:
        answers = []
        for _ in range(25):
            client = stack.enter_context(socket.create_connection(
                ("127.0.0.1", weir.port), source_address=("127.0.0.2", 0)))
            with contextlib.suppress(OSError):  # refused while it is sending
                client.sendall(HEAD + b"Content-Length: 1000000\r\n\r\n" + b"1" * 999999)
            answers.append(client)
        wait_until(lambda: metric(weir, "weir_body_bytes") > 9 << 20)
        wait_until(lambda: "detail=limits.inflight_bytes_per_address" in weir.log())
        assert [post(weir, body=large)[0] for _ in range(5)] == [200] * 5
    wait_until(lambda: metric(weir, "weir_body_bytes") == 0)
    assert post(weir, body=large)[0] == 200


def test_a_body_that_trickles_is_told_off(limited):
    weir = limited({"requests": 1000}, server={"limits": {"body_rate": 10000, "body_timeout": 60}})
    with socket.create_connection(("127.0.0.1", weir.port), timeout=20) as client:
        began = time.monotonic()
        client.sendall(HEAD + b"Content-Length: 100000\r\n\r\n")
        client.setblocking(False)
        answer = b""
        while not answer and time.monotonic() < began + 20:
            with contextlib.suppress(OSError):
                client.send(b"1")
            time.sleep(0.05)
            with contextlib.suppress(BlockingIOError):
                answer = client.recv(4096)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert 5 < time.monotonic() - began < 15
    wait_until(lambda: "detail=limits.body_rate" in weir.log())


def test_a_storm_is_summed_up_at_its_end(limited):
    """What was refused while the log kept quiet was never told if nothing followed."""
    weir = limited({"requests": 1, "per": 3600})
    assert codes(weir, 21) == [200] + [429] * 20
    wait_until(lambda: "count=1 " in weir.log(), 5)
    wait_until(lambda: "count=19 " in weir.log(), 20)
    assert weir.log().count("event=request-refused") == 2
