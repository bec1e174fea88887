# SPDX-License-Identifier: MIT
"""A connection's type changes back and forth under load: to everybody it is one connection."""
import sqlite3
import time

from gateway import Load
from pgserver import wait_until


def webhooks_of(kind):
    module = {"type": kind, "connection": "db"}
    return {"webhooks": [{"path": "/webhook/example", "modules": [module]}]}


def test_type_changed_back_and_forth_under_load(start, database, tmp_path):
    database.make_table()
    lite = {"type": "sqlite", "path": str(tmp_path / "events.db")}
    weir = start({"db": lite}, webhooks_of("sqlite"), {"migration_timeout": 30})
    load = Load(weir, clients=16)
    stalls = []
    for number in range(16):
        postgres = number % 2 == 0
        code, _ = weir.change({"db": database.connection()} if postgres else {"db": lite},
                              webhooks_of("postgresql" if postgres else "sqlite"))
        assert code == 200
        before = len(load.stored)
        since = time.monotonic()
        wait_until(lambda: len(load.stored) > before + 16, 20)  # pylint: disable=W0640
        stalls.append(time.monotonic() - since)
        time.sleep(0.2)
    load.stop()
    assert load.failed == [] and load.broken == [], (load.failed[:3], load.broken[:3])
    assert max(stalls) < 4, stalls
    with sqlite3.connect(lite["path"]) as file:
        rows = [row[0] for row in file.execute("SELECT id FROM webhook_events")]
    assert sorted(load.stored) == sorted(rows + list(database.ids()))


def test_what_waits_for_the_old_type_does_not_hold_up_the_new_one(start, database, tmp_path):
    database.make_table()
    lite = {"type": "sqlite", "path": str(tmp_path / "events.db")}
    weir = start({"db": database.connection(pool_min_size=0, pool_max_size=1)},
                 webhooks_of("postgresql"))
    assert weir.post({"a": 1})[0] == 200
    blocker = database.server.connect(database.name)
    blocker.autocommit = False
    blocker.cursor().execute("LOCK TABLE webhook_events IN ACCESS EXCLUSIVE MODE")
    try:
        load = Load(weir, clients=4, count=4)
        wait_until(lambda: weir.connection()["active_requests"] == 4)
        assert weir.change({"db": lite}, webhooks_of("sqlite"))[0] == 200
        since = time.monotonic()
        assert weir.post({"a": 2})[0] == 200
        assert time.monotonic() - since < 2
        # The one that was answered counts until its lane is done with it.
        wait_until(lambda: weir.connection()["active_requests"] == 4)
        connection = weir.connection()
        assert connection["type"] == "sqlite" and not connection["removed"]
        assert {version["type"] for version in connection["versions"]} == {"sqlite", "postgresql"}
        numbers = [version["version"] for version in connection["versions"]]
        assert len(set(numbers)) == len(numbers), numbers
    finally:
        blocker.close()
    load.join()
    assert len(load.stored) == 4
