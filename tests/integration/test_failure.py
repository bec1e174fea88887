# SPDX-License-Identifier: MIT
"""Servers that die, hang, or are killed; daemons that are killed: nothing acknowledged is lost."""
import threading
import time

from faultproxy import Proxy
from gateway import Load, Weir
from pgserver import Postgres, wait_until


def check_nothing_lost(ids, load):
    missing = set(load.stored) - set(ids)
    assert not missing, f"{len(missing)} acknowledged webhooks are not there"
    assert len(ids) == len(set(ids))


def test_all_backend_connections_killed_under_load(start, database):
    weir = start({"db": database.connection()})
    load = Load(weir, clients=32)
    wait_until(lambda: len(load.stored) > 200, 20)
    for _ in range(5):
        database.server.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE "
                            "datname = %s AND application_name = 'weir'",
                            arguments=(database.name,))
        time.sleep(0.3)
    before = len(load.stored)
    wait_until(lambda: len(load.stored) > before + 200, 20)
    load.stop()
    assert load.failed == [] and load.broken == [], (load.failed[:3], load.broken[:3])
    check_nothing_lost(database.ids(), load)


def test_the_server_restarted_under_load(start):
    server = Postgres(fsync=True)
    try:
        server.run("CREATE ROLE one LOGIN PASSWORD 'pass-one'")
        server.run("GRANT ALL ON SCHEMA public TO one")
        weir = start({"db": {"type": "postgresql", "host": "127.0.0.1", "port": server.port,
                             "database": "postgres", "user": "one", "password": "pass-one"}})
        load = Load(weir, clients=32)
        wait_until(lambda: len(load.stored) > 200, 20)
        for mode in ("fast", "immediate"):
            server.stop(mode)
            time.sleep(0.5)
            server.start()
            before = len(load.stored)
            wait_until(lambda: len(load.stored) > before + 200, 30)
        load.stop()
        ids = [row[0] for row in server.run("SELECT id::text FROM webhook_events")]
        check_nothing_lost(ids, load)
        assert load.broken == []
        assert {status for status, _ in load.failed} <= {503}
        assert weir.stop() == 0
    finally:
        server.remove()


def test_the_daemon_killed_under_load(start, database):
    weir = start({"db": database.connection()})
    load = Load(weir, clients=32)
    wait_until(lambda: len(load.stored) > 500, 20)
    weir.kill()
    load.stop()
    check_nothing_lost(database.ids(), load)


def test_a_server_that_stays_down_is_said_to_be_at_once(start, database):
    proxy = Proxy(database.server.port)
    weir = start({"db": database.connection(port=proxy.port, acquisition_timeout=3,
                                            breaker_after=0.5)})
    assert weir.post({})[0] == 200
    proxy.refuse()
    assert weir.post({})[1]["type"] == "urn:weir:error:destination-unavailable"
    wait_until(lambda: weir.connection()["breaker_open"], 10)
    for _ in range(5):
        begun = time.monotonic()
        status, answer = weir.post({})
        assert (status, answer["type"]) == (503, "urn:weir:error:destination-unavailable")
        assert time.monotonic() - begun < 1.5, "it was let wait"
    assert "event=breaker-opened" in weir.log() and "event=open-failed" in weir.log()
    proxy.resume()  # nobody posts meanwhile: it finds out by itself
    wait_until(lambda: not weir.connection()["breaker_open"], 10)
    assert weir.request("GET", "/readyz")[0] == 200
    assert weir.post({})[0] == 200
    proxy.close()


def test_a_server_that_is_down_is_said_to_be_unavailable(start, database):
    proxy = Proxy(database.server.port)
    proxy.refuse()
    weir = start({"db": database.connection(port=proxy.port, acquisition_timeout=1)})
    begun = time.monotonic()
    status, answer = weir.post({})
    assert (status, answer["type"]) == (503, "urn:weir:error:destination-unavailable")
    assert 0.8 < time.monotonic() - begun < 3
    assert weir.request("GET", "/readyz")[0] == 503
    proxy.resume()
    wait_until(lambda: weir.post({})[0] == 200, 20)
    assert weir.request("GET", "/readyz")[0] == 200
    proxy.close()


