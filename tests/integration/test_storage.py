# SPDX-License-Identifier: MIT
"""Storage modes: fields of the body in typed columns, in every SQL backend alike."""
import datetime
import decimal
import json
import sqlite3
import threading

import pytest

from backends import MySQL
from mariadb import MariaDB
from stage import Call

FIELDS = {
    "name": {"type": "string", "constraints": ["NOT NULL"]},
    "count": {"column": "n", "type": "integer", "default": 7},
    "ratio": {"type": "number"},
    "price": {"type": "decimal"},
    "paid": {"type": "boolean"},
    "at": {"column": "happened_at", "type": "timestamp"},
    "day": {"type": "date"},
    "key": {"column": "key_id", "type": "uuid"},
    "extra": {"type": "json"},
    "/customer/email": {"column": "email", "type": "string"},
    "/items/1/sku": {"column": "second_sku", "type": "text"}}

BODY = {"name": "a'b\\ü😀", "count": 3, "ratio": 0.5, "price": "12.50", "paid": True,
        "at": "2026-01-02T03:04:05.678901+02:00", "day": "2024-02-29",
        "key": "01890a5d-ac96-774b-bcce-b302099a8057", "extra": {"a": [1, None]},
        "customer": {"email": "x@example.org"}, "items": [{"sku": "A"}, {"sku": "B"}],
        "ignored": [1, 2, 3]}


class PostgreSQL:
    type = "postgresql"

    def __init__(self, database):
        self.database = database
        self.connection = database.connection()

    def rows(self, columns, order="id"):
        return self.database.run(f"SELECT {columns} FROM webhook_events ORDER BY {order}")

    def run(self, sql):
        self.database.run(sql)

    def has_index(self, name):
        return bool(self.database.run("SELECT 1 FROM pg_indexes WHERE indexname = %s", (name,)))


class Maria:
    type = "mysql"

    def __init__(self, database, **keys):
        self.database = database
        self.connection = database.connection(**keys)

    def rows(self, columns, order="id"):
        return [tuple(row) for row in
                self.database.run(f"SELECT {columns} FROM webhook_events ORDER BY {order}")]

    def run(self, sql):
        self.database.run(sql)

    def has_index(self, name):
        return bool(self.database.run("SELECT 1 FROM information_schema.statistics WHERE"
                                      " index_name = %s AND table_schema = database()", (name,)))


class SQLite:
    type = "sqlite"

    def __init__(self, path):
        self.path = path
        self.connection = {"type": "sqlite", "path": str(path)}

    def rows(self, columns, order="id"):
        connection = sqlite3.connect(self.path)
        try:
            return connection.execute(
                f"SELECT {columns} FROM webhook_events ORDER BY {order}").fetchall()
        finally:
            connection.close()

    def run(self, sql):
        with sqlite3.connect(self.path) as connection:
            connection.execute(sql)

    def has_index(self, name):
        connection = sqlite3.connect(self.path)
        try:
            return bool(connection.execute("SELECT 1 FROM sqlite_schema WHERE name = ?",
                                           (name,)).fetchall())
        finally:
            connection.close()


@pytest.fixture(scope="module")
def mariadb():
    server = MariaDB()
    yield server
    server.remove()


@pytest.fixture(params=["postgresql", "mysql", "mysql-rows", "sqlite"])
def store(request, tmp_path):
    if request.param == "postgresql":
        yield PostgreSQL(request.getfixturevalue("database"))
    elif request.param == "sqlite":
        yield SQLite(tmp_path / "file.db")
    else:
        database = MySQL(request.getfixturevalue("mariadb"))
        yield Maria(database, array_binding=request.param == "mysql")
        database.drop()


def webhooks(store, fields=None, mode="relational", indexes=None, **options):
    schema = {"fields": fields or FIELDS}
    if indexes:
        schema["indexes"] = indexes
    return {"webhooks": [{"path": "/webhook/example", "modules": [
        {"type": store.type, "connection": "db", "storage_mode": mode, "schema": schema,
         **options}]}]}


def plain(value):
    """What the servers' clients make of it, made alike."""
    if isinstance(value, datetime.datetime):
        return value.astimezone(datetime.timezone.utc).replace(tzinfo=None) \
            if value.tzinfo else value
    if isinstance(value, (datetime.date, decimal.Decimal)):
        return str(value)
    return value


