# SPDX-License-Identifier: MIT
"""MySQL and MariaDB: what is peculiar to them."""
import pathlib
import shutil
import socket
import tempfile
import threading
import time

import pytest

import certificates
from backends import MySQL
from gateway import Load
from mariadb import MariaDB
from pgserver import wait_until
from stage import Call


@pytest.fixture(scope="module")
def mariadb():
    server = MariaDB()
    yield server
    server.remove()


@pytest.fixture
def database(mariadb):
    database = MySQL(mariadb)
    yield database
    database.drop()


@pytest.fixture(params=[True, False], ids=["arrays", "rows"])
def arrays(request):
    return request.param


def count(database, where="TRUE"):
    return database.run(f"SELECT count(*) FROM webhook_events WHERE {where}")[0][0]


def test_one_commit_for_a_batch(start, database, arrays):
    weir = start({"db": database.connection(array_binding=arrays, pool_max_size=1)},
                 database.webhooks())
    weir.post({"first": 1})
    before = int(database.server.run("SHOW GLOBAL STATUS LIKE 'Handler_commit'")[0][1])
    queue = weir.connection()["queue"]
    load = Load(weir, clients=64, count=3000).join()
    after = int(database.server.run("SHOW GLOBAL STATUS LIKE 'Handler_commit'")[0][1])
    batches = weir.connection()["queue"]["batches"] - queue["batches"]
    assert load.failed == [] and len(load.stored) == 3000
    assert batches < 2000, "nothing was batched"
    # Two handlers, InnoDB and the binary log, may count; rows never do.
    assert after - before <= 2 * batches + 50


def test_a_bad_row_fails_alone(start, database, arrays):
    database.slow_down(0)
    database.run("DROP TRIGGER slow")
    database.run("CREATE TRIGGER picky BEFORE INSERT ON webhook_events FOR EACH ROW"
                 " IF JSON_VALUE(NEW.payload, '$.bad') = '1' THEN"
                 " SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'no'; END IF")
    weir = start({"db": database.connection(array_binding=arrays, pool_max_size=1)},
                 database.webhooks())
    answers = []
    lock = threading.Lock()

    def post(number):
        code, answer = weir.post({"n": number, "bad": int(number % 10 == 0)})
        with lock:
            answers.append((number, code, answer))
    calls = [Call(post, number) for number in range(60)]
    for call in calls:
        call.result()
    for number, code, _ in answers:
        assert code == (422 if number % 10 == 0 else 200), number
    assert count(database) == 54
    assert weir.connection()["versions"][0]["totals"]["opened"] == 1, "the connection was healthy"


def test_a_written_id_is_not_a_duplicate_but_a_foreign_key_of_yours_is(start, database, arrays):
    """Idempotent by id; any other unique key is the table's own and refuses."""
    weir = start({"db": database.connection(array_binding=arrays)}, database.webhooks())
    assert weir.post({"k": 0})[0] == 200
    database.run("ALTER TABLE webhook_events ADD COLUMN k INT AS (JSON_VALUE(payload, '$.k'))"
                 " PERSISTENT UNIQUE")
    assert weir.post({"k": 1})[0] == 200
    code, answer = weir.post({"k": 1})
    assert code == 422 and answer["type"] == "urn:weir:error:rejected"
    assert count(database) == 2


def test_the_answer_to_a_commit_is_lost(start, database, arrays):
    """The row is there, the answer is not: it is written again, and is there once."""
    database.slow_down(0.2)
    weir = start({"db": database.connection(array_binding=arrays, pool_max_size=1)},
                 database.webhooks())
    for number in range(3):
        call = Call(weir.post, {"n": number})
        wait_until(lambda: database.server.run(
            "SELECT 1 FROM information_schema.processlist WHERE info LIKE 'INSERT%%' OR"
            " info LIKE '%%SLEEP%%' AND info NOT LIKE '%%processlist%%'"))
        database.kill_connections()
        assert call.result()[0] == 200
    assert count(database) == 3


def test_larger_than_a_packet_is_refused_and_large_batches_are_cut(start, mariadb, arrays):
    server = MariaDB("--max-allowed-packet=1M")
    database = MySQL(server)
    try:
        weir = start({"db": database.connection(array_binding=arrays, pool_max_size=1)},
                     database.webhooks(), {"limits": {"body": 3 << 20}})
        assert weir.post({"s": "x" * (2 << 20)})[0] == 422
        calls = [Call(weir.post, {"s": "x" * 100_000}) for _ in range(40)]
        assert {call.result()[0] for call in calls} == {200}
        assert count(database) == 40
        assert weir.connection()["versions"][0]["totals"]["opened"] == 1
    finally:
        server.remove()


