# SPDX-License-Identifier: MIT
"""The configuration changes under load, and no request fails for it."""
import threading
import time

import pytest

from gateway import Load
from pgserver import wait_until


class Watcher:
    """Counts the server's own list of backend connections, and what the status shows, meanwhile."""

    def __init__(self, database, weir):
        self.database, self.weir = database, weir
        self.most, self.states, self.reasons = 0, set(), set()
        self.stopping = False
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        session = self.database.server.connect()
        while not self.stopping:
            with session.cursor() as cursor:
                cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND "
                               "application_name = 'weir'", (self.database.name,))
                self.most = max(self.most, cursor.fetchone()[0])
            for version in self.weir.connection()["versions"]:
                self.states.add(version["state"])
                if version["state"] == "staging":
                    self.reasons.add(version["reason"])
            time.sleep(0.005)
        session.close()

    def stop(self):
        self.stopping = True
        self.thread.join(10)
        return self


def check_exactly_once(database, load):
    assert load.broken == [] and load.failed == [], (load.failed[:5], load.broken[:5])
    assert len(load.stored) > 100
    assert sorted(load.stored) == sorted(database.ids()), "a row was lost or doubled"


def test_fifty_reloads_under_full_load(start, database):
    database.make_table()
    database.slow_down(0.05)
    # Batches of four, so that 64 clients keep all ten backend connections busy.
    weir = start({"db": database.connection("one")}, None, {"limits": {"batch": 4}})
    load = Load(weir, clients=64)
    wait_until(lambda: weir.connection()["versions"][0]["size"]["open"] == 10, 20)
    watcher = Watcher(database, weir)
    roles = ["two", "one"] * 25
    for role in roles:
        code, answer = weir.change({"db": database.connection(role)})
        assert code == 200 and answer["connections"]["db"]["outcome"] in ("migrated", "staging")
        time.sleep(0.05)
    wait_until(lambda: all(row[1] == database.role("one") for row in database.backends()), 20)
    load.stop()
    watcher.stop()
    check_exactly_once(database, load)
    assert watcher.most <= 10, watcher.most
    assert {"active", "deprecated"} <= watcher.states
    states = [version["state"] for version in weir.connection()["versions"]]
    assert states == ["active"]


def test_every_second_reload_with_a_wrong_password(start, database):
    database.make_table()
    database.slow_down(0.05)
    # Batches of four, so that 64 clients keep all ten backend connections busy.
    weir = start({"db": database.connection("one")}, None, {"limits": {"batch": 4}})
    load = Load(weir, clients=64)
    wait_until(lambda: weir.connection()["versions"][0]["size"]["open"] == 10, 20)
    watcher = Watcher(database, weir)
    outcomes = []
    for number in range(50):
        connection = database.connection("two" if number % 4 == 1 else "one")
        if number % 2 == 0:
            connection["password"] = "pass-wrong"
        outcomes.append(weir.change({"db": connection})[1]["connections"]["db"])
        if number % 2 == 0:
            assert outcomes[-1]["outcome"] == "staging"
            assert outcomes[-1]["reason"] == "the server refused the credentials"
    load.stop()
    watcher.stop()
    check_exactly_once(database, load)
    assert watcher.most <= 10, watcher.most
    assert "the server refused the credentials" in watcher.reasons


def blocked_insert(database, weir):
    """A webhook whose insert waits for a lock; the session that holds it."""
    blocker = database.server.connect(database.name)
    blocker.autocommit = False
    blocker.cursor().execute("LOCK TABLE webhook_events IN ACCESS EXCLUSIVE MODE")
    result = {}
    thread = threading.Thread(target=lambda: result.update(answer=weir.post({"blocked": True})),
                              daemon=True)
    thread.start()
    wait_until(lambda: [row for row in database.backends()
                        if row[2] == "active" and "INSERT" in row[3]])
    return blocker, thread, result


def pids_of(database, role):
    return {row[0] for row in database.backends() if row[1] == database.role(role)}


@pytest.mark.parametrize("size", [10, 1])
def test_the_old_version_is_forced_to_close_at_the_migration_timeout(start, database, size):
    database.make_table()
    other = {"path": "/webhook/other", "modules": [
        {"type": "postgresql", "connection": "other", "table": "elsewhere"}]}
    mine = {"path": "/webhook/example", "modules": [{"type": "postgresql", "connection": "db"}]}
    connections = {"db": database.connection("one", pool_min_size=0, pool_max_size=size),
                   "other": database.connection("one", pool_min_size=0, application_name="rest")}
    weir = start(connections, {"webhooks": [mine, other]},
                 {"migration_timeout": 2, "request_timeout": 25})
    assert weir.post({"a": 0})[0] == 200
    assert weir.post({"a": 0}, "/webhook/other")[0] == 200
    blocker, thread, result = blocked_insert(database, weir)
    old = pids_of(database, "one")
    connections["db"] = database.connection("two", pool_min_size=0, pool_max_size=size)
    begun = time.monotonic()
    weir.change(connections)
    assert weir.post({"a": 1}, "/webhook/other")[0] == 200, "somebody else was touched"
    wait_until(lambda: not pids_of(database, "one"), 10)
    took = time.monotonic() - begun
    assert 1.5 < took < 4.5, took
    assert weir.post({"a": 2}, "/webhook/other")[0] == 200
    time.sleep(max(0, 6 - took))
    blocker.rollback()
    blocker.close()
    thread.join(30)
    code, answer = result["answer"]
    ids = database.ids()
    assert old and len(ids) == len(set(ids))
    if code == 200:
        assert answer["id"] in ids and len(ids) == 2
    else:
        assert code == 503 and "stored" not in str(answer)
    blocked = database.run("SELECT count(*) FROM webhook_events WHERE payload ? 'blocked'")
    assert blocked[0][0] <= 1


