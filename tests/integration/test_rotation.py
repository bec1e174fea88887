# SPDX-License-Identifier: MIT
"""A password is rotated at noon; sizes change; a configuration comes back. Nobody notices."""
import json
import threading
import time

import pytest

from gateway import Load
from pgserver import wait_until
from stage import (BackendCount, Call, Samples, check_exactly_once, numbers_stored, states,
                   table_locked)


def set_password(database, password, role="one"):
    database.run_admin(f"ALTER ROLE {database.role(role)} PASSWORD '{password}'")


def assert_untouched(database, load):
    assert load.broken == [] and load.failed == [], (load.broken[:3], load.failed[:3])
    check_exactly_once(database, load)
    assert sorted(load.stored) == sorted(database.ids())


def test_the_password_is_changed_at_the_server_and_then_in_the_file(start, database):
    weir = start({"db": database.connection()})
    load = Load(weir, clients=32)
    wait_until(lambda: len(load.stored) > 200)
    for number in range(5):
        set_password(database, f"pass-{number}")
        code, answer = weir.change({"db": database.connection(password=f"pass-{number}")})
        assert code == 200 and answer["connections"]["db"]["outcome"] == "migrated"
    load.stop()
    assert_untouched(database, load)
    assert weir.connection()["version"] == 6


def test_a_password_that_is_stale_on_both_sides_is_replaced_at_once(start, database):
    """The active version cannot log in any more: the new one needs no proof beside it."""
    weir = start({"db": database.connection(acquisition_timeout=1)})
    assert weir.post({"a": 0})[0] == 200
    set_password(database, "pass-new")
    database.run_admin("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = "
                       f"'{database.name}' AND application_name = 'weir'")
    wait_until(lambda: weir.post({"a": 1})[0] == 503)
    weir.change({"db": database.connection(acquisition_timeout=1, password="pass-new")})
    wait_until(lambda: weir.post({"a": 2})[0] == 200, 10)
    assert weir.connection()["version"] == 2


def test_a_staging_version_takes_over_once_it_can(start, database):
    """The file came first: the server follows, and no second reload is needed."""
    weir = start({"db": database.connection()})
    load = Load(weir, clients=16)
    wait_until(lambda: len(load.stored) > 100)
    answer = weir.change({"db": database.connection(password="pass-new")})[1]
    assert answer["connections"]["db"]["outcome"] == "staging"
    assert "staging" in states(weir)
    set_password(database, "pass-new")
    wait_until(lambda: weir.connection()["version"] == 2, 30)
    wait_until(lambda: states(weir) == ["active"])
    load.stop()
    assert_untouched(database, load)


@pytest.mark.parametrize("size", [1, 2, 10])
def test_a_wrong_password_under_load_fails_nobody(start, database, size):
    """With a pool of one each probe needs the one slot there is."""
    database.make_table()
    weir = start({"db": database.connection(pool_min_size=0, pool_max_size=size)})
    load = Load(weir, clients=32)
    wait_until(lambda: len(load.stored) > 100)
    counts = Samples(BackendCount(database))
    answer = weir.change({"db": database.connection(pool_min_size=0, pool_max_size=size,
                                                    password="pass-wrong")})[1]
    assert answer["connections"]["db"]["outcome"] == "staging"
    assert answer["connections"]["db"]["reason"] == "the server refused the credentials"
    probes = "event=probe-failed"
    wait_until(lambda: weir.log().count(probes) >= 3, 30)
    before = len(load.stored)
    wait_until(lambda: len(load.stored) > before + 200)
    load.stop()
    assert max(counts.stop()) <= size
    assert_untouched(database, load)
    assert weir.connection()["version"] == 1


