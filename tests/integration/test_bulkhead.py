# SPDX-License-Identifier: MIT
"""A server that accepts and never answers costs those who asked for it, and nobody else."""
import time

from gateway import Load
from pgserver import wait_until
from stage import Call, Keeper, check_exactly_once, silent_server, states, table_locked

MINE = {"path": "/webhook/example", "modules": [{"type": "postgresql", "connection": "db"}]}
SILENT = {"path": "/webhook/silent", "modules": [
    {"type": "postgresql", "connection": "silent", "table": "silent_events"}]}
QUICK = 1.0  # seconds; a share of a busy machine, and far below every time-out used here


def slowest_of(function, times=50):
    slowest = 0.0
    for number in range(times):
        begun = time.monotonic()
        function(number)
        slowest = max(slowest, time.monotonic() - begun)
    return slowest


def test_a_server_that_never_spoke(start, database):
    database.make_table()
    with silent_server() as silent:
        weir = start({"db": database.connection(),
                      "silent": database.connection(port=silent.port, connect_timeout=2,
                                                    acquisition_timeout=1.5)},
                     {"webhooks": [MINE, SILENT]})
        hung = Load(weir, clients=64, path="/webhook/silent")
        wait_until(lambda: weir.connection("silent")["active_requests"] >= 60)
        other = Keeper(weir)

        def everything_else(number):
            assert other.post({"n": number})[0] == 200
            assert weir.request("GET", "/healthz")[0] == 200
            assert other.get("/admin/status")[0] == 200

        assert slowest_of(everything_else) < QUICK
        code, answer = weir.change({"db": database.connection("two"),
                                    "silent": database.connection(
                                        port=silent.port, connect_timeout=2,
                                        acquisition_timeout=1.5)})
        assert code == 200 and answer["connections"]["db"]["outcome"] == "migrated"
        assert answer["connections"]["silent"]["outcome"] == "unchanged"
        assert slowest_of(everything_else) < QUICK
        wait_until(lambda: len(hung.failed) >= 64, 20)
        hung.stop()
        assert hung.stored == [] and hung.broken == []
        assert {answer["type"] for _, answer in hung.failed} <= {
            "urn:weir:error:destination-unavailable", "urn:weir:error:pool-exhausted"}
        other.close()
        begun = time.monotonic()
        assert weir.stop() == 0
        assert time.monotonic() - begun < 8, "the silent server kept the daemon from leaving"


def test_a_reload_to_a_silent_server_keeps_the_old_version(start, database):
    database.make_table()
    with silent_server() as silent:
        weir = start({"db": database.connection()})
        load = Load(weir, clients=16)
        wait_until(lambda: len(load.stored) > 100)
        weir.write({"db": database.connection(port=silent.port, connect_timeout=2)})
        reload = Call(weir.reload)
        wait_until(lambda: "staging" in states(weir))
        assert slowest_of(lambda number: weir.request("GET", "/healthz"), 20) < QUICK
        assert slowest_of(lambda number: weir.status(), 20) < QUICK
        code, answer = reload.result()
        assert code == 200 and answer["connections"]["db"]["outcome"] == "staging"
        assert answer["connections"]["db"]["reason"]
        assert reload.seconds < 4, "a reload waits at most the longest connect_timeout"
        before = len(load.stored)
        wait_until(lambda: len(load.stored) > before + 200)
        code, answer = weir.change({"db": database.connection()})
        assert code == 200
        wait_until(lambda: states(weir) == ["active"])
        load.stop()
        assert load.failed == [] and load.broken == []
        assert weir.connection()["version"] == 1, "nothing better was ever proven"
        check_exactly_once(database, load)


def test_a_full_pool_leaves_the_other_connections_to_the_same_server_alone(start, database):
    """Two connections to one server: the rows of the one are locked, the other stores."""
    database.run("CREATE TABLE held (id uuid PRIMARY KEY, webhook_id text NOT NULL, received_at"
                 " timestamptz NOT NULL, payload jsonb NOT NULL, headers jsonb NOT NULL)")
    held = {"path": "/webhook/silent", "modules": [
        {"type": "postgresql", "connection": "silent", "table": "held"}]}
    weir = start({"db": database.connection(), "silent": database.connection(pool_max_size=3)},
                 {"webhooks": [MINE, held]})
    assert weir.post({}, "/webhook/silent")[0] == 200
    with table_locked(database, "held"):
        hung = Load(weir, clients=32, path="/webhook/silent", count=32)
        wait_until(lambda: weir.connection("silent")["active_requests"] == 32)
        other = Keeper(weir)
        assert slowest_of(lambda number: other.post({"n": number})) < QUICK
        assert weir.request("GET", "/readyz", timeout=QUICK)[0] in (200, 503)
        other.close()
    hung.join(30)
    assert len(hung.stored) == 32


def test_a_reload_does_not_wait_for_a_backend_connection_in_use(start, database):
    """The one slot is taken for long: the answer comes after connect_timeout, the switch later."""
    database.make_table()
    keys = {"pool_min_size": 0, "pool_max_size": 1, "connect_timeout": 1}
    weir = start({"db": database.connection("one", **keys)})
    assert weir.post({"n": 0})[0] == 200
    with table_locked(database):
        call = Call(weir.post, {"n": 1})
        wait_until(lambda: weir.connection()["queue"]["writing"] == 1)
        weir.write({"db": database.connection("two", **keys)})
        reload = Call(weir.reload)
        code, answer = reload.result()
        assert code == 200 and answer["connections"]["db"]["outcome"] == "staging"
        assert 0.8 < reload.seconds < 2.5, reload.seconds
        assert call.is_waiting(), "a reload must not push a statement off before its time"
    assert call.result()[0] == 200
    wait_until(lambda: weir.connection()["version"] == 2)
    wait_until(lambda: states(weir) == ["active"])
    assert weir.post({"n": 2})[0] == 200
    assert len(database.ids()) == 3
