# SPDX-License-Identifier: MIT
"""Redis: modes, keys, accounts, replicas and limits."""
import json
import threading
import time

import pytest

from backends import RedisStream
from pgserver import wait_until
from redisserver import ROOT_PASSWORD, Redis


@pytest.fixture(scope="module")
def server():
    server = Redis()
    yield server
    server.remove()


@pytest.fixture
def database(server):
    database = RedisStream(server)
    yield database
    database.drop()


def module(**options):
    return {"webhooks": [{"path": "/webhook/example", "modules": [
        {"type": "redis", "connection": "db", **options}]}]}


def test_a_stream_with_a_maximum(start, database):
    weir = start({"db": database.connection()}, module(key=database.name, maxlen=100))
    for number in range(600):
        assert weir.post({"n": number})[0] == 200
    assert 100 <= database.client.xlen(database.name) < 300
    assert json.loads(database.entries()[-1][b"body"]) == {"n": 599}


@pytest.mark.parametrize("push, last", [("right", -1), ("left", 0)])
def test_a_list(start, database, push, last):
    key = database.name + ":list"
    weir = start({"db": database.connection()}, module(mode="list", key=key, push=push))
    for number in range(3):
        assert weir.post(b'{"n":  %d}' % number)[0] == 200
    assert database.client.lrange(key, 0, -1)[last] == b'{"n":  2}'
    database.client.delete(key)


def test_an_envelope(start, database):
    key = database.name + ":list"
    webhooks = module(mode="list", key=key, format="envelope")
    webhooks["webhooks"][0]["id"] = 'my "\\ own'
    weir = start({"db": database.connection()}, webhooks)
    _, answer = weir.post(b'{"n": 1e2}')
    text = database.client.lpop(key)
    assert b'"payload":{"n": 1e2}' in text
    envelope = json.loads(text)
    assert envelope["id"] == answer["id"] and envelope["webhook_id"] == 'my "\\ own'
    assert envelope["headers"]["content-type"] == "application/json"
    assert envelope["received_at"].endswith("Z")


def test_publishing_tells_how_many_received_it(start, database):
    weir = start({"db": database.connection()}, module(mode="publish", channel="events"))
    assert weir.post({"n": 0})[1]["receivers"] == 0
    first, second = database.client.pubsub(), database.client.pubsub()
    for listener in (first, second):
        listener.subscribe("events")
        listener.get_message(timeout=5)
    code, answer = weir.post(b'{"n":1}')
    assert code == 200 and answer["receivers"] == 2
    assert first.get_message(timeout=5)["data"] == b'{"n":1}'
    first.close()
    second.close()


def test_places_in_a_key(start, database):
    webhooks = {"webhooks": [{"path": path, "modules": [
        {"type": "redis", "connection": "db", "key": database.name + ":{webhook_id}:{path}:{{x}}"}]}
        for path in ("/webhook/a", "/webhook/b")]}
    weir = start({"db": database.connection()}, webhooks)
    for path in ("/webhook/a", "/webhook/b"):
        assert weir.post({}, path)[0] == 200
    for name in "ab":
        key = f"{database.name}:{name}:/webhook/{name}:{{x}}"
        assert database.client.xlen(key) == 1
        database.client.delete(key)


def test_ways_to_log_in(start, server, database):
    for keys in ({"password": ROOT_PASSWORD, "database": 3},
                 {"password": ROOT_PASSWORD, "host": str(server.socket)}):
        connection = {"type": "redis", "host": "127.0.0.1", "port": server.port, **keys}
        weir = start({"db": connection}, module(key=database.name))
        assert weir.post({"a": 1})[0] == 200
    assert server.client(3).xlen(database.name) == 1
    server.client(3).delete(database.name)
    assert database.client.xlen(database.name) == 1


@pytest.mark.parametrize("keys, status", [
    ({"password": "pass-wrong"}, "WEIR_EAUTH"),
    ({"database": 999}, "WEIR_ECONFIG")])
def test_refused(start, database, keys, status):
    weir = start({"db": database.connection(acquisition_timeout=1, **keys)},
                 module(key=database.name))
    assert weir.post({"a": 1})[0] == 503
    assert status in weir.log()


def test_a_key_of_another_type(start, database):
    database.client.set(database.name, "text")
    weir = start({"db": database.connection()}, module(key=database.name))
    assert weir.post({"a": 1})[0] == 503
    assert "WEIR_ESCHEMA" in weir.log() and "WRONGTYPE" in weir.log()
    database.client.delete(database.name)
    assert weir.post({"a": 1})[0] == 200
    assert weir.connection()["versions"][0]["totals"]["closed"] == 0  # it was kept


