# SPDX-License-Identifier: MIT
"""Each backend beside PostgreSQL: stored means stored, migration, faults, and who is disturbed."""
import collections
import time

import pytest

from backends import ALL
from faultproxy import Proxy
from gateway import Load
from pgserver import wait_until
from stage import Call, Samples

servers = {}


@pytest.fixture(params=ALL, ids=lambda kind: kind.type)
def backend(request):
    kind = request.param
    if kind not in servers:
        servers[kind] = kind.make_server()
    backend = kind(servers[kind])
    yield backend
    backend.drop()


@pytest.fixture(scope="module", autouse=True)
def all_servers():
    yield
    for server in servers.values():
        server.remove()
    servers.clear()


def judge(backend, load):
    """Each 200 is there; where the backend can tell, nothing is there twice."""
    found = collections.Counter(backend.ids())
    missing = [one for one in load.stored if one not in found]
    assert not missing, f"{len(missing)} of {len(load.stored)} acknowledged webhooks are not there"
    if backend.exact:
        assert max(found.values()) == 1, "stored more than once"
    assert len(set(load.stored)) == len(load.stored)


def progress(load, posts, seconds=30):
    before = len(load.stored)
    wait_until(lambda: len(load.stored) >= before + posts, seconds)


def test_a_post_is_stored_as_it_came(start, backend):
    weir = start({"db": backend.connection()}, backend.webhooks())
    assert backend.count() == 0, "a connection before the first post"
    body = '{"a": 1.50, "long": 12345678901234567890123456789, "s": "\\u0000\'\\\\ü€😀"}'
    code, answer = weir.post(body.encode())
    assert code == 200 and answer["status"] == "stored"
    (found,) = backend.stored()
    assert found[0] == answer["id"] and found[1] == "example"
    assert found[2] == body
    assert found[3]["content-type"] == "application/json"


def test_thousands_of_posts_within_the_maximum(start, backend):
    weir = start({"db": backend.connection(pool_min_size=2)}, backend.webhooks())
    count = Samples(backend.count, 0.02)
    load = Load(weir, clients=64, count=8000).join()
    assert max(count.stop()) <= 4
    assert load.failed == [] and load.broken == []
    assert sorted(load.stored) == sorted(backend.ids())
    assert weir.connection()["versions"][0]["size"]["open"] >= 2
    assert weir.stop() == 0
    wait_until(lambda: backend.count() == 0)


def test_good_reloads_under_load_lose_nothing(start, backend):
    weir = start({"db": backend.connection("one")}, backend.webhooks(), {"limits": {"batch": 4}})
    load = Load(weir, clients=32)
    progress(load, 200)
    count = Samples(backend.count, 0.02)
    for role in ["two", "one"] * 10:
        code, answer = weir.change({"db": backend.connection(role)})
        assert code == 200 and answer["connections"]["db"]["outcome"] in ("migrated", "staging")
        progress(load, 50)
    wait_until(lambda: backend.roles_connected() == {backend.role("one")}, 20)
    load.stop()
    assert load.failed == [] and load.broken == [], (load.failed[:3], load.broken[:3])
    assert sorted(load.stored) == sorted(backend.ids()), "lost or doubled"
    assert max(count.stop()) <= 4
    assert [version["state"] for version in weir.connection()["versions"]] == ["active"]


def test_bad_reloads_change_nothing(start, backend):
    weir = start({"db": backend.connection("one")}, backend.webhooks())
    load = Load(weir, clients=8)
    progress(load, 100)
    for number in range(6):
        keys = {"password": "pass-wrong"} if number % 2 == 0 else {}
        _, answer = weir.change({"db": backend.connection("two", **keys)
                                 if keys else backend.connection("one")})
        outcome = answer["connections"]["db"]
        if keys:
            assert outcome["outcome"] == "staging"
            assert outcome["reason"] == "the server refused the credentials"
        progress(load, 50)
    load.stop()
    assert load.failed == [] and load.broken == []
    assert sorted(load.stored) == sorted(backend.ids())
    assert backend.roles_connected() == {backend.role("one")}
    assert weir.connection()["version"] == 1


def test_connections_killed_by_the_server(start, backend):
    weir = start({"db": backend.connection()}, backend.webhooks())
    load = Load(weir, clients=16)
    for _ in range(4):
        progress(load, 100)
        backend.kill_connections()
    progress(load, 100)
    load.stop()
    assert load.broken == [] and load.failed == [], load.failed[:3]
    judge(backend, load)


