# SPDX-License-Identifier: MIT
"""Files in map form: read, told of, converted, and refused by the name of the key at fault."""
import base64
import hashlib
import hmac
import json
import re

import pytest

from gateway import TOKEN
from pgserver import wait_until
from redisserver import ROOT_PASSWORD, Redis
from test_auth import token

LOG = {"data_type": "json", "module": "log"}


@pytest.fixture(scope="module")
def redis():
    server = Redis()
    yield server
    server.remove()


def sent(weir, path, headers=None, body="{}"):
    return weir.request("POST", "/webhook/" + path, body,
                        {"Content-Type": "application/json", **(headers or {})})[0]


def lines(weir):
    return [json.loads(line) for line in (weir.directory / "out").read_text().splitlines()
            if line.startswith("{")]


def problems(weir, webhooks, connections=None):
    """What weir check says: pairs of the pointer and the message."""
    weir.write(connections or {}, webhooks)
    done = weir.command("check", "--config", str(weir.config), "--json")
    assert done.returncode == 3, done.stdout
    return [(error["pointer"], error["message"]) for error in json.loads(done.stdout)["errors"]]


def test_each_kind_of_authentication(start):
    basic = base64.b64encode(b"u:p").decode()
    key = hmac.new(b"s", b"{}", hashlib.sha256).hexdigest()
    good = {"exp": 4e9, "iss": "me", "aud": "weir"}
    cases = {
        "bearer": ({"authorization": "Bearer {$HOOK_TOKEN:t0ken}"},
                   {"Authorization": "Bearer t0ken"}, {"Authorization": "Bearer x"}),
        "whole": ({"authorization": "a word"}, {"Authorization": "a word"},
                  {"Authorization": "Bearer a word"}),
        "basic": ({"basic_auth": {"username": "u", "password": "p"}},
                  {"Authorization": "Basic " + basic}, {"Authorization": "Basic eDp5"}),
        "jwt": ({"jwt": {"secret": "jwt-secret", "algorithm": "{$HOOK_ALGORITHM:HS256}",
                         "issuer": "me", "audience": "weir", "verify_exp": True}},
                {"Authorization": "Bearer " + token(good)},
                {"Authorization": "Bearer " + token({**good, "iss": "you"})}),
        "hmac": ({"hmac": {"secret": "s", "header": "X-Hub-Signature-256"}},
                 {"X-Hub-Signature-256": "sha256=" + key}, {"X-Hub-Signature-256": "sha1=" + key}),
        "plain-hmac": ({"hmac": {"secret": "s", "algorithm": "SHA256"}},
                       {"X-HMAC-Signature": key.upper()}, {"X-HMAC-Signature": key[2:]}),
        "header": ({"header_auth": {"header_name": "X-Key", "api_key": "Key"}},
                   {"X-Key": "Key"}, {"X-Key": "key"}),
        "header-by-default": ({"header_auth": {"api_key": "k"}}, {"X-API-Key": "k"}, {}),
        "address": ({"ip_whitelist": ["127.0.0.1"]}, {}, None),
        "elsewhere": ({"ip_whitelist": ["192.0.2.1"]}, None, {}),
    }
    weir = start({}, {name: {**LOG, **entry} for name, (entry, _, _) in cases.items()})
    for name, (_, right, wrong) in cases.items():
        if right is not None:
            assert sent(weir, name, right) == 200, name
        if wrong is not None:
            assert sent(weir, name, wrong) in (401, 403), name
    assert {line["webhook_id"] for line in lines(weir)} == set(cases) - {"elsewhere"}


def test_a_key_in_the_query_and_all_must_pass(start):
    weir = start({}, {"a": {**LOG, "query_auth": {"api_key": "q", "parameter_name": "k"},
                            "authorization": "Bearer t"}})
    good = {"Authorization": "Bearer t"}
    assert sent(weir, "a?k=q", good) == 200
    assert sent(weir, "a?k=q") == 401 and sent(weir, "a?k=x", good) == 401