def test_a_dropped_table_is_made_again(start, database, arrays):
    weir = start({"db": database.connection(array_binding=arrays)}, database.webhooks())
    assert weir.post({"a": 1})[0] == 200
    database.run("DROP TABLE webhook_events")
    assert weir.post({"a": 2})[0] == 200
    assert count(database) == 1
    database.run("DROP TABLE webhook_events")
    database.run("CREATE TABLE webhook_events (id INT)")
    assert weir.post({"a": 3})[0] == 503


def test_strict_whatever_the_server_says(start, database):
    database.server.run("SET GLOBAL sql_mode = ''")
    try:
        weir = start({"db": database.connection()}, database.webhooks())
        weir.post({"a": 0})
        database.run("ALTER TABLE webhook_events MODIFY webhook_id VARCHAR(3) NOT NULL")
        assert weir.post({"a": 1})[0] == 422, "truncated, rather than refused"
    finally:
        database.server.run("SET GLOBAL sql_mode = DEFAULT")


def test_a_read_only_server(start, database):
    weir = start({"db": database.connection()}, database.webhooks(), {"request_timeout": 2})
    assert weir.post({"a": 0})[0] == 200
    database.server.run("SET GLOBAL read_only = 1")
    try:
        assert weir.post({"a": 1})[0] == 503
        _, answer = weir.change({"db": database.connection("two")})
        assert answer["connections"]["db"]["outcome"] == "staging"
        assert answer["connections"]["db"]["reason"] == "the server is read-only"
    finally:
        database.server.run("SET GLOBAL read_only = 0")
    wait_until(lambda: weir.post({"a": 2})[0] == 200, 20)


def test_an_account_that_may_not_insert_stays_staging(start, database):
    weir = start({"db": database.connection()}, database.webhooks())
    assert weir.post({"a": 0})[0] == 200
    name = database.role("three")
    database.server.run(f"CREATE USER {name}@'%' IDENTIFIED BY 'pass-three'")
    database.server.run(f"GRANT SELECT ON {database.name}.* TO {name}@'%'")
    _, answer = weir.change({"db": database.connection("three")})
    assert answer["connections"]["db"]["outcome"] == "staging"
    assert answer["connections"]["db"]["reason"] == "a privilege is missing at the server"
    assert weir.post({"a": 1})[0] == 200
    database.server.run(f"GRANT INSERT ON {database.name}.* TO {name}@'%'")
    wait_until(lambda: weir.connection()["version"] == 2, 20)


@pytest.mark.parametrize("size", [4, 1])
def test_a_statement_that_waits_for_a_lock_is_killed_at_the_migration_timeout(start, database,
                                                                              size):
    weir = start({"db": database.connection("one", pool_min_size=0, pool_max_size=size)},
                 database.webhooks(), {"migration_timeout": 2, "request_timeout": 25})
    assert weir.post({"a": 0})[0] == 200
    blocker = database.server.connect(database.name)
    blocker.cursor().execute("LOCK TABLES webhook_events WRITE")
    call = Call(weir.post, {"blocked": 1})
    wait_until(lambda: database.server.run(
        "SELECT 1 FROM information_schema.processlist WHERE user = %s AND"
        " state LIKE '%%lock%%'", None, (database.role("one"),)))
    begun = time.monotonic()
    weir.change({"db": database.connection("two", pool_min_size=0, pool_max_size=size)})
    wait_until(lambda: database.role("one") not in database.roles_connected(), 10)
    assert 1.5 < time.monotonic() - begun < 4.5
    time.sleep(1)
    blocker.close()
    code, _ = call.result()
    assert code in (200, 503)
    assert count(database, "JSON_VALUE(payload, '$.blocked') = 1") == (1 if code == 200 else 0)


def test_past_the_operation_timeout_nothing_commits_later(start, database):
    weir = start({"db": database.connection(operation_timeout=1, pool_min_size=0)},
                 database.webhooks(), {"request_timeout": 2})
    assert weir.post({"a": 0})[0] == 200
    blocker = database.server.connect(database.name)
    blocker.cursor().execute("LOCK TABLES webhook_events WRITE")
    assert weir.post({"late": 1})[0] == 503
    wait_until(lambda: database.count() == 0, 10)
    blocker.close()
    time.sleep(0.5)
    assert count(database) == 1


def test_a_socket_and_a_password_of_any_bytes(start, database):
    password = "pass-'\"\\ü€ %{}\x01"
    database.server.run(f"CREATE USER {database.role('odd')}@'%%' IDENTIFIED BY %s", None,
                        (password,))
    database.server.run(f"GRANT ALL ON {database.name}.* TO {database.role('odd')}@'%'")
    weir = start({"db": database.connection(
        "odd", host=str(database.server.socket), password=password)}, database.webhooks())
    assert weir.post({"a": 0})[0] == 200


