# SPDX-License-Identifier: MIT
"""Which webhooks are stored at all: `match`."""
import gzip
import json
import re
import sqlite3

import pytest

JSON = {"Content-Type": "application/json"}
OPENED = {"pointer": "/action", "equals": "opened"}


@pytest.fixture
def matching(start, tmp_path):
    """A daemon whose one webhook stores in SQLite what matches."""
    def make(match, **entry):
        path = tmp_path / "weir.db"
        weir = start({"file": {"type": "sqlite", "path": str(path)}},
                     {"webhooks": [{"path": "/webhook/example", "match": match,
                                    "modules": [{"type": "sqlite", "connection": "file"}],
                                    **entry}]}, {"log": {"level": "debug"}})
        weir.database = path
        return weir
    return make


def stored(weir):
    if not weir.database.exists():
        return []
    with sqlite3.connect(weir.database) as database:
        return [row[0] for row in database.execute(
            "SELECT payload FROM webhook_events ORDER BY id")]


def post(weir, body, headers=None):
    code, _, text = weir.request("POST", "/webhook/example", body, {**JSON, **(headers or {})})
    answer = json.loads(text)
    return code, answer.get("status") if code == 200 else answer["type"].split(":")[-1]


def filtered(weir):
    text = weir.request("GET", "/metrics")[2].decode()
    return int(re.search(r"^weir_webhooks_filtered_total (\d+)$", text, re.M)[1])


def test_what_does_not_match_is_answered_and_not_stored(matching):
    weir = matching(OPENED)
    assert post(weir, '{"action":"opened"}') == (200, "stored")
    assert post(weir, '{"action":"closed"}') == (200, "filtered")
    assert post(weir, '{"action":"\\u006fpened","n":2}') == (200, "stored")
    assert stored(weir) == ['{"action":"opened"}', '{"action":"\\u006fpened","n":2}']
    assert filtered(weir) == 1 and "event=webhook-filtered webhook=example" in weir.log()
    code, _, body = weir.request("POST", "/webhook/example", "[]", JSON)
    assert (code, body) == (200, b'{"status":"filtered"}\n')


def test_what_is_filtered_needs_no_backend(start):
    weir = start({"db": {"type": "postgresql", "host": "127.0.0.1", "port": 1, "database": "x",
                         "user": "x", "acquisition_timeout": 1}},
                 {"webhooks": [{"path": "/webhook/example", "match": OPENED,
                                "modules": [{"type": "postgresql", "connection": "db"}]}]})
    assert post(weir, "{}") == (200, "filtered")
    assert weir.status()["connections"]["db"]["versions"] == []
    assert post(weir, '{"action":"opened"}') == (503, "destination-unavailable")


def test_only_what_is_good_is_filtered(matching):
    weir = matching(OPENED, auth=[{"type": "bearer", "secret": "known"}])
    good = {"Authorization": "Bearer known"}
    assert post(weir, "{}") == (401, "unauthorized")
    assert post(weir, "{", good) == (400, "malformed")
    assert post(weir, "{}", {**good, "Content-Type": "text/plain"}) == (415, "media-type")
    assert post(weir, "{}", good) == (200, "filtered")


def test_a_header_can_be_asked_for(matching):
    weir = matching({"and": [{"header": "X-GitHub-Event", "in": ["push", "ping"]},
                             {"not": {"pointer": "/deleted", "equals": True}}]})
    assert post(weir, "{}", {"X-GitHub-Event": "push"}) == (200, "stored")
    assert post(weir, '{"deleted":true}', {"X-GitHub-Event": "push"}) == (200, "filtered")
    assert post(weir, "{}", {"X-GitHub-Event": "star"}) == (200, "filtered")
    assert post(weir, "{}") == (200, "filtered")


