# SPDX-License-Identifier: MIT
"""Several modules in one webhook: stored when all have stored, and retries complete the rest."""
import hashlib
import hmac
import json
import re
import socket
import sqlite3
import struct
import time

import pytest

from faultproxy import Proxy
from pgserver import wait_until
from stage import Call, table_locked

WEBHOOKS = {"webhooks": [{"path": "/webhook/example", "modules": [
    {"type": "postgresql", "connection": "db"}, {"type": "sqlite", "connection": "file"}]}]}


class Pair:
    """PostgreSQL behind a proxy, and SQLite."""

    def __init__(self, database, path):
        self.database, self.path = database, path
        self.proxy = Proxy(database.server.port)
        database.make_table()
        self.connections = {
            "db": database.connection(port=self.proxy.port, acquisition_timeout=0.5,
                                      pool_min_size=0),
            "file": {"type": "sqlite", "path": str(path)}}

    def post(self, weir, body, **headers):
        code, _, answer = weir.request("POST", "/webhook/example", json.dumps(body), headers)
        return code, json.loads(answer)

    def file_ids(self):
        connection = sqlite3.connect(self.path)
        try:
            return [row[0] for row in connection.execute("SELECT id FROM webhook_events")]
        finally:
            connection.close()


@pytest.fixture
def pair(database, tmp_path):
    pair = Pair(database, tmp_path / "file.db")
    yield pair
    pair.proxy.close()


def test_all_have_stored_before_the_answer(start, pair):
    weir = start(pair.connections, WEBHOOKS)
    code, answer = pair.post(weir, {"a": 1})
    assert code == 200
    assert pair.file_ids() == pair.database.ids() == [answer["id"]]


def test_modules_are_written_in_parallel(start, pair):
    weir = start(pair.connections, WEBHOOKS)
    assert pair.post(weir, {"a": 0})[0] == 200
    with table_locked(pair.database):
        call = Call(pair.post, weir, {"a": 1})
        wait_until(lambda: len(pair.file_ids()) == 2)
        assert call.is_waiting()
    assert call.result()[0] == 200


@pytest.mark.parametrize("header", ["webhook-id", "X-GitHub-Delivery", "Idempotency-Key",
                                    "svix-id", "X-Own-Id"])
def test_a_retry_writes_only_what_is_not_there(start, pair, header):
    webhooks = json.loads(json.dumps(WEBHOOKS))
    if header == "X-Own-Id":
        webhooks["webhooks"][0]["delivery_id_header"] = header
    weir = start(pair.connections, webhooks)
    pair.proxy.refuse()
    for _ in range(3):
        assert pair.post(weir, {"a": 1}, **{header: "d-1"})[0] == 503
    (stored,) = pair.file_ids()
    pair.proxy.resume()
    code, answer = wait_until(lambda: (lambda got: got if got[0] == 200 else None)(
        pair.post(weir, {"a": 1}, **{header: "d-1"})))
    assert answer["id"] == stored
    assert pair.file_ids() == pair.database.ids() == [stored]
    # Acknowledged, and forgotten: the same again is a new webhook.
    assert pair.post(weir, {"a": 1}, **{header: "d-1"})[0] == 200
    assert len(pair.file_ids()) == 2


def test_a_delivery_id_out_of_a_signed_body(start, pair):
    """Stripe's id is in the body; each attempt is signed anew."""
    webhooks = json.loads(json.dumps(WEBHOOKS))
    webhooks["webhooks"][0]["auth"] = [{"type": "signature", "preset": "stripe", "secret": "s"}]
    weir = start(pair.connections, webhooks)

    def post(body, shift):
        when = str(int(time.time()) + shift)
        text = f"{when}.{json.dumps(body)}".encode()
        return pair.post(weir, body, **{
            "Stripe-Signature": f"t={when},v1={hmac.new(b's', text, hashlib.sha256).hexdigest()}"})

    pair.proxy.refuse()
    for shift in range(3):
        assert post({"id": "evt_1"}, -shift)[0] == 503
    (stored,) = pair.file_ids()
    pair.proxy.resume()
    code, answer = wait_until(lambda: (lambda got: got if got[0] == 200 else None)(
        post({"id": "evt_1"}, 0)))
    assert answer["id"] == stored
    assert pair.file_ids() == pair.database.ids() == [stored]


def test_without_a_delivery_id_equal_bodies_are_different_webhooks(start, pair):
    weir = start(pair.connections, WEBHOOKS)
    pair.proxy.refuse()
    for _ in range(2):
        assert pair.post(weir, {"a": 1})[0] == 503
    assert pair.post(weir, {"a": 1}, **{"webhook-id": "1"})[0] == 503
    assert pair.post(weir, {"a": 2}, **{"webhook-id": "1"})[0] == 503
    assert len(pair.file_ids()) == 4


def test_an_outcome_that_became_known_too_late(start, database):
    """503 at request_timeout, stored a moment later: the retry is told so, and writes nothing."""
    database.make_table()
    weir = start({"db": database.connection()}, None, {"request_timeout": 1})
    headers = {"webhook-id": "late", "Content-Type": "application/json"}
    assert weir.post({"a": 0})[0] == 200
    with table_locked(database):
        code, _, first = weir.request("POST", "/webhook/example", b"{}", headers)
        assert code == 503
    wait_until(lambda: len(database.ids()) == 2)
    time.sleep(0.3)
    code, _, second = weir.request("POST", "/webhook/example", b"{}", headers)
    assert code == 200
    assert json.loads(first)["id"] == json.loads(second)["id"]
    assert len(database.ids()) == 2


def pending(weir):
    text = weir.request("GET", "/metrics")[2].decode()
    return int(re.search(r"^weir_webhooks_pending (\d+)$", text, re.M)[1])


@pytest.mark.parametrize("rude", [False, True])
def test_a_sender_that_gave_up_before_the_answer(start, database, rude):
    """It was stored, and nobody was told: the retry is told so, and writes nothing."""
    database.make_table()
    weir = start({"db": database.connection()})
    headers = {"webhook-id": "gone", "Content-Type": "application/json"}
    assert weir.post({"a": 0})[0] == 200
    with table_locked(database):
        sock = socket.create_connection(("127.0.0.1", weir.port))
        sock.sendall(b"POST /webhook/example HTTP/1.1\r\nHost: x\r\nwebhook-id: gone\r\n"
                     b"Content-Length: 2\r\n\r\n{}")
        wait_until(lambda: pending(weir) == 1)
        if rude:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.close()
        weir.request("GET", "/healthz")  # a turn of the loop, which sees it go
    wait_until(lambda: pending(weir) == 0)
    (stored,) = set(database.ids()) - {row[0] for row in database.run(
        "SELECT id::text FROM webhook_events WHERE payload ? 'a'")}
    code, _, answer = weir.request("POST", "/webhook/example", b"{}", headers)
    assert (code, json.loads(answer)["id"]) == (200, stored)
    assert len(database.ids()) == 2
    # Told, and forgotten.
    assert weir.request("POST", "/webhook/example", b"{}", headers)[0] == 200
    assert len(database.ids()) == 3


def test_the_header_must_be_one(start):
    weir = start({}, {"webhooks": [{"path": "/a", "modules": [], "delivery_id_header": "a b"}]},
                 start=False)
    done = weir.command("check", "--config", str(weir.config))
    assert done.returncode == 3 and "/webhooks/0/delivery_id_header" in done.stderr