def test_rates_and_types(start):
    weir = start({}, {"slow": {**LOG, "rate_limit": {"max_requests": 2, "window_seconds": 60}},
                      "off": {**LOG, "rate_limit": {"enabled": False}},
                      "blob": {"data_type": "blob", "module": "log"}})
    assert [sent(weir, "slow") for _ in range(3)] == [200, 200, 429]
    assert [sent(weir, "off") for _ in range(3)] == [200] * 3
    assert sent(weir, "blob", {"Content-Type": "text/plain"}, "no JSON") == 200
    assert lines(weir)[-1]["payload"] == "no JSON"


def test_credentials_are_cleaned_up_unless_it_is_turned_off(start):
    body = json.dumps({"a": [{"Password": "x", "iban": 1}], "token": {"b": 2}})
    weir = start({}, {"usual": LOG, "off": {**LOG, "credential_cleanup": {"enabled": False}},
                      "more": {**LOG, "credential_cleanup": {
                          "enabled": True, "mode": "mask", "fields": ["iban"]}}})
    for name in ("usual", "off", "more"):
        assert sent(weir, name, {"X-Auth-Token": "y"}, body) == 200
    usual, off, more = lines(weir)
    mark = "[redacted]"
    assert usual["payload"] == {"a": [{"Password": mark, "iban": 1}], "token": mark}
    assert off["payload"] == json.loads(body)
    assert more["payload"] == {"a": [{"Password": mark, "iban": mark}], "token": mark}
    assert "x-auth-token" not in usual["headers"]


def test_cleanup_reaches_as_far_as_it_did(start):
    """By parts of names, and a field is a header, too; a blob has headers alone."""
    body = json.dumps({"user_password": "x", "apiKey": 1, "tokens": ["y", {"id": 2}],
                       "owner": {"name": "z"}, "author": {"login": "w"}})
    fields = {"credential_cleanup": {"fields": ["x-customer"]}}
    weir = start({}, {"json": {**LOG, **fields},
                      "blob": {"data_type": "blob", "module": "log", **fields}})
    headers = {"X-License-Key": "1", "X-Auth-User": "2", "Bearer": "3", "X-Customer": "4", "X-Kept": "5"}
    for name in ("json", "blob"):
        assert sent(weir, name, headers, body) == 200
    one, blob = lines(weir)
    mark = "[redacted]"
    assert one["payload"] == {"user_password": mark, "apiKey": mark, "tokens": [mark, {"id": 2}],
                              "owner": {"name": "z"}, "author": {"login": "w"}}
    assert blob["payload"] == body
    for line in (one, blob):
        assert line["headers"]["x-kept"] == "5"
        assert not {name.lower() for name in headers} - {"x-kept"} & set(line["headers"])


def test_files_and_a_chain(start, tmp_path):
    weir = start({}, {
        "kept": {"module": "save_to_disk",
                 "module-config": {"path": "hooks", "base_dir": str(tmp_path)}},
        "both": {"chain": ["log", {"module": "save_to_disk", "module-config": {
            "path": str(tmp_path / "other")}}],
                 "chain-config": {"execution": "parallel", "continue_on_error": True}}})
    assert sent(weir, "kept", body='{"n":1}') == 200 and sent(weir, "both", body='{"n":2}') == 200
    one, = (tmp_path / "hooks").glob("*.json")
    two, = (tmp_path / "other").glob("*.json")
    assert json.loads(one.read_text())["payload"] == {"n": 1}
    assert json.loads(two.read_text())["payload"] == lines(weir)[-1]["payload"] == {"n": 2}
    assert "headers" not in json.loads(one.read_text())


def test_redis_by_a_block_or_by_a_connection(start, redis):
    listener = redis.client().pubsub()
    listener.subscribe("hooks")
    listener.get_message(timeout=5)
    weir = start({"cache": {"type": "redis-rq", "host": "127.0.0.1",
                            "port": "{$NO_SUCH_PORT:%d}" % redis.port, "db": 0, "password": ROOT_PASSWORD}},
                 {"block": {"module": "redis_publish", "redis": {
                     "host": "127.0.0.1", "port": redis.port, "password": ROOT_PASSWORD,
                     "channel": "hooks"},
                            "retry": {"enabled": True}},
                  "named": {"module": "redis_publish", "connection": "cache",
                            "module-config": {"channel": "hooks", "format": "raw"}}})
    assert sent(weir, "block", body='{"n":1}') == 200
    assert sent(weir, "named", body='{"n":2}') == 200
    first = wait_until(lambda: listener.get_message(timeout=1))
    second = wait_until(lambda: listener.get_message(timeout=1))
    assert json.loads(first["data"])["payload"] == {"n": 1}
    assert json.loads(second["data"]) == {"n": 2}