@pytest.mark.parametrize("size", [1, 10])
def test_forced_to_close_at_the_migration_timeout_and_not_later(start, database, size):
    """The statement waits on a lock for far longer: its backend is gone in time, and stays so."""
    database.make_table()
    connection = {"pool_min_size": 0, "pool_max_size": size}
    weir = start({"db": database.connection("one", **connection)}, None,
                 {"migration_timeout": 2, "request_timeout": 25})
    assert weir.post({"n": 0})[0] == 200
    counts = Samples(BackendCount(database))
    old = database.role("one")
    with table_locked(database):
        call = Call(weir.post, {"n": 1})
        wait_until(lambda: [row for row in database.backends() if "INSERT" in row[3]
                            and row[2] == "active"])
        victim = [row[0] for row in database.backends() if row[1] == old]
        weir.write({"db": database.connection("two", **connection)})
        begun = time.monotonic()
        reload = Call(weir.reload)
        seen = Samples(lambda: tuple(states(weir)))
        wait_until(lambda: not [row for row in database.backends() if row[1] == old], 6)
        took = time.monotonic() - begun
        assert 1.7 < took < 3.2, took
        assert reload.result()[0] == 200
        # Were its statement still to come, it would come once the lock is gone.
        assert not set(victim) & {row[0] for row in database.run(
            "SELECT pid FROM pg_locks WHERE relation = 'webhook_events'::regclass")}
    status, answer = call.result()
    assert numbers_stored(database)[1] <= 1
    assert (status == 200) == (numbers_stored(database)[1] == 1), (status, answer)
    wait_until(lambda: states(weir) == ["active"])
    shown = {state for one in seen.stop() for state in one}
    assert shown & {"deprecated", "staging"} and "active" in shown
    assert max(counts.stop()) <= size
    assert weir.post({"n": 2})[0] == 200


def test_sizes_change_under_load(start, database):
    """Once the server counts no more than the new maximum, it never counts more again."""
    database.make_table()
    database.slow_down(0.02)
    weir = start({"db": database.connection()}, None, {"limits": {"batch": 2}})
    count = BackendCount(database)
    load = Load(weir, clients=48)
    wait_until(lambda: count() == 10, 20)
    assert weir.change({"db": database.connection(pool_min_size=1, pool_max_size=3)})[0] == 200
    wait_until(lambda: count() <= 3, 10)
    counts = Samples(count)
    before = len(load.stored)
    wait_until(lambda: len(load.stored) > before + 200, 20)
    assert max(counts.stop()) <= 3
    assert weir.change({"db": database.connection(pool_min_size=1, pool_max_size=6)})[0] == 200
    wait_until(lambda: count() == 6, 20)
    load.stop()
    assert_untouched(database, load)


def test_coming_back_within_the_window_keeps_the_connections(start, database):
    database.make_table()
    weir = start({"db": database.connection("one", pool_min_size=0)})
    assert weir.post({"n": 0})[0] == 200
    with table_locked(database):
        call = Call(weir.post, {"n": 1})
        wait_until(lambda: weir.connection()["queue"]["writing"] == 1)
        held = {row[0] for row in database.backends() if row[1] == database.role("one")}
        assert weir.change({"db": database.connection("two", pool_min_size=0)})[0] == 200
        wait_until(lambda: weir.connection()["version"] == 2)
        assert "deprecated" in states(weir)
        assert weir.change({"db": database.connection("one", pool_min_size=0)})[0] == 200
        wait_until(lambda: {v["version"]: v["state"] for v in weir.connection()["versions"]}
                   .get(1) == "active")
        assert held & {row[0] for row in database.backends()}
    assert call.result()[0] == 200
    assert weir.post({"n": 2})[0] == 200
    assert held & {row[0] for row in database.backends() if row[1] == database.role("one")}
    wait_until(lambda: not [row for row in database.backends()
                            if row[1] == database.role("two")])


def test_white_space_and_order_of_keys_are_no_change(start, database):
    weir = start({"db": database.connection()})
    assert weir.post({"a": 0})[0] == 200
    pids = {row[0] for row in database.backends()}
    connection = database.connection()
    text = json.dumps({"db": dict(reversed(list(connection.items())))}, indent=7)
    code, answer = weir.change(text)
    assert code == 200 and answer["connections"]["db"]["outcome"] == "unchanged"
    assert weir.connection()["version"] == 1
    assert pids & {row[0] for row in database.backends()}


def test_reloads_from_everywhere_at_once(start, database):
    """Many ask at once, while the files change: each gets an answer, none is half applied."""
    database.make_table()
    weir = start({"db": database.connection("one")})
    load = Load(weir, clients=16)
    wait_until(lambda: len(load.stored) > 100)
    stop = threading.Event()

    def ask():
        codes = set()
        while not stop.is_set():
            codes.add(weir.reload()[0])
        return codes

    askers = [Call(ask) for _ in range(6)]
    for number in range(30):
        weir.write({"db": database.connection("two" if number % 2 == 0 else "one")})
        before = len(load.stored)
        wait_until(lambda b=before: len(load.stored) > b + 20)
    weir.write({"db": database.connection("two")})
    stop.set()
    assert {code for asker in askers for code in asker.result()} == {200}
    assert weir.reload()[0] == 200
    wait_until(lambda: {row[1] for row in database.backends()} == {database.role("two")}, 20)
    load.stop()
    assert_untouched(database, load)
    wait_until(lambda: states(weir) == ["active"])
