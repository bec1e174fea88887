# SPDX-License-Identifier: MIT
"""A webhook posted is a committed row, and 200 is said only then."""
import json
import threading
import time

from conftest import WEBHOOKS
from gateway import Load
from pgserver import wait_until


def test_the_documented_configuration_stores_a_row(start, server):
    server.run("CREATE DATABASE webhooks")
    server.run("CREATE ROLE webhook_user LOGIN PASSWORD 'secure_password'")
    server.run("GRANT ALL ON SCHEMA public TO webhook_user", "webhooks")
    weir = start({"my_postgres_connection": {
        "type": "postgresql", "host": "localhost", "port": server.port, "database": "webhooks",
        "user": "webhook_user", "password": "secure_password", "pool_min_size": 2,
        "pool_max_size": 10}},
        {"webhooks": [{"path": "/webhook/example", "modules": [
            {"type": "postgresql", "connection": "my_postgres_connection"}]}]})
    status, answer = weir.post('{"a":1}')
    assert status == 200 and answer["status"] == "stored"
    rows = server.run("SELECT id::text, webhook_id, payload, headers, "
                      "abs(extract(epoch from now() - received_at)) < 60 FROM webhook_events",
                      "webhooks")
    assert len(rows) == 1
    assert rows[0][:3] == (answer["id"], "example", {"a": 1})
    assert rows[0][3]["content-type"] == "application/json" and rows[0][4] is True
    assert weir.stop() == 0
    server.run("DROP DATABASE webhooks WITH (FORCE)")


def test_credentials_are_not_stored_with_the_headers(start, database):
    weir = start({"db": database.connection()})
    status, _, _ = weir.request("POST", "/webhook/example", "{}", {
        "Content-Type": "application/json", "Authorization": "Bearer secret", "Cookie": "a=b",
        "X-Hub-Signature-256": "sha256=00", "X-Kind": "test"})
    assert status == 200
    headers = database.run("SELECT headers FROM webhook_events")[0][0]
    assert headers["x-kind"] == "test"
    assert not {"authorization", "cookie", "x-hub-signature-256"} & set(headers)


def in_thread(function):
    result = {}
    thread = threading.Thread(target=lambda: result.update(answer=function()), daemon=True)
    thread.start()
    return thread, result


def test_200_waits_for_a_lock_on_the_table(start, database):
    database.make_table()
    weir = start({"db": database.connection()})
    assert weir.post({"a": 0})[0] == 200
    blocker = database.server.connect(database.name)
    blocker.autocommit = False
    blocker.cursor().execute("LOCK TABLE webhook_events IN ACCESS EXCLUSIVE MODE")
    thread, result = in_thread(lambda: weir.post({"a": 1}))
    wait_until(lambda: weir.status()["active_requests"] == 1)
    thread.join(0.5)
    assert thread.is_alive(), "answered before the commit"
    blocker.rollback()
    thread.join(10)
    assert result["answer"][0] == 200
    assert len(database.ids()) == 2
    blocker.close()


def test_200_waits_for_a_stopped_server(start, database):
    weir = start({"db": database.connection()})
    assert weir.post({"a": 0})[0] == 200
    database.server.freeze()
    try:
        thread, result = in_thread(lambda: weir.post({"a": 1}))
        wait_until(lambda: weir.status()["active_requests"] == 1)
        thread.join(0.5)
        assert thread.is_alive(), "answered by a server that is stopped"
    finally:
        database.server.thaw()
    thread.join(20)
    assert result["answer"][0] == 200
    assert len(database.ids()) == 2


def test_ten_thousand_posts_within_the_maximum(start, database):
    weir = start({"db": database.connection(pool_min_size=2, pool_max_size=5,
                                            idle_timeout=1)})
    assert database.backends() == [], "a backend connection before the first post"
    load = Load(weir, clients=64, count=10000)
    most = 0
    while any(thread.is_alive() for thread in load.threads):
        most = max(most, len(database.backends()))
        time.sleep(0.02)
    load.join()
    assert load.failed == [] and load.broken == []
    assert len(set(load.stored)) == 10000
    assert sorted(database.ids()) == sorted(load.stored)
    assert 1 <= most <= 5
    time.sleep(2.5)
    assert len(database.backends()) >= 2


def test_digits_arrive_as_they_were_sent(start, database):
    weir = start({"db": database.connection()})
    number = "12345678901234567890123456789"
    assert weir.post('{"n":%s,"e":1e308,"f":0.1000000000000000055511151231257827}' % number)[0] == 200
    text = database.run("SELECT payload::text FROM webhook_events")[0][0]
    assert number in text and "0.1000000000000000055511151231257827" in text
    assert json.loads(text)["e"] == 10**308