def test_the_password_of_a_redis_block_may_stand_in_a_file(start, redis, tmp_path):
    """As in connections.json; it was refused for not being a string."""
    (tmp_path / "secret").write_text(ROOT_PASSWORD + "\n")
    block = {"host": "127.0.0.1", "port": redis.port, "channel": "hooks",
             "password": {"file": str(tmp_path / "secret")}}
    weir = start({}, {"x": {"module": "redis_publish", "redis": block}})
    assert sent(weir, "x") == 200
    for wrong in ({}, {"file": 5, "more": 1}, ["x"]):
        found = problems(weir, {"x": {"module": "redis_publish", "redis": {**block, "password": wrong}}})
        assert found == [("/x/redis/password", "must be a string")], found


def test_a_connection_that_cannot_have_its_name_is_not_told_of(start):
    """The name is cut off within a letter, which is no key: what was told of then had been freed."""
    weir = start({}, {}, start=False)
    path = "a" + "é" * 200
    found = problems(weir, {path: {"module": "redis_publish", "redis": {"host": "h", "channel": "c"}}})
    assert f"/{path}" in [place for place, _ in found], found


REFUSED = {
    "/x/module": [{"module": "kafka"}, {"module": "redis_rq", "connection": "c"}, {"chain": []}],
    "/x/json_schema": [{**LOG, "json_schema": {}}],
    "/x/oauth2": [{**LOG, "oauth2": {}}],
    "/x/digest_auth": [{**LOG, "digest_auth": {}}],
    "/x/recaptcha": [{**LOG, "recaptcha": {}}],
    "/x/trusted_proxies": [{**LOG, "trusted_proxies": []}],
    "/x/autorization": [{**LOG, "autorization": "x"}],
    "/x/authorization": [{**LOG, "authorization": ""}, {**LOG, "authorization": "Bearer "},
                         {**LOG, "authorization": 1}],
    "/x/basic_auth/password": [{**LOG, "basic_auth": {"username": "u"}},
                               {**LOG, "basic_auth": {"username": "u", "password": ""}}],
    "/x/jwt/verify_exp": [{**LOG, "jwt": {"secret": "s", "verify_exp": False}}],
    "/x/jwt/algorithm": [{**LOG, "jwt": {"secret": "s", "algorithm": "HS1"}}],
    "/x/hmac/algorithm": [{**LOG, "hmac": {"secret": "s", "algorithm": "md5"}}],
    "/x/hmac/secret": [{**LOG, "hmac": {}}, {**LOG, "hmac": {"secret": ""}}],
    "/x/header_auth/case_sensitive": [{**LOG, "header_auth": {
        "api_key": "k", "case_sensitive": False}}],
    "/x/ip_whitelist": [{**LOG, "ip_whitelist": []}],
    "/x/rate_limit/max_requests": [{**LOG, "rate_limit": {"max_requests": 0}}],
    "/x/retry": [{**LOG, "retry": 5}, {**LOG, "retry": None}],
    "/x/chain-config": [{"chain": ["log"], "chain-config": "parallel"},
                        {"chain": ["log"], "chain-config": None}, {**LOG, "chain-config": {}}],
    "/x/module-config": [{"chain": ["save_to_disk"], "module-config": {"path": "x"}}],
    "/x/module-config/path": [{"module": "save_to_disk", "module-config": {"path": 5}},
                              {"module": "save_to_disk", "module-config": {"path": "x" * 2000}}],
    "/x/module-config/base_dir": [{"module": "save_to_disk", "module-config": {"base_dir": []}}],
    "/x/redis/port": [{"module": "redis_publish", "redis": {"channel": "c", "port": "x"}}],
    "/x/retry/max_attempts": [{**LOG, "retry": {"enabled": True, "max_attempts": 3}}],
    "/x/credential_cleanup/mode": [{**LOG, "credential_cleanup": {"mode": "remove"}}],
    "/x/module-config/pretty_print": [{**LOG, "module-config": {"pretty_print": True}}],
    "/x/module-config/filename_pattern": [{"module": "save_to_disk", "module-config": {
        "filename_pattern": "x"}}],
    "/x/chain-config/continue_on_error": [{"chain": ["log"], "chain-config": {
        "execution": "sequential", "continue_on_error": False}}, {"chain": ["log"], "chain-config": {
            "execution": "parallel", "continue_on_error": "no"}}],
    "/x/chain-config/timeout": [{"chain": ["log"], "chain-config": {"timeout": 5}}],
    "/x/chain/1/module": [{"chain": ["log", "s3"]}],
    "/x/connection": [{"module": "postgresql"}, {"module": "postgresql", "connection": "none"},
                      {**LOG, "connection": "c"}, {"chain": ["log"], "connection": "c"}],
    "/x/queue_name": [{"chain": ["log"], "queue_name": "q"}, {"module": "rabbitmq", "connection": "c"}, {**LOG, "queue_name": "q"}],
    "/x/redis": [{"chain": ["log"], "redis": {}}, {"module": "redis_publish", "connection": "c", "redis": {}}],
    "/x/redis/allowed_hosts": [{"module": "redis_publish", "redis": {"allowed_hosts": []}}],
}