def test_fields_of_a_form_can_be_asked_for(matching):
    weir = matching({"pointer": "/kind", "equals": "b c"}, content="form")
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert post(weir, "kind=b+c&x=1", form) == (200, "stored")
    assert post(weir, "kind=b&x=1", form) == (200, "filtered")
    assert post(weir, "kind=b+c&kind=b+c", form) == (200, "filtered"), "an array is no string"
    assert stored(weir) == ['{"kind":"b c","x":"1"}']


def test_it_looks_before_anything_is_redacted(matching):
    weir = matching({"pointer": "/plan", "equals": "gold"}, redact=["/plan"])
    assert post(weir, '{"plan":"gold"}') == (200, "stored")
    assert stored(weir) == ['{"plan":"[redacted]"}']


def test_a_reload_changes_it(matching):
    weir = matching(OPENED)
    assert post(weir, '{"action":"closed"}') == (200, "filtered")
    entry = {"path": "/webhook/example", "match": {"pointer": "/action", "equals": "closed"},
             "modules": [{"type": "sqlite", "connection": "file"}]}
    assert weir.change(webhooks={"webhooks": [entry]})[0] == 200
    assert post(weir, '{"action":"closed"}') == (200, "stored")
    code, body = weir.change(webhooks={"webhooks": [{**entry, "match": {"equals": 1}}]})
    assert code == 422 and body["errors"][0]["pointer"] == "/webhooks/0/match"
    assert post(weir, '{"action":"closed"}') == (200, "stored")


def test_it_is_asked_last(matching):
    """After the guard, the rate and challenges: what is filtered has taken of the rate, too."""
    weir = matching({"pointer": "/action", "exists": True}, rate_limit={"requests": 3, "per": 3600},
                    challenge="microsoft-graph")
    status, _, echo = weir.request("POST", "/webhook/example?validationToken=a", "{}", JSON)
    assert (status, echo) == (200, b"a"), "a challenge is answered, whatever is wanted"
    assert post(weir, "{}") == (200, "filtered")
    assert post(weir, "{") == (400, "malformed")
    assert post(weir, gzip.compress(b'{"action":1}'), {"Content-Encoding": "gzip"}) == (200, "stored")
    assert post(weir, "{}") == (429, "rate-limited")
    assert filtered(weir) == 1 and stored(weir) == ['{"action":1}']


def test_a_field_that_came_several_times_has_items(matching):
    weir = matching({"pointer": "/kind/1", "equals": "x y"}, content="form")
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert post(weir, "kind=b&kind=x+y", form) == (200, "stored")
    assert post(weir, "kind=x+y&kind=b", form) == (200, "filtered")
    assert post(weir, "kind=x+y", form) == (200, "filtered")


def test_nothing_of_what_is_filtered_is_held(matching):
    weir = matching(OPENED)
    big = json.dumps({"x": "y" * 1000000})
    for _ in range(5):
        assert post(weir, big, {"webhook-id": "1"}) == (200, "filtered")
    text = weir.request("GET", "/metrics")[2].decode()
    assert "\nweir_body_bytes 0\n" in text and "\nweir_repeats_remembered 0\n" in text


def test_of_two_equal_keys_the_one_that_is_kept_counts(start, database):
    weir = start({"db": database.connection()}, {"webhooks": [
        {"path": "/webhook/example", "match": {"pointer": "/plan", "equals": "gold"},
         "modules": [{"type": "postgresql", "connection": "db"}]}]})
    assert post(weir, '{"plan":"free","plan":"gold"}') == (200, "stored")
    assert post(weir, '{"plan":"gold","plan":"free"}') == (200, "filtered")
    assert database.run("SELECT payload->>'plan' FROM webhook_events") == [("gold",)]


def test_weir_check_says_where_a_condition_is_wrong(start):
    weir = start({}, {"webhooks": [{"path": "/a", "modules": [], "match": {"and": [
        {"pointer": "/a", "equal": 1}]}}]}, start=False)
    done = weir.command("check", "--config", str(weir.config))
    assert done.returncode == 3
    assert "/webhooks/0/match/and/0/equal" in done.stderr and "did you mean equals?" in done.stderr