def test_the_server_is_killed_and_comes_back(start, backend):
    weir = start({"db": backend.connection(acquisition_timeout=2, operation_timeout=4)},
                 backend.webhooks())
    load = Load(weir, clients=16)
    progress(load, 200)
    time.sleep(backend.settles)
    backend.server.kill()
    time.sleep(1)
    backend.server.start()
    progress(load, 200, 60)
    load.stop()
    assert load.broken == []
    assert {code for code, _ in load.failed} <= {503}
    judge(backend, load)


@pytest.fixture
def proxy(backend):
    proxy = Proxy(backend.server.port)
    yield proxy
    proxy.close()


def test_a_silent_server_disturbs_nobody_else(start, backend, proxy, tmp_path):
    """The proxy stalls for longer than each time-out; SQLite beside it is served at once."""
    webhooks = backend.webhooks()
    webhooks["webhooks"].append({"path": "/webhook/other", "modules": [
        {"type": "sqlite", "connection": "other"}]})
    connection = backend.connection(port=proxy.port, operation_timeout=1, connect_timeout=1,
                                    acquisition_timeout=1)
    weir = start({"db": connection, "other": {"type": "sqlite", "path": str(tmp_path / "db")}},
                 webhooks, {"request_timeout": 4})
    load = Load(weir, clients=16)
    progress(load, 100)
    proxy.stall()
    begun = time.monotonic()
    calls = [Call(weir.post, {"stalled": n}) for n in range(4)]
    while time.monotonic() - begun < 6:
        other = time.monotonic()
        assert weir.post({"a": 1}, "/webhook/other")[0] == 200
        assert time.monotonic() - other < 1
        time.sleep(0.2)
    for call in calls:
        assert call.result()[0] == 503 and call.seconds < 6
    proxy.cut()
    proxy.resume()
    progress(load, 100)
    load.stop()
    assert load.broken == []
    assert {code for code, _ in load.failed} == {503}
    judge(backend, load)


def test_connections_cut_in_the_middle(start, backend, proxy):
    weir = start({"db": backend.connection(port=proxy.port)}, backend.webhooks())
    load = Load(weir, clients=16)
    for _ in range(15):
        progress(load, 40)
        proxy.cut()
    progress(load, 40)
    load.stop()
    assert load.broken == [] and load.failed == [], load.failed[:3]
    judge(backend, load)


def test_a_slow_network_is_only_slow(start, backend, proxy):
    weir = start({"db": backend.connection(port=proxy.port)}, backend.webhooks())
    proxy.delay(0.01)
    load = Load(weir, clients=16, count=300).join()
    assert load.failed == [] and load.broken == []
    proxy.delay(0)
    proxy.trickle()
    second = Load(weir, clients=8, count=60).join()
    assert second.failed == [] and second.broken == []
    assert sorted(load.stored + second.stored) == sorted(backend.ids())


@pytest.mark.parametrize("fault", ["reset", "half_close"])
def test_connections_that_end_in_odd_ways(start, backend, proxy, fault):
    weir = start({"db": backend.connection(port=proxy.port)}, backend.webhooks())
    load = Load(weir, clients=16)
    for _ in range(8):
        progress(load, 40)
        getattr(proxy, fault)()
    progress(load, 40)
    load.stop()
    assert load.broken == [] and load.failed == [], load.failed[:3]
    judge(backend, load)


def test_an_unreachable_server_is_503_and_recovers(start, backend, proxy):
    proxy.refuse()
    weir = start({"db": backend.connection(port=proxy.port, acquisition_timeout=1)},
                 backend.webhooks())
    code, answer = weir.post({"a": 1})
    assert code == 503 and answer["type"] == "urn:weir:error:destination-unavailable"
    proxy.resume()
    wait_until(lambda: weir.post({"a": 2})[0] == 200, 20)


def test_the_forced_end_of_an_old_version(start, backend, proxy):
    """The old version's server is silent: at the migration timeout it is closed all the same."""
    weir = start({"db": backend.connection("one", port=proxy.port)}, backend.webhooks(),
                 {"migration_timeout": 2})
    assert weir.post({"a": 0})[0] == 200
    proxy.stall()
    call = Call(weir.post, {"a": 1})
    time.sleep(0.3)
    weir.change({"db": backend.connection("two")})
    assert weir.post({"a": 2})[0] == 200
    # The interrupted webhook goes again, on the new version.
    assert call.result()[0] == 200 and 1.5 < call.seconds < 6
    # The silent server is waited for, in case it still counts the connection; but not for ever.
    wait_until(lambda: [version["state"] for version in weir.connection()["versions"]]
               == ["active"], 15)