def test_typed_columns(start, store):
    weir = start({"db": store.connection}, webhooks(store))
    code, answer = weir.post(json.dumps(BODY).encode())
    assert code == 200, weir.log()
    (row,) = store.rows("id, name, n, ratio, price, paid, happened_at, day, key_id, extra, email,"
                        " second_sku, webhook_id")
    row = [plain(value) for value in row]
    assert str(row[0]) == answer["id"] and row[1] == BODY["name"] and row[2] == 3
    assert row[3] == 0.5 and decimal.Decimal(row[4]) == decimal.Decimal("12.50")
    assert row[5] in (True, 1)
    assert str(row[6]).replace("T", " ").rstrip("Z") == "2026-01-02 01:04:05.678901"
    assert row[7] == "2024-02-29" and str(row[8]) == BODY["key"]
    assert (row[9] if isinstance(row[9], dict) else json.loads(row[9])) == BODY["extra"]
    assert row[10:] == ["x@example.org", "B", "example"]


def test_absent_null_and_default(start, store):
    weir = start({"db": store.connection}, webhooks(store))
    assert weir.post({"name": "x"})[0] == 200
    assert weir.post({"name": "y", "count": None, "paid": None})[0] == 200
    assert sorted(store.rows("name, n, paid, email")) == [("x", 7, None, None),
                                                          ("y", None, None, None)]


@pytest.mark.parametrize("field, good, bad", [
    ("name", ["x", 12, True, {"a": 1}, [1]], [None]),
    ("count", [5, "5", 5.0, -9223372036854775808, "9223372036854775807"],
     [5.5, "five", "5 ", True, [5], 9223372036854775808, "1e3", ""]),
    ("ratio", [1, "2.5", -0.1, 1e300], ["x", True, 12345678901234567890, "nan", "0x10"]),
    ("price", [1, "2.5", 12.34], ["x", "1,5", {}]),
    ("paid", [True, False, "true", 0, "1"], ["yes", 2, "TRUE", []]),
    ("at", ["2026-01-02T03:04:05Z", "2026-01-02 03:04:05", "2026-01-02T03:04:05.1-0130"],
     ["2026-02-30T00:00:00Z", "2026-01-02", "tomorrow", 1767322245, "2026-01-02T03:04:05.1234567Z",
      "2026-01-02T24:00:00Z"]),
    ("day", ["2026-01-02"], ["2026-13-01", "2025-02-29", "2026-01-02T00:00:00Z", 20260102]),
    ("key", ["01890a5d-ac96-774b-bcce-b302099a8057"], ["01890a5d", 5]),
    ("extra", [1, "x", None, [1, {"b": 2}]], [])])
def test_what_fits_and_what_is_refused(start, store, field, good, bad):
    weir = start({"db": store.connection}, webhooks(store))
    for value in good:
        assert weir.post({"name": "n", field: value})[0] == 200, value
    for value in bad:
        code, answer = weir.post({"name": "n", field: value})
        assert code == 422 and answer["field"] == field, (value, answer)
        assert answer["type"] == "urn:weir:error:rejected"
    assert len(store.rows("id")) == len(good)
    assert weir.connection()["versions"][0]["totals"]["opened"] <= 2


def test_not_an_object(start, store):
    weir = start({"db": store.connection}, webhooks(store))
    for body in ("[1]", '"x"', "1", "null"):
        assert weir.post(body)[0] == 422
    assert weir.post({"name": "x"})[0] == 200


def test_long_integers_keep_their_digits(start, store):
    fields = {"big": {"type": "string"}, "doc": {"type": "json"}}
    weir = start({"db": store.connection}, webhooks(store, fields))
    text = b'{"big": 12345678901234567890123456789, "doc": {"n":12345678901234567890123456789}}'
    assert weir.post(text)[0] == 200
    (row,) = store.rows("big, doc")
    assert row[0] == "12345678901234567890123456789"
    assert "12345678901234567890123456789" in (row[1] if isinstance(row[1], str)
                                               else json.dumps(row[1]))


def test_hybrid_has_the_payload_too(start, store):
    weir = start({"db": store.connection}, webhooks(store, mode="hybrid"))
    assert weir.post(json.dumps(BODY).encode())[0] == 200
    (row,) = store.rows("name, payload, headers")
    payload = row[1] if isinstance(row[1], dict) else json.loads(row[1])
    assert row[0] == BODY["name"] and payload == BODY and row[2]


def test_headers_can_be_left_out(start, store):
    weir = start({"db": store.connection}, webhooks(store, include_headers=False))
    assert weir.post({"name": "x"})[0] == 200
    with pytest.raises(Exception):
        store.rows("headers")
    with pytest.raises(Exception):
        store.rows("payload")


def test_indexes_are_made_if_absent(start, store):
    indexes = {"weir_by_name": {"columns": ["name", "received_at"]}}
    weir = start({"db": store.connection}, webhooks(store))
    assert weir.post({"name": "x"})[0] == 200
    assert not store.has_index("weir_by_name")
    code, _ = weir.change(None, webhooks(store, indexes=indexes))
    assert code == 200
    assert weir.post({"name": "y"})[0] == 200
    assert store.has_index("weir_by_name")
    assert weir.post({"name": "z"})[0] == 200