def test_what_jsonb_refuses_is_refused_and_the_rest_is_stored(start, database):
    database.make_table()
    database.slow_down(0.05)
    weir = start({"db": database.connection(pool_min_size=0, pool_max_size=1)})
    good, bad = [], []

    def send(number):
        body = '{"n":"\\u0000"}' if number % 10 == 0 else '{"n":%d}' % number
        if number % 10 == 5:
            body = '{"n":1e999999}'
        (bad if number % 5 == 0 else good).append(weir.post(body)[0])

    threads = [threading.Thread(target=send, args=(i,)) for i in range(60)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert set(bad) == {422} and set(good) == {200}
    assert len(database.ids()) == 48
    totals = weir.connection()["totals"]
    assert totals["opened"] == 1, "a refused row must not cost the connection"


def test_a_constraint_rejects_its_row_alone(start, database):
    database.make_table()
    database.run("ALTER TABLE webhook_events ADD CHECK (payload->>'a' <> 'bad')")
    weir = start({"db": database.connection()})
    status, answer = weir.post({"a": "bad"})
    assert status == 422 and answer["type"] == "urn:weir:error:rejected"
    assert weir.post({"a": "good"})[0] == 200


def test_a_dropped_table_is_made_again(start, database):
    weir = start({"db": database.connection()})
    assert weir.post({"a": 1})[0] == 200
    database.run("DROP TABLE webhook_events")
    assert weir.post({"a": 2})[0] == 200
    assert len(database.ids()) == 1


def test_two_modules_store_both(start, database, tmp_path):
    webhooks = {"webhooks": [{"path": "/webhook/example", "id": "both", "modules": [
        {"type": "postgresql", "connection": "db", "table": "first"},
        {"type": "postgres", "connection": "db", "module-config": {"table": "second"}},
        {"type": "sqlite", "connection": "file"}]}]}
    weir = start({"db": database.connection(),
                  "file": {"type": "sqlite", "path": str(tmp_path / "weir.db")}}, webhooks)
    assert weir.post({"a": 1})[0] == 200
    import sqlite3
    ids = {database.run("SELECT id::text FROM first")[0][0],
           database.run("SELECT id::text FROM second")[0][0],
           sqlite3.connect(tmp_path / "weir.db").execute("SELECT id FROM webhook_events")
           .fetchone()[0]}
    assert len(ids) == 1


def test_webhooks_share_a_pool(start, database):
    webhooks = {"webhooks": [
        {"path": f"/webhook/{name}", "modules": WEBHOOKS["webhooks"][0]["modules"]}
        for name in ("a", "b")]}
    weir = start({"db": database.connection(pool_min_size=0, pool_max_size=1)}, webhooks)
    assert weir.post({}, "/webhook/a")[0] == 200
    assert weir.post({}, "/webhook/b")[0] == 200
    assert len(database.backends()) == 1
    assert weir.connection()["totals"]["opened"] == 1


def test_odd_bytes_in_a_password(start, database):
    password = "pass-' \"\\ =%s é\x01{x}"
    role = database.role("one")
    connection = database.server.connect()
    connection.cursor().execute(f"ALTER ROLE {role} PASSWORD %s", (password,))
    connection.close()
    weir = start({"db": {**database.connection(), "password": "{$ODD}"}},
                 environment={"ODD": password})
    assert weir.post({})[0] == 200


def test_a_unix_socket_and_several_hosts(start, database):
    database.server.run(f"ALTER ROLE {database.role('one')} SUPERUSER")
    weir = start({"db": database.connection(host=str(database.server.directory))})
    assert weir.post({})[0] == 200
    assert weir.change({"db": database.connection(host="127.0.0.2,127.0.0.1")})[0] == 200
    wait_until(lambda: weir.connection()["version"] == 2)
    assert weir.post({})[0] == 200


def test_a_table_seen_while_somebody_else_creates_it(start, database):
    """By its name it is there already, by the query's snapshot its columns are not."""
    daemons = [start({"db": database.connection(pool_min_size=4)}, None, {"limits": {"batch": 1}})
               for _ in range(4)]
    for _ in range(25):
        database.run("DROP TABLE IF EXISTS webhook_events")
        loads = [Load(weir, clients=4, count=8) for weir in daemons]
        for load in loads:
            load.join()
            assert load.failed == [] and load.broken == [], load.failed[:3]