def test_a_pool_in_full_use_is_said_to_be_exhausted(start, database):
    database.make_table()
    weir = start({"db": database.connection(pool_min_size=0, pool_max_size=1,
                                            acquisition_timeout=0.5)})
    assert weir.post({})[0] == 200
    blocker = database.server.connect(database.name)
    blocker.autocommit = False
    blocker.cursor().execute("LOCK TABLE webhook_events IN ACCESS EXCLUSIVE MODE")
    first = {}
    thread = threading.Thread(target=lambda: first.update(answer=weir.post({"a": 1})), daemon=True)
    thread.start()
    wait_until(lambda: weir.connection()["queue"]["writing"] == 1)
    begun = time.monotonic()
    status, answer = weir.post({"a": 2})
    assert (status, answer["type"]) == (503, "urn:weir:error:pool-exhausted")
    assert 0.4 < time.monotonic() - begun < 2
    blocker.rollback()
    thread.join(10)
    assert first["answer"][0] == 200
    blocker.close()


def test_a_silent_server_slows_nobody_else(start, database):
    proxy = Proxy(database.server.port)
    silent = {"path": "/webhook/silent", "modules": [
        {"type": "postgresql", "connection": "silent", "table": "silent_events"}]}
    mine = {"path": "/webhook/example", "modules": [{"type": "postgresql", "connection": "db"}]}
    weir = start({"db": database.connection(),
                  "silent": database.connection(port=proxy.port, connect_timeout=3)},
                 {"webhooks": [mine, silent]}, {"request_timeout": 4, "shutdown_timeout": 6})
    assert weir.post({}, "/webhook/silent")[0] == 200
    proxy.stall()
    hung = Load(weir, clients=40, path="/webhook/silent")
    wait_until(lambda: weir.connection("silent")["active_requests"] > 30)
    slowest = 0.0
    for number in range(100):
        begun = time.monotonic()
        assert weir.post({"n": number})[0] == 200
        assert weir.request("GET", "/healthz")[0] == 200
        weir.status()
        slowest = max(slowest, time.monotonic() - begun)
    assert slowest < 1.0, slowest
    wait_until(lambda: hung.failed, 15)
    assert {answer["type"] for _, answer in hung.failed} <= {
        "urn:weir:error:destination-unavailable", "urn:weir:error:pool-exhausted"}
    hung.stopping = True
    proxy.resume()
    hung.join(60)
    proxy.close()


def test_request_timeout_answers_and_stores_once(start, database):
    database.make_table()
    weir = start({"db": database.connection(operation_timeout=20)}, None, {"request_timeout": 1})
    assert weir.post({})[0] == 200
    blocker = database.server.connect(database.name)
    blocker.autocommit = False
    blocker.cursor().execute("LOCK TABLE webhook_events IN ACCESS EXCLUSIVE MODE")
    begun = time.monotonic()
    status, answer = weir.post({"a": 1})
    assert (status, answer["type"]) == (503, "urn:weir:error:destination-unavailable")
    assert 0.9 < time.monotonic() - begun < 2.5
    assert answer["id"] in weir.log(), "the id is remembered"
    blocker.rollback()
    blocker.close()
    wait_until(lambda: weir.connection()["queue"]["writing"] == 0)
    assert len(database.ids()) <= 2


def test_operation_timeout_cancels_the_statement(start, database):
    database.make_table()
    weir = start({"db": database.connection(operation_timeout=0.5, acquisition_timeout=1)}, None,
                 {"request_timeout": 2})
    assert weir.post({})[0] == 200
    blocker = database.server.connect(database.name)
    blocker.autocommit = False
    blocker.cursor().execute("LOCK TABLE webhook_events IN ACCESS EXCLUSIVE MODE")
    status, _ = weir.post({"a": 1})
    assert status == 503
    wait_until(lambda: not [row for row in database.backends() if row[2] == "active"])
    blocker.rollback()
    blocker.close()
    time.sleep(0.5)
    assert len(database.ids()) == 1, "a statement that was given up has committed"


def test_sigterm_finishes_what_was_accepted(start, database):
    database.make_table()
    database.slow_down(0.2)
    weir = start({"db": database.connection()})
    load = Load(weir, clients=32)
    wait_until(lambda: len(load.stored) > 50, 20)
    load.stopping = True
    assert weir.stop() == 0
    load.join(20)
    check_nothing_lost(database.ids(), load)
    assert {status for status, _ in load.failed} <= {503}
    assert database.backends() == []