def test_a_full_disk_acknowledges_nothing(start, tmp_path):
    """A tablespace of limited size stands for it: "the table is full"."""
    server = MariaDB("--innodb-data-file-path=ibdata1:12M:autoextend:max:24M",
                     "--innodb-file-per-table=0")
    database = MySQL(server)
    try:
        weir = start({"db": database.connection()}, database.webhooks(),
                     {"request_timeout": 2})
        codes = []
        for _ in range(200):
            codes.append(weir.post({"s": "x" * 300_000})[0])
            if codes[-1] != 200:
                break
        assert codes[-1] == 503 and codes.count(200) > 3
        assert count(database) == codes.count(200)
    finally:
        server.remove()


@pytest.fixture(scope="module")
def encrypted(tmp_path_factory):
    directory = pathlib.Path(tempfile.mkdtemp(prefix="weir-ca-", dir="/tmp"))
    certificates.make(directory)
    server = MariaDB(f"--ssl-ca={directory / 'ca.pem'}", f"--ssl-cert={directory / 'server.pem'}",
                     f"--ssl-key={directory / 'server.key'}", "--require-secure-transport=ON")
    yield directory, server
    server.remove()
    shutil.rmtree(directory)


@pytest.mark.parametrize("keys, works", [
    ({}, True),
    ({"ssl_mode": "required"}, True),
    ({"ssl_mode": "verify_ca", "ssl_ca": "ca.pem"}, True),
    ({"ssl_mode": "verify_identity", "ssl_ca": "ca.pem", "host": "localhost"}, True),
    ({"ssl_mode": "verify_identity", "ssl_ca": "ca.pem", "host": "127.0.0.1"}, False),
    ({"ssl_mode": "verify_ca", "ssl_ca": "other.pem"}, False),
    ({"ssl_mode": "verify_identity", "ssl_ca": "other.pem", "host": "localhost"}, False),
    ({"ssl_mode": "disabled"}, False)])
def test_tls(start, encrypted, keys, works):
    directory, server = encrypted
    database = MySQL(server)
    if "ssl_ca" in keys:
        keys = {**keys, "ssl_ca": str(directory / keys["ssl_ca"])}
    try:
        weir = start({"db": database.connection(acquisition_timeout=1, **keys)},
                     database.webhooks())
        assert weir.post({"a": 0})[0] == (200 if works else 503), weir.log()
        if not works and keys != {"ssl_mode": "disabled"}:
            assert "WEIR_ETLS" in weir.log()
    finally:
        database.drop()


def test_deadlines_hold_with_tls(start, encrypted):
    """What is given up is killed, the lane goes on, and the end is not held up."""
    _, server = encrypted
    database = MySQL(server)
    try:
        database.slow_down(120)
        weir = start({"db": database.connection(pool_max_size=1, operation_timeout=1)},
                     database.webhooks(), {"request_timeout": 4})
        running = ("SELECT id FROM information_schema.processlist WHERE info LIKE '%SLEEP%' AND"
                   " info NOT LIKE '%processlist%'")
        call = Call(weir.post, {"a": 1})
        wait_until(lambda: server.run(running))
        wait_until(lambda: "status=WEIR_EDEADLINE" in weir.log(), 3)
        wait_until(lambda: not server.run(running), 5)
        assert call.result()[0] == 503
        since = time.monotonic()
        assert weir.stop() == 0 and time.monotonic() - since < 4
        assert "shutdown-forced" not in weir.log()
    finally:
        database.drop()


def test_a_server_that_is_silent_within_the_handshake(start):
    """It greets, offers TLS, and says nothing more: libmariadb would wait for ever."""
    greeting = (b"\x0a10.11.0-MariaDB\0" + b"\x01\0\0\0" + b"12345678\0" + b"\x08\x8a" + b"\x2d"
                + b"\x02\0" + b"\x08\0" + b"\x15" + bytes(10) + b"123456789012\0"
                + b"mysql_native_password\0")
    accepted = []

    def greet(listener):
        while True:
            client, _ = listener.accept()
            client.sendall(len(greeting).to_bytes(3, "little") + b"\0" + greeting)
            accepted.append((client, client.recv(4)))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=greet, args=(listener,), daemon=True).start()
        weir = start({"db": {"type": "mysql", "host": "127.0.0.1", "database": "d", "user": "u",
                             "port": listener.getsockname()[1], "ssl_mode": "required",
                             "connect_timeout": 1}}, {"webhooks": []}, start=False)
        since = time.monotonic()
        done = weir.command("check", "--config", str(weir.config), "--connect")
        assert done.returncode == 3 and time.monotonic() - since < 5
        assert "did not answer in time" in done.stderr
        assert accepted[0][1] == b"\x20\0\0\x01", "it was not asked for TLS"


@pytest.mark.parametrize("mode, works", [("preferred", True), ("required", False)])
def test_a_server_without_tls(start, database, mode, works):
    weir = start({"db": database.connection(acquisition_timeout=1, ssl_mode=mode)},
                 database.webhooks())
    assert weir.post({"a": 0})[0] == (200 if works else 503)