@pytest.mark.parametrize("pointer", REFUSED)
def test_what_weir_does_not_honour_is_refused_by_its_name(start, pointer):
    weir = start({}, {}, start=False)
    for entry in REFUSED[pointer]:
        found = problems(weir, {"x": entry, "good": LOG})
        assert pointer in [place for place, _ in found] or (
            entry == {"chain": []} and found), (entry, found)


def test_keys_of_connections_are_refused_by_their_names(start):
    weir = start({}, {}, start=False)
    good = {"type": "rabbitmq", "host": "localhost", "pass": "x"}
    for pointer, entry in (("/c/password", {**good, "password": "y"}), ("/c/type", {"type": "kafka"}),
                           ("/c/ssl", {"type": "postgresql", "ssl": "yes"}),
                           ("/c/db", {"type": "redis-rq", "db": "x"}), ("/c/pas", {**good, "pas": None}),
                           ("/c/ssl_foo", {**good, "ssl_foo": ""})):
        found = problems(weir, {"x": LOG}, {"c": entry})
        assert pointer in [place for place, _ in found], found
    # In the array form these are keys like any other that is not known.
    found = problems(weir, {"webhooks": []}, {"c": good})
    assert found[0][0] == "/c/pass"


def test_an_authority_that_is_null_is_none(start):
    weir = start({}, {}, start=False)
    for kind, entry, want in (("postgresql", {"ssl": True, "ssl_ca_cert": None}, "require"),
                              ("mysql", {"ssl": True, "ssl_ca_cert": ""}, "required"),
                              ("postgresql", {"ssl": True, "ssl_ca_cert": "/ca"}, "verify-full"),
                              ("mysql", {"ssl": False, "ssl_ca_cert": None}, "disabled"),
                              ("postgresql", {"ssl": None}, None)):
        weir.write({"c": {"type": kind, "host": "localhost", **entry}}, {"x": LOG})
        output = weir.config / f"out-{kind}-{want}"
        done = weir.command("convert", "--config", str(weir.config), "--output", str(output))
        assert done.returncode == 0, done.stderr
        written = json.loads((output / "connections.json").read_text())["c"]
        assert written.get("sslmode", written.get("ssl_mode")) == want, entry


def test_a_key_of_every_connection_that_is_null_is_nothing(start):
    """Those of the pool, too; of them only the sizes were known."""
    keys = ("pool_min_size", "acquisition_timeout", "connect_timeout", "idle_timeout", "max_waiters")
    weir = start({"c": {"type": "redis-rq", "host": "h", **dict.fromkeys(keys)}}, {"x": LOG},
                 start=False)
    done = weir.command("check", "--config", str(weir.config))
    assert done.returncode == 0, done.stderr
    for key in keys:
        assert f"/c/{key}: as weir does in any case" in done.stdout