def test_sigterm_with_a_hung_backend_keeps_the_grace_period(start, database):
    proxy = Proxy(database.server.port)
    weir = start({"db": database.connection(port=proxy.port)}, None, {"shutdown_timeout": 4})
    assert weir.post({})[0] == 200
    proxy.stall()
    load = Load(weir, clients=4)
    wait_until(lambda: weir.status()["active_requests"] >= 1)
    load.stopping = True
    begun = time.monotonic()
    assert weir.stop() == 0
    assert time.monotonic() - begun < 6
    load.join(10)
    assert not load.stored or set(load.stored) <= set(database.ids())
    proxy.close()


def test_a_second_sigterm_hurries(start, database):
    database.make_table()
    weir = start({"db": database.connection()}, None, {"shutdown_timeout": 60})
    assert weir.post({})[0] == 200
    blocker = database.server.connect(database.name)
    blocker.autocommit = False
    blocker.cursor().execute("LOCK TABLE webhook_events IN ACCESS EXCLUSIVE MODE")
    thread = threading.Thread(target=lambda: weir.post({"a": 1}), daemon=True)
    thread.start()
    wait_until(lambda: weir.connection()["queue"]["writing"] == 1)
    begun = time.monotonic()
    weir.process.terminate()
    wait_until(lambda: "event=shutting-down" in weir.log())
    assert weir.stop() == 0
    assert time.monotonic() - begun < 5
    thread.join(10)
    blocker.rollback()
    blocker.close()
    time.sleep(0.3)
    assert len(database.ids()) == 1


def test_sqlite_keeps_what_it_acknowledged(tmp_path):
    """The embedded default, killed under load; and a database that somebody else has locked."""
    import sqlite3
    weir = Weir({}, {"webhooks": []}, start=False)
    try:
        weir.start(["--state", str(tmp_path / "state"), "--listen", "127.0.0.1:0"])
        out = (weir.directory / "out").read_text()
        assert "curl" in out and f":{weir.port}/webhook/example" in out
        load = Load(weir, clients=16)
        wait_until(lambda: len(load.stored) > 200, 20)
        weir.kill()
        load.stop()
        path = tmp_path / "state" / "weir.db"
        ids = [row[0] for row in sqlite3.connect(path).execute("SELECT id FROM webhook_events")]
        check_nothing_lost(ids, load)
        weir.start(["--state", str(tmp_path / "state"), "--listen", "127.0.0.1:0"])
        assert weir.post({})[0] == 200
        assert weir.stop() == 0
    finally:
        weir.remove()


def test_a_full_disk_is_not_acknowledged(start, tmp_path):
    import resource
    import sqlite3
    path = tmp_path / "weir.db"
    webhooks = {"webhooks": [{"path": "/webhook/example",
                              "modules": [{"type": "sqlite", "connection": "file"}]}]}
    weir = start({"file": {"type": "sqlite", "path": str(path)}}, webhooks,
                 {"request_timeout": 2}, start=False)
    weir.start()
    assert weir.post({"a": 0})[0] == 200
    resource.prlimit(weir.process.pid, resource.RLIMIT_FSIZE, (200_000, resource.RLIM_INFINITY))
    stored, refused = [], []
    for number in range(40):
        status, answer = weir.post({"n": number, "text": "x" * 8000})
        (stored if status == 200 else refused).append(answer["id"])
        if len(refused) > 1:
            break
    assert refused, "the limit was never reached"
    resource.prlimit(weir.process.pid, resource.RLIMIT_FSIZE,
                     (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    wait_until(lambda: weir.post({"after": 1})[0] == 200, 20)
    assert weir.stop() == 0
    ids = {row[0] for row in sqlite3.connect(path).execute("SELECT id FROM webhook_events")}
    assert set(stored) <= ids


def test_a_server_that_has_become_read_only(start, database):
    """A primary that is one no more: nothing is acknowledged, and it recovers by itself."""
    database.make_table()
    weir = start({"db": database.connection()}, None, {"request_timeout": 2})
    load = Load(weir, clients=8)
    wait_until(lambda: len(load.stored) > 100, 20)
    database.run_admin(f"ALTER DATABASE {database.name} SET default_transaction_read_only = on")
    database.run_admin("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                       f" WHERE datname = '{database.name}' AND application_name = 'weir'")
    wait_until(lambda: load.failed, 20)
    assert weir.post({"a": 1})[0] == 503
    assert "WEIR_EREADONLY" in weir.log()
    database.run_admin(f"ALTER DATABASE {database.name} RESET default_transaction_read_only")
    before = len(load.stored)
    wait_until(lambda: len(load.stored) > before + 100, 30)
    load.stop()
    assert load.broken == [] and {code for code, _ in load.failed} == {503}
    assert set(load.stored) <= set(database.ids())