def test_an_account_that_may_not_write_stays_staging(start, database):
    weir = start({"db": database.connection("one")}, module(key=database.name))
    assert weir.post({"a": 0})[0] == 200
    name = database.role("two")
    database.client.execute_command("ACL", "SETUSER", name, "-xadd")
    _, answer = weir.change({"db": database.connection("two")})
    assert answer["connections"]["db"]["outcome"] == "staging"
    assert answer["connections"]["db"]["reason"] == "a privilege is missing at the server"
    database.client.execute_command("ACL", "SETUSER", name, "+xadd")
    wait_until(lambda: weir.connection()["version"] == 2, 20)
    assert weir.post({"a": 1})[0] == 200
    assert database.client.xlen(database.name) == 2, "the proof has written something"


def test_out_of_memory_acknowledges_nothing(start):
    server = Redis("--maxmemory", "20mb", "--maxmemory-policy", "noeviction")
    try:
        database = RedisStream(server)
        weir = start({"db": database.connection()}, module(key=database.name),
                     {"request_timeout": 2})
        stored = 0
        for _ in range(200):
            code, _ = weir.post({"s": "x" * 500_000})
            if code != 200:
                break
            stored += 1
        assert code == 503 and stored > 3
        assert database.client.xlen(database.name) == stored
        assert "OOM" in weir.log()
        database.client.config_set("maxmemory", "200mb")
        wait_until(lambda: weir.post({"a": 1})[0] == 200, 10)
    finally:
        server.remove()


@pytest.fixture
def replica(server):
    replica = Redis("--replicaof", f"127.0.0.1 {server.port}", "--masterauth", ROOT_PASSWORD)
    wait_until(lambda: replica.client().info("replication")["master_link_status"] == "up", 30)
    yield replica
    replica.remove()


def test_a_replica_is_read_only(start, database, replica):
    for role in ("one", "two"):
        replica.client().acl_setuser(database.role(role), enabled=True,
                                     passwords=[f"+pass-{role}"], keys=["*"],
                                     categories=["+@all"])
    weir = start({"db": database.connection("one")}, module(key=database.name))
    assert weir.post({"a": 1})[0] == 200
    _, answer = weir.change({"db": database.connection("two", port=replica.port)})
    assert answer["connections"]["db"]["outcome"] == "staging"
    assert answer["connections"]["db"]["reason"] == "the server is read-only"
    assert weir.post({"a": 2})[0] == 200


def test_an_acknowledgement_that_means_replicated(start, database, replica):
    weir = start({"db": database.connection()},
                 module(key=database.name, wait_replicas=1, wait_timeout=0.5))
    assert weir.post({"a": 1})[0] == 200
    replica.freeze()
    code, answer = weir.post({"a": 2})
    assert code == 503 and answer["type"] == "urn:weir:error:destination-unavailable"
    replica.thaw()
    assert database.client.xlen(database.name) == 2, "written again, though it was there"
    wait_until(lambda: weir.post({"a": 3})[0] == 200, 20)


def test_waitaof_needs_a_newer_server(start, database):
    weir = start({"db": database.connection()}, module(key=database.name, wait_aof=True))
    assert weir.post({"a": 1})[0] == 503
    assert "unknown command" in weir.log()


def test_a_server_that_is_loading(start, database):
    """LOADING answers are waited out."""
    server = database.server
    weir = start({"db": database.connection()}, module(key=database.name))
    assert weir.post({"a": 0})[0] == 200
    filler = server.client()
    for number in range(40):
        filler.set(f"fill{number}", "x" * 1_000_000)
    server.stop()
    restarting = threading.Thread(target=server.start)
    restarting.start()
    code, _ = weir.post({"a": 1})
    restarting.join()
    assert code == 200
    for number in range(40):
        filler.delete(f"fill{number}")


def test_no_tls_is_said_at_once(start):
    weir = start({"db": {"type": "redis", "tls": True}}, module(), start=False)
    done = weir.command("check", "--config", str(weir.config))
    assert done.returncode == 3
    assert "hiredis" in done.stdout + done.stderr and "/db/tls" in done.stdout + done.stderr


def test_a_stalled_server_and_time(start, database):
    weir = start({"db": database.connection(operation_timeout=1, connect_timeout=1,
                                            acquisition_timeout=1)},
                 module(key=database.name), {"request_timeout": 3})
    assert weir.post({"a": 1})[0] == 200
    database.server.freeze()
    begun = time.monotonic()
    try:
        assert weir.post({"a": 2})[0] == 503
        assert time.monotonic() - begun < 5
    finally:
        database.server.thaw()
    wait_until(lambda: weir.post({"a": 3})[0] == 200, 20)