def test_check_says_what_each_key_becomes_and_convert_writes_it(start, tmp_path):
    webhooks = {"github": {**LOG, "authorization": "Bearer {$HOOK:secret-1}",
                           "hmac": {"secret": "secret-2", "algorithm": "sha256"},
                           "rate_limit": {"max_requests": 5, "window_seconds": 60},
                           "retry": {"enabled": False}},
                "queue": {"module": "rabbitmq", "queue_name": "q", "connection": "mq"}}
    connections = {"mq": {"type": "rabbitmq", "host": "localhost", "pass": "secret-3"}}
    weir = start(connections, webhooks, start=False)
    done = weir.command("check", "--config", str(weir.config))
    assert done.returncode == 0, done.stderr
    told = done.stdout.splitlines()
    for line in ("connections.json:5: /mq/pass -> connections.json /mq/password",
                 "webhooks.json:5: /github/authorization -> webhooks.json /webhooks/0/auth/0/secret",
                 "webhooks.json:7: /github/hmac/secret -> webhooks.json /webhooks/0/auth/1/secret",
                 "webhooks.json:15: /github/retry/enabled: as weir does in any case",
                 "ok: 2 connections, 2 webhooks"):
        assert line in told, done.stdout
    assert "secret-" not in done.stdout
    array = json.loads(weir.command("convert", "--config", str(weir.config)).stdout)
    assert array["webhooks"][0]["auth"][0] == {"type": "bearer", "secret": "{$HOOK:secret-1}"}
    output = str(tmp_path / "new")
    done = weir.command("convert", "--config", str(weir.config), "--output", output)
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "new" / "webhooks.json").read_text()) == array
    assert (tmp_path / "new" / "connections.json").stat().st_mode & 0o77 == 0, "it has secrets"
    done = weir.command("check", "--config", output)
    assert (done.returncode, done.stdout) == (0, "ok: 2 connections, 2 webhooks\n")
    again = weir.command("convert", "--config", output)
    assert json.loads(again.stdout) == array, "the array form stays as it is"
    done = weir.command("convert", "--config", str(weir.config), "--output", output)
    assert done.returncode == 1 and "exists" in done.stderr, "what is there is somebody's"


