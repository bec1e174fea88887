# SPDX-License-Identifier: MIT
"""Whatever is cut, frozen or killed: a 200 is a row, and no post is ever two."""
import pytest

from faultproxy import Proxy
from gateway import Load
from pgserver import wait_until
from stage import Call, check_exactly_once, dice, table_locked


@pytest.fixture
def proxy(database):
    proxy = Proxy(database.server.port)
    yield proxy
    proxy.close()


def progress(load, posts, seconds=20):
    before = len(load.stored)
    wait_until(lambda: len(load.stored) >= before + posts, seconds)


def test_connections_cut_in_the_middle_of_a_commit(start, database, proxy):
    """The answer to a COMMIT is lost: it is tried again, and must not become two rows."""
    chance = dice()
    database.make_table()
    database.slow_down(0.01)
    weir = start({"db": database.connection(port=proxy.port)})
    load = Load(weir, clients=32)
    progress(load, 100)
    for _ in range(25):
        proxy.cut()
        progress(load, chance.randrange(1, 60))
    load.stop()
    assert load.broken == []
    assert load.failed == [], load.failed[:3]
    check_exactly_once(database, load)
    assert weir.connection()["queue"]["retried"] > 0, "nothing was cut"


def test_answers_held_back_and_then_cut(start, database, proxy):
    """The server has committed, and nobody heard of it."""
    database.make_table()
    weir = start({"db": database.connection(port=proxy.port, pool_min_size=0, pool_max_size=1,
                                            operation_timeout=5)})
    for number in range(5):
        # Prepares the statement on the one backend connection: what waits below is its execution.
        assert weir.post({"before": number})[0] == 200
        with table_locked(database):
            call = Call(weir.post, {"n": number})
            wait_until(lambda: [row for row in database.backends()
                                if row[2] == "active" and "INSERT" in row[3]])
            proxy.stall()
        wait_until(lambda n=number: database.run(
            "SELECT 1 FROM webhook_events WHERE payload->>'n' = %s", (str(n),)))
        assert call.is_waiting(), "answered although no answer had come"
        proxy.cut()
        proxy.resume()
        assert call.result()[0] == 200
    assert database.run("SELECT count(*) FROM webhook_events")[0][0] == 10


def test_a_server_that_comes_and_goes(start, database, proxy):
    weir = start({"db": database.connection(port=proxy.port, acquisition_timeout=2)})
    load = Load(weir, clients=16)
    for _ in range(3):
        progress(load, 200)
        proxy.refuse()
        wait_until(lambda: weir.connection()["versions"][0]["size"]["open"] == 0)
        proxy.resume()
    progress(load, 200)
    load.stop()
    assert load.broken == []
    assert {answer["type"] for _, answer in load.failed} <= {
        "urn:weir:error:destination-unavailable"}
    check_exactly_once(database, load)


def test_a_frozen_server_commits_nothing_that_was_given_up(start, database):
    database.make_table()
    weir = start({"db": database.connection(acquisition_timeout=1, operation_timeout=1)}, None,
                 {"request_timeout": 3})
    assert weir.post({"a": 0})[0] == 200
    load = Load(weir, clients=8)
    progress(load, 50)
    database.server.freeze()
    try:
        wait_until(lambda: len(load.failed) >= 8, 20)
    finally:
        database.server.thaw()
    progress(load, 50)
    load.stop()
    assert load.broken == []
    assert {status for status, _ in load.failed} == {503}
    check_exactly_once(database, load)


def test_backend_connections_killed_at_random(start, database):
    chance = dice()
    weir = start({"db": database.connection()})
    load = Load(weir, clients=32)
    progress(load, 100)
    for _ in range(20):
        pids = [row[0] for row in database.backends()]
        for pid in chance.sample(pids, min(len(pids), chance.randrange(1, 3))):
            database.run_admin(f"SELECT pg_terminate_backend({pid})")
        progress(load, 50)
    load.stop()
    assert load.broken == [] and load.failed == [], (load.broken[:3], load.failed[:3])
    check_exactly_once(database, load)


def test_statements_cancelled_by_the_operator_are_tried_again(start, database):
    """pg_cancel_backend, or a statement_timeout: the row is fine, the attempt was not."""
    database.make_table()
    weir = start({"db": database.connection(pool_min_size=0, pool_max_size=1)})
    assert weir.post({"n": 0})[0] == 200
    with table_locked(database):
        call = Call(weir.post, {"n": 1})
        waiting = "SELECT pid FROM pg_stat_activity WHERE application_name = 'weir' AND" \
            " datname = current_database() AND wait_event_type = 'Lock'"
        for _ in range(3):
            pid = wait_until(lambda: database.run(waiting))[0][0]
            begun = database.run("SELECT query_start FROM pg_stat_activity WHERE pid = %s", (pid,))
            assert database.run("SELECT pg_cancel_backend(%s)", (pid,))[0][0]
            wait_until(lambda: database.run(
                f"{waiting} AND query_start > %s", (begun[0][0],)))
        assert call.is_waiting()
    assert call.result()[0] == 200
    assert database.run("SELECT count(*) FROM webhook_events")[0][0] == 2