UPSERT = {"order": {"column": "order_id", "type": "string"}, "state": {"type": "string"}}


def test_as_many_fields_with_as_long_names_as_there_can_be(start, store):
    fields = {f"f{number:02}": {"column": f"{number:02}_".rjust(62, "c"), "type": "integer"}
              for number in range(63)}
    fields["key"] = {"column": "k".rjust(62, "c"), "type": "string"}
    weir = start({"db": store.connection}, webhooks(
        store, fields, upsert=True, upsert_key=fields["key"]["column"]))
    for value in (1, 2):
        code, _ = weir.post({"key": "x", **{f"f{number:02}": value for number in range(63)}})
        assert code == 200, weir.log()
    assert store.rows(f"{fields['f00']['column']}, {fields['f62']['column']}") == [(2, 2)]


def test_upsert_replaces(start, store):
    weir = start({"db": store.connection},
                 webhooks(store, UPSERT, upsert=True, upsert_key="order_id"))
    for state in ("new", "paid", "sent"):
        assert weir.post({"order": "o1", "state": state})[0] == 200
    assert weir.post({"order": "o2", "state": "new"})[0] == 200
    code, answer = weir.post({"state": "lost"})
    assert code == 422 and answer["field"] == "order"
    assert sorted(store.rows("order_id, state")) == [("o1", "sent"), ("o2", "new")]


def test_the_last_of_several_in_one_batch_wins(start, store):
    weir = start({"db": {**store.connection, "pool_min_size": 1, "pool_max_size": 1}},
                 webhooks(store, UPSERT, upsert=True, upsert_key="order_id"))
    assert weir.post({"order": "o0", "state": "first"})[0] == 200
    order = []
    lock = threading.Lock()

    def post(number):
        answer = weir.post({"order": f"o{number % 3}", "state": str(number)})
        with lock:
            order.append(answer)
    calls = [Call(post, number) for number in range(120)]
    for call in calls:
        call.result()
    assert {code for code, _ in order} == {200}
    rows = store.rows("order_id, state, received_at", "order_id")
    assert [row[0] for row in rows] == ["o0", "o1", "o2"]
    # Of each key, the row with the latest id that was acknowledged is there.
    ids = {str(row[0]) for row in store.rows("id")}
    assert ids <= {answer["id"] for _, answer in order}


@pytest.mark.parametrize("options, said", [
    ({"storage_mode": "columns"}, "must be json, relational or hybrid"),
    ({"storage_mode": "json"}, "no meaning"),
    ({"schema": {"fields": {}}}, "at least one"),
    ({"schema": {"fields": {"a": {"type": "blob"}}}}, "type must be one of"),
    ({"schema": {"fields": {"a b": {}}}}, "letters, digits"),
    ({"schema": {"fields": {"/a/b": {}}}}, "letters, digits"),
    ({"schema": {"fields": {"/a/~2": {"column": "a"}}}}, "JSON pointer"),
    ({"schema": {"fields": {"payload": {}}}}, "column of weir's own"),
    ({"schema": {"fields": {"a": {}, "b": {"column": "A"}}}}, "column of another field"),
    ({"schema": {"fields": {"a": {"constraints": ["primary key"]}}}}, "the primary key is id"),
    ({"schema": {"fields": {"a": {"typ": "string"}}}}, "unknown key typ"),
    ({"schema": {"fields": {"a": {"type": "json", "constraints": ["unique"]}}}}, "be unique"),
    ({"schema": {"fields": {"a": {}}, "indexes": {"i": {"columns": ["b"]}}}}, "no field has"),
    ({"schema": {"fields": {"a": {}}, "indexes": {"i;": {"columns": ["a"]}}}}, "letters, digits"),
    ({"schema": {"fields": {"a": {"type": "integer", "default": "x"}}}}, "does not fit"),
    ({"upsert": True}, "is required with upsert"),
    ({"upsert": True, "upsert_key": "nope"}, "no field has the column"),
    ({"upsert_key": "name"}, "without upsert"),
    ({"schema": 5}, "a JSON object or array")])
def test_impossible_schemas_are_errors_at_load(start, store, options, said):
    content = webhooks(store)
    content["webhooks"][0]["modules"][0].update(options)
    weir = start({"db": store.connection}, content, start=False)
    done = weir.command("check", "--config", str(weir.config))
    assert done.returncode == 3, done.stdout
    assert said in done.stderr and "/webhooks/0/modules/0" in done.stderr, done.stderr