def keys_of(value, pointer=""):
    """The pointers of all keys, of objects in objects and in arrays."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in items:
        here = f"{pointer}/{key}"
        if isinstance(value, dict):
            yield here
        if isinstance(inner, (dict, list)):
            yield from keys_of(inner, here)


def everything(directory):
    """An entry with each key that weir honours; none of them has a server."""
    return {
        "off": {**LOG, "rate_limit": {"enabled": False, "max_requests": 1},
                "credential_cleanup": {"enabled": False, "fields": ["iban"]},
                "retry": {"enabled": False, "max_attempts": 2},
                "module-config": {"pretty_print": False, "redact_sensitive": True}},
        "on": {"module": "save_to_disk", "data_type": "json",
               "module-config": {"path": "{$HOOKS:on}", "base_dir": directory, "include_headers": True},
               "rate_limit": {"enabled": True, "max_requests": 2, "window_seconds": 60},
               "credential_cleanup": {"enabled": True, "mode": "mask", "fields": ["iban"]},
               "retry": {"enabled": True}, "authorization": "Bearer {$HOOK:t}",
               "header_auth": {"header_name": "X-Key", "api_key": "k", "case_sensitive": True},
               "query_auth": {"parameter_name": "q", "api_key": "k", "case_sensitive": True},
               "hmac": {"secret": "s", "header": "X-Hmac", "algorithm": "sha1"},
               "ip_whitelist": ["127.0.0.1"]},
        "chain": {"data_type": "blob", "basic_auth": {"username": "u", "password": "p"},
                  "chain": ["log", {"module": "save_to_disk", "retry": {},
                                    "module-config": {"path": directory + "/chain"}}],
                  "chain-config": {"execution": "parallel", "continue_on_error": False}},
        "token": {**LOG, "jwt": {"secret": "jwt-secret", "algorithm": "HS256", "issuer": "me",
                                 "audience": "weir", "verify_exp": True}},
    }


def served(weir, directory):
    """Answers, and what is stored, to requests good and bad; ids and times apart."""
    body = json.dumps({"iban": 1, "user_password": "x", "n": 1})
    mac = hmac.new(b"s", body.encode(), hashlib.sha1).hexdigest()
    good = {"Authorization": "Bearer t", "X-Key": "k", "X-Hmac": "sha1=" + mac, "X-Iban": "y"}
    basic = {"Authorization": "Basic " + base64.b64encode(b"u:p").decode()}
    claims = {"exp": 4e9, "iss": "me", "aud": "weir"}
    codes = [sent(weir, "off", {"X-Auth": "a"}, body), sent(weir, "off", {}, body)]
    codes += [sent(weir, "on?q=k", good, body) for _ in range(3)]
    codes += [sent(weir, "on?q=k", {**good, key: "no"}, body) for key in good if key != "X-Iban"]
    codes += [sent(weir, "chain", basic, body), sent(weir, "chain", {}, body)]
    codes += [sent(weir, "token", {"Authorization": "Bearer " + token(claims)}, body),
              sent(weir, "token", {}, body)]
    stored = lines(weir) + [json.loads(path.read_text()) for name in ("on", "chain")
                            for path in sorted((directory / name).glob("*.json"))]
    for one in stored:
        del one["id"], one["received_at"]
        (one.get("headers") or {}).pop("host", None)
    return codes, stored


def test_check_tells_of_every_key_and_what_is_converted_does_the_same(start, tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    webhooks = everything(str(one))
    weir = start({}, webhooks)
    done = weir.command("check", "--config", str(weir.config))
    assert done.returncode == 0, done.stderr
    told = {line.split(": ", 1)[1].split(" -> ")[0].removesuffix(": as weir does in any case")
            for line in done.stdout.splitlines() if line.startswith("webhooks.json")}
    off = ("/off/rate_limit/", "/off/credential_cleanup/", "/off/retry/")
    missing = [key for key in keys_of(webhooks) if key not in told and not key.startswith(off)
               and key not in ("/chain/chain", "/chain/chain-config", "/on/module-config",
                               "/off/module-config", "/chain/chain/1/module-config")]
    assert missing == [], done.stdout
    assert "/off/rate_limit -> nothing: it is off" in done.stdout
    codes, stored = served(weir, one)
    assert codes == [200, 200, 200, 200, 429, 401, 401, 401, 200, 401, 200, 401] and len(stored) == 7
    weir.write({}, everything(str(two)))
    done = weir.command("convert", "--config", str(weir.config), "--output", str(tmp_path / "new"))
    assert done.returncode == 0, done.stderr
    array = start((tmp_path / "new" / "connections.json").read_text(),
                  (tmp_path / "new" / "webhooks.json").read_text())
    assert served(array, two) == (codes, stored)


def test_convert_leaves_no_half_and_says_that_there_is_one(start, tmp_path):
    weir = start({}, {"x": LOG}, start=False)
    done = weir.command("convert", "--config", str(weir.config))
    assert done.returncode == 0 and "connections.json changes, too" in done.stderr
    (tmp_path / "webhooks.json").write_text("mine")
    done = weir.command("convert", "--config", str(weir.config), "--output", str(tmp_path))
    assert done.returncode == 1
    assert [path.name for path in tmp_path.iterdir()] == ["webhooks.json"]


def test_a_table_of_the_other_gateway_needs_one_more_column(start, database):
    """As docs/migrating.md says; the rows that are there stay."""
    database.run("CREATE TABLE webhook_events (id UUID PRIMARY KEY DEFAULT gen_random_uuid(), webhook_id TEXT"
                 " NOT NULL, timestamp TIMESTAMPTZ DEFAULT now(), payload JSONB NOT NULL, headers JSONB,"
                 " created_at TIMESTAMPTZ DEFAULT now());"
                 f"GRANT ALL ON webhook_events TO {database.role('one')};"
                 "INSERT INTO webhook_events (webhook_id, payload) VALUES ('old', '{}')")
    weir = start({"db": database.connection()}, {"x": {"module": "postgresql", "connection": "db"}},
                 {"request_timeout": 2})
    assert sent(weir, "x", body='{"n":1}') == 503 and "received_at" in weir.log()
    database.run("ALTER TABLE webhook_events ADD COLUMN received_at timestamptz")
    wait_until(lambda: sent(weir, "x", body='{"n":2}') == 200, 10)
    rows = database.run("SELECT webhook_id, payload FROM webhook_events ORDER BY created_at")
    assert rows[0][0] == "old" and rows[-1] == ("x", {"n": 2})


def test_keys_go_by_the_kind_of_backend_however_it_is_called(start):
    weir = start({"p": {"type": "postgres", "database": "d", "ssl": True},
                  "m": {"type": "mariadb", "database": "d", "ssl": True, "ssl_ca_cert": "/ca.pem"},
                  "q": {"type": "amqp", "host": "h", "pass": "x"}},
                 {"x": {"module": "postgres", "connection": "p"}, "y": {"module": "mariadb", "connection": "m"}},
                 start=False)
    done = weir.command("convert", "--config", str(weir.config), "--output", str(weir.directory / "new"))
    assert done.returncode == 0, done.stderr
    made = json.loads((weir.directory / "new" / "connections.json").read_text())
    assert (made["p"]["sslmode"], made["m"]["ssl_mode"], made["m"]["ssl_ca"], made["q"]["password"]) == \
        ("require", "verify_identity", "/ca.pem", "x")


def test_a_null_authority_is_none(start):
    weir = start({"c": {"type": "postgresql", "database": "d", "ssl": True, "ssl_ca_cert": None}},
                 {"x": LOG}, start=False)
    done = weir.command("convert", "--config", str(weir.config), "--output", str(weir.directory / "new"))
    assert done.returncode == 0, done.stderr
    made = json.loads((weir.directory / "new" / "connections.json").read_text())
    assert made["c"] == {"type": "postgresql", "database": "d", "sslmode": "require"}


def test_check_tells_the_line_of_each_key(start):
    """Entries are looked for from the last one on; one whose name has an escape is not found so."""
    webhooks = {name: {**LOG, "authorization": "Bearer 0123456789", "rate_limit": {"max_requests": 5}}
                for name in ("b", "a", "a/b", "~", "b2", 'q"q', "z")}
    weir = start({}, webhooks, start=False)
    told = weir.command("check", "--config", str(weir.config)).stdout
    text = (weir.config / "webhooks.json").read_text().splitlines()
    found = re.findall(r"^webhooks.json:(\d+): /(\S+?)/(\S+)", told, re.MULTILINE)
    assert {name for _, name, _ in found} == {"b", "a", "a~1b", "~0", "b2", 'q"q', "z"}
    for line, name, key in found:
        if '"' not in name:
            assert f'"{key.rsplit("/", 1)[-1]}"' in text[int(line) - 1], (line, name, key)
    lines = [number for number, line in enumerate(text, 1) if "authorization" in line]
    assert {int(line) for line, name, key in found if key == "authorization" and name in ("b", "a", "z")
            } == {lines[0], lines[1], lines[-1]}


def test_a_reload_from_one_form_to_the_other(start, tmp_path):
    weir = start({}, {"a": {**LOG, "authorization": "Bearer t"}})
    assert sent(weir, "a", {"Authorization": "Bearer t"}) == 200
    weir.command("convert", "--config", str(weir.config), "--output", str(tmp_path / "new"))
    weir.write((tmp_path / "new" / "connections.json").read_text(),
               (tmp_path / "new" / "webhooks.json").read_text())
    code, answer = weir.reload()
    assert code == 200 and answer["connections"]["log"]["outcome"] == "unchanged", answer
    assert sent(weir, "a", {"Authorization": "Bearer t"}) == 200 and sent(weir, "a") == 401
    code, answer = weir.change(webhooks={"a": {"module": "kafka"}})
    assert code == 422 and answer["errors"][0]["pointer"] == "/a/module"
    assert sent(weir, "a", {"Authorization": "Bearer t"}) == 200


def test_aliases(start):
    weir = start({}, {"a": LOG})
    admin = {"Authorization": f"Bearer {TOKEN}"}
    code, _, body = weir.request("GET", "/health")
    assert code == 200 and json.loads(body)["status"] == "ready"
    assert weir.request("GET", "/admin/config-status")[0] == 401
    code, _, body = weir.request("GET", "/admin/config-status", headers=admin)
    assert code == 200 and json.loads(body)["config"]["generation"] == 1
    for wanted, body in ((200, ""), (200, "{}"), (400, '{"validate_only": true}'),
                         (200, '{"reload_webhooks": true, "reload_connections": true}')):
        assert weir.request("POST", "/admin/reload-config", body, admin)[0] == wanted
    assert weir.request("POST", "/admin/reload-config", "{}")[0] == 401
    assert weir.request("GET", "/admin/reload-config", headers=admin)[0] == 405