def test_a_wrong_password_to_a_pool_of_one_keeps_serving(start, database):
    weir = start({"db": database.connection("one", pool_min_size=0, pool_max_size=1)})
    assert weir.post({"a": 0})[0] == 200
    wrong = {**database.connection("one", pool_min_size=0, pool_max_size=1),
             "password": "pass-wrong"}
    code, answer = weir.change({"db": wrong})
    assert code == 200 and answer["connections"]["db"]["outcome"] == "staging"
    for number in range(20):
        assert weir.post({"n": number})[0] == 200
        time.sleep(0.05)
    assert len(database.ids()) == 21
    assert weir.connection()["version"] == 1


def test_three_changes_in_one_window_leave_the_newest_only(start, database):
    database.add_role("three")
    database.add_role("four")
    database.make_table()
    weir = start({"db": database.connection("one")})
    load = Load(weir, clients=16)
    time.sleep(0.3)
    for role in ("two", "three", "four"):
        assert weir.change({"db": database.connection(role)})[0] == 200
    load.stop()
    wait_until(lambda: {row[1] for row in database.backends()} == {database.role("four")})
    check_exactly_once(database, load)
    # weir hears a moment later than the server that the last one is closed.
    wait_until(lambda: [(version["version"], version["state"])
                        for version in weir.connection()["versions"]] == [(4, "active")])
    assert weir.stop() == 0
    assert database.backends() == []


def test_a_role_that_may_not_insert_stays_staging(start, database):
    weir = start({"db": database.connection("one")})
    assert weir.post({"a": 0})[0] == 200
    database.add_role("three", grants=False)
    code, answer = weir.change({"db": database.connection("three")})
    assert code == 200
    assert answer["connections"]["db"]["outcome"] == "staging"
    assert answer["connections"]["db"]["reason"] == "a privilege is missing at the server"
    assert weir.post({"a": 1})[0] == 200
    staging = [version for version in weir.connection()["versions"]
               if version["state"] == "staging"]
    assert staging[0]["reason"] == "a privilege is missing at the server"
    assert database.role("three") in weir.log(), "the operator's log names the role"
    database.run(f"GRANT SELECT, INSERT ON webhook_events TO {database.role('three')}")
    wait_until(lambda: weir.connection()["version"] == 2, 20)
    assert weir.post({"a": 2})[0] == 200


def test_a_removed_connection_leaves_with_the_last_who_may_use_it(start, tmp_path):
    """The first configuration was held until the end, and what it named until migration_timeout."""
    file = {"type": "sqlite", "path": str(tmp_path / "x.db")}
    webhooks = {name: {"webhooks": [{"path": "/webhook/example", "modules": [
        {"type": "sqlite", "connection": name}]}]} for name in ("one", "two", "three")}
    weir = start({"one": file}, webhooks["one"])
    for name in ("two", "three"):
        assert weir.post({})[0] == 200
        assert weir.change({name: file}, webhooks[name])[0] == 200
        wait_until(lambda n=name: set(weir.status()["connections"]) == {n})


def test_a_removed_connection_finishes_what_was_accepted(start, database):
    database.make_table()
    weir = start({"db": database.connection("one")})
    assert weir.post({"a": 0})[0] == 200
    blocker, thread, result = blocked_insert(database, weir)
    code, answer = weir.change({}, {"webhooks": []})
    assert code == 200 and answer["connections"]["db"]["outcome"] == "removed"
    assert weir.post({})[0] == 404
    blocker.rollback()
    blocker.close()
    thread.join(20)
    assert result["answer"][0] == 200
    assert len(database.ids()) == 2
    wait_until(lambda: database.backends() == [])


def test_strict_refuses_what_cannot_be_proven(start, database):
    database.make_table()
    weir = start({"db": database.connection("one")})
    assert weir.post({"a": 0})[0] == 200
    wrong = {**database.connection("two"), "password": "pass-wrong"}
    code, answer = weir.change({"db": wrong}, strict=True)
    assert code == 422
    assert answer["errors"][0]["pointer"] == "/db"
    assert "credentials" in answer["errors"][0]["message"]
    assert weir.status()["config"]["generation"] == 1
    assert weir.post({"a": 1})[0] == 200
    wait_until(lambda: [v["state"] for v in weir.connection()["versions"]] == ["active"])
    assert weir.change({"db": database.connection("two")}, strict=True)[0] == 200
    assert weir.connection()["version"] > 1
