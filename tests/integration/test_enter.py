# SPDX-License-Identifier: MIT
"""What enters: forms, bodies of any kind, gzip; what is stored of them, and what they cost."""
import base64
import gzip
import hashlib
import hmac
import json
import sqlite3
import subprocess

import pytest

JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
GZIP = {**JSON, "Content-Encoding": "gzip"}
SECRET = "It's a Secret to Everybody"
GITHUB = {"type": "signature", "preset": "github", "secret": SECRET}


@pytest.fixture
def entering(start, tmp_path):
    """A daemon whose one webhook stores in SQLite; its rows are what `stored` returns."""
    def make(server=None, **entry):
        path = tmp_path / "weir.db"
        weir = start({"file": {"type": "sqlite", "path": str(path)}},
                     {"webhooks": [{"path": "/webhook/example",
                                    "modules": [{"type": "sqlite", "connection": "file"}],
                                    **entry}]}, server)
        weir.database = path
        return weir
    return make


def stored(weir):
    """The payloads, as text, in the order of their arrival."""
    if not weir.database.exists():
        return []
    with sqlite3.connect(weir.database) as database:
        return [row[0] for row in database.execute(
            "SELECT payload FROM webhook_events ORDER BY id")]


def post(weir, body, headers=None):
    return weir.request("POST", "/webhook/example", body, headers or {})


def code(answer):
    return answer[0]


def kind(answer):
    return json.loads(answer[2])["type"].removeprefix("urn:weir:error:")


def signature(body):
    digest = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    return {"X-Hub-Signature-256": "sha256=" + digest}


# ---- Forms and bodies of any kind -----------------------------------------------------------------

def test_a_form_from_curl(entering):
    weir = entering(content="form")
    out = subprocess.run(
        ["curl", "-s", "-w", "%{http_code}", f"http://127.0.0.1:{weir.port}/webhook/example",
         "--data-urlencode", "text=Grüße & \"mehr\"", "-d", "user=1", "--data-urlencode",
         "list=a+b", "-d", "list=c"], capture_output=True, text=True, check=True, timeout=30).stdout
    assert out.endswith("200")
    assert json.loads(stored(weir)[0]) == {"text": "Grüße & \"mehr\"", "user": "1",
                                           "list": ["a+b", "c"]}


def test_what_is_no_form_is_refused(entering):
    weir = entering({"limits": {"form_fields": 3}}, content="form")
    assert code(post(weir, "a=1", JSON)) == 415
    assert code(post(weir, "a=1")) == 415
    assert code(post(weir, "a=1", {"Content-Type": FORM["Content-Type"] + "; charset=latin1"})) == 415
    for body in ("a=%zz", "a=%ff", "a=%00", b"a=\xff", b"a=\0", "a&b&c&d"):
        answer = post(weir, body, FORM)
        assert (code(answer), kind(answer)) == (400, "malformed")
    assert code(post(weir, "a=1&b=2&c", {"Content-Type": FORM["Content-Type"] + ";charset=UTF-8"})) == 200
    assert code(post(weir, "", FORM)) == 200
    assert stored(weir) == ['{"a":"1","b":"2","c":""}', "{}"]


def test_a_signed_form_is_signed_as_it_came(entering):
    weir = entering(content="form", auth=[GITHUB])
    body = b"payload=%7B%22a%22%3A1%7D"
    assert code(post(weir, body.lower(), {**FORM, **signature(body)})) == 401
    assert code(post(weir, body, {**FORM, **signature(body)})) == 200
    assert json.loads(stored(weir)[0]) == {"payload": '{"a":1}'}


def test_bodies_of_any_kind(entering):
    weir = entering(content="raw")
    binary = bytes(range(256)) * 3
    text = '<?xml version="1.0"?>\n<a>"ä"\t\\</a>'
    assert code(post(weir, binary, {"Content-Type": "application/octet-stream"})) == 200
    assert code(post(weir, text.encode(), {"Content-Type": "text/xml"})) == 200
    assert code(post(weir, "not typed")) == 200
    assert code(post(weir, '{"a": 1}', JSON)) == 200
    assert code(post(weir, b"")) == 200
    first, *rest = [json.loads(payload) for payload in stored(weir)]
    assert base64.b64decode(first["base64"], validate=True) == binary and len(first) == 1
    assert rest == [text, "not typed", '{"a": 1}', ""]


def test_all_kinds_in_postgresql(start, server, database):
    name = "db"
    webhooks = [{"path": f"/webhook/{content}", "content": content,
                 "modules": [{"type": "postgresql", "connection": name}]}
                for content in ("json", "form", "raw")]
    weir = start({name: database.connection()}, {"webhooks": webhooks})
    for content, body, headers in (
            ("json", gzip.compress(b'{"n": 12345678901234567890123}'), GZIP),
            ("form", gzip.compress(b"a=%01&a=2"), {**FORM, "Content-Encoding": "x-gzip"}),
            ("raw", b"\x00\xff", {}), ("raw", b"\x01\x7f", {})):
        assert code(weir.request("POST", f"/webhook/{content}", body, headers)) == 200
    rows = database.run("SELECT payload::text FROM webhook_events ORDER BY id")
    assert [row[0] for row in rows] == ['{"n": 12345678901234567890123}', '{"a": ["\\u0001", "2"]}',
                                        '{"base64": "AP8="}', '"\\u0001\x7f"']


def test_long_strings_are_refused(entering):
    weir = entering({"limits": {"json_string": 10}})
    assert code(post(weir, json.dumps({"a": "x" * 10, "b": 10**30}), JSON)) == 200
    assert code(post(weir, json.dumps({"a": "x" * 11}), JSON)) == 400
    assert code(post(weir, json.dumps({"x" * 11: 1}), JSON)) == 400


# ---- gzip -----------------------------------------------------------------------------------------

def test_gzip(entering):
    weir = entering()
    body = b'{"a": 1e400, "b": 12345678901234567890, "a": "twice"}'
    assert code(post(weir, gzip.compress(body), GZIP)) == 200
    assert code(post(weir, gzip.compress(body[:20]) + gzip.compress(body[20:]),
                     {**JSON, "Content-Encoding": "X-GZIP"})) == 200
    assert stored(weir) == [body.decode()] * 2
    assert "\nweir_body_bytes 0\n" in weir.request("GET", "/metrics")[2].decode()


def test_damaged_gzip_is_refused(entering):
    weir = entering()
    whole = gzip.compress(b'{"a": [1, 2, 3]}')
    wrong = bytearray(whole)
    wrong[-8] ^= 1  # the CRC
    for body in (b"", whole[:-1], whole[:10], bytes(wrong), whole + b"\0", whole + b"{}", b'{"a": 1}'):
        answer = post(weir, body, GZIP)
        assert (code(answer), kind(answer)) == (400, "malformed")
    assert code(post(weir, gzip.compress(b"{"), GZIP)) == 400
    assert stored(weir) == []


def test_other_codings_are_refused_with_what_is_taken(entering):
    weir = entering()
    for coding in ("deflate", "br", "gzip, gzip", "gzip;q=1", ""):
        answer = post(weir, gzip.compress(b"{}"), {**JSON, "Content-Encoding": coding})
        assert (code(answer), answer[1]["Accept-Encoding"]) == (415, "gzip")
    answer = post(weir, gzip.compress(b"{}"), {**GZIP, "Content-Type": "text/plain"})
    assert (code(answer), answer[1]["Accept-Encoding"]) == (415, None)


def test_a_signature_over_the_compressed_bytes(entering):
    weir = entering(auth=[GITHUB])
    body = b'{"zen": "Approachable is better than simple."}'
    packed = gzip.compress(body)
    assert code(post(weir, packed, {**GZIP, **signature(body)})) == 401
    assert code(post(weir, packed, {**GZIP, **signature(packed)})) == 200
    assert stored(weir) == [body.decode()]
    # Who may not post learns nothing of what a bomb would do.
    bomb = gzip.compress(b" " * (1 << 24))
    assert code(post(weir, bomb, GZIP)) == 401
    assert code(post(weir, bomb, {**GZIP, **signature(bomb)})) == 413
    assert code(post(weir, packed[:-1], {**GZIP, **signature(packed[:-1])})) == 400


def test_bombs_cost_neither_memory_nor_budget(entering):
    weir = entering({"limits": {"inflate_ratio": 2000}})
    bomb = gzip.compress(b"[" + b" " * (256 << 20) + b"]")
    assert len(bomb) < 300_000
    for _ in range(3):
        post(weir, bomb, GZIP)
    before = weir.rss()
    for _ in range(60):
        answer = post(weir, bomb, GZIP)
        assert (code(answer), kind(answer)) == (413, "too-large")
    assert weir.rss() - before < 2 << 20
    assert "\nweir_body_bytes 0\n" in weir.request("GET", "/metrics")[2].decode()


def test_the_ratio_is_bounded(entering):
    weir = entering({"limits": {"inflate_ratio": 10}})
    assert code(post(weir, gzip.compress(b"[" + b" " * 5000 + b"]"), GZIP)) == 413
    assert code(post(weir, gzip.compress(b'{"a": 1}'), GZIP)) == 200


def test_what_is_inflated_is_taken_from_the_budget(entering):
    weir = entering({"limits": {"inflight_bytes": 20000, "inflate_ratio": 1000}})
    answer = post(weir, gzip.compress(b'"' + b"x" * 50000 + b'"'), GZIP)
    assert (code(answer), kind(answer)) == (503, "overloaded")
    assert code(post(weir, gzip.compress(b'"' + b"x" * 5000 + b'"'), GZIP)) == 200
    assert "\nweir_body_bytes 0\n" in weir.request("GET", "/metrics")[2].decode()


def test_the_content_must_be_known(start):
    weir = start({}, {"webhooks": []})
    entry = {"path": "/webhook/example", "content": "xml", "modules": []}
    status, answer = weir.change(webhooks={"webhooks": [entry]})
    assert status == 422
    assert ("/webhooks/0/content", "must be json, form or raw") in [
        (error["pointer"], error["message"]) for error in answer["errors"]]


def test_a_digest_that_can_be_continued_is_for_json_alone(start):
    """SHA-256 of secret and bytes gives away that of secret, bytes, padding and more bytes."""
    weir = start({}, {"webhooks": []})
    own = {"type": "signature", "header": "X-Sig", "algorithm": "sha256", "secret": "0123456789abcdef"}
    hubspot = {"type": "signature", "preset": "hubspot-v1", "secret": "0123456789abcdef"}
    forged = "must be json: a sha256 that begins with the secret can be forged for other bodies"
    for auth, content, message in (
            (hubspot, "raw", forged), (hubspot, "form", forged), (hubspot, "json", None),
            ({**own, "content": "{secret}{timestamp}{body}", "timestamp_header": "X-T"}, "raw", forged),
            ({**own, "content": "{body}{secret}"}, "raw", None)):
        entry = {"path": "/x", "content": content, "auth": [auth], "modules": []}
        _, answer = weir.change(webhooks={"webhooks": [entry]})
        assert message_at(answer, "/webhooks/0/content") == message, (auth, content)


def test_a_signature_in_a_json_body_is_not_looked_for_in_a_form(start):
    weir = start({}, {"webhooks": []})
    message = "must not be form: the signature in auth is looked for in a JSON body"
    own = {"header": "X-Sig", "algorithm": "hmac-sha256", "id_body": "/id"}
    for keys, content, want in (
            ({"preset": "mailgun"}, "form", message), ({"preset": "linear"}, "form", message),
            ({"preset": "mailgun"}, "raw", None), ({"preset": "github"}, "form", None),
            # What is neither signed nor judged may be absent.
            ({"preset": "linear", "tolerance": 0}, "form", None),
            ({**own, "timestamp_body": "/t", "content": "{timestamp}{body}"}, "form", message),
            (own, "form", None), ({**own, "content": "{id}{body}"}, "form", message),
            ({**own, "content": "{id}{body}", "id_header": "X-Id"}, "form", None)):
        auth = [{"type": "signature", "secret": "0123456789abcdef", **keys}]
        entry = {"path": "/x", "content": content, "auth": auth, "modules": []}
        _, answer = weir.change(webhooks={"webhooks": [entry]})
        assert message_at(answer, "/webhooks/0/content") == want, (keys, content)


def test_a_form_passes_where_the_body_was_to_tell_only_what_nobody_asks(start):
    auth = [{"type": "signature", "preset": "linear", "tolerance": 0, "secret": "s"}]
    weir = start({"l": {"type": "log"}}, {"webhooks": [{
        "path": "/x", "content": "form", "auth": auth, "modules": [{"type": "log", "connection": "l"}]}]})
    headers = {**FORM, "Linear-Signature": hmac.new(b"s", b"a=1", hashlib.sha256).hexdigest()}
    assert weir.request("POST", "/x", "a=1", headers)[0] == 200
    assert weir.request("POST", "/x", "a=2", headers)[0] == 401


def message_at(answer, pointer):
    found = [error["message"] for error in answer.get("errors", []) if error["pointer"] == pointer]
    return found[0] if found else None


# ---- Redacting ------------------------------------------------------------------------------------

def test_what_is_redacted_is_stored_nowhere(entering):
    weir = entering({"log": {"level": "debug"}}, redact=["/card/number", "/list/1", "/a~1b", "X-Customer"])
    body = ('{"n": 1e400, "card": {"number": "4111-SECRET-1111", "\\u006eumber": ["5500-SECRET"]},'
            ' "z": 12345678901234567890, "list": [0, {"deep": "6011-SECRET"}, -0.0], "a/b": "SECRET"}')
    headers = {**JSON, "X-Customer": "7000-SECRET", "X-Other": "kept"}
    assert code(post(weir, body, headers)) == 200
    assert code(post(weir, gzip.compress(body.encode()), {**headers, **GZIP})) == 200
    mark = '"[redacted]"'
    want = ('{"n": 1e400, "card": {"number": MARK, "\\u006eumber": MARK},'
            ' "z": 12345678901234567890, "list": [0, MARK, -0.0], "a/b": MARK}')
    assert stored(weir) == [want.replace("MARK", mark)] * 2
    with sqlite3.connect(weir.database) as database:
        rows = [json.loads(row[0]) for row in database.execute("SELECT headers FROM webhook_events")]
    assert all(row["x-other"] == "kept" and "x-customer" not in row for row in rows)
    assert "\nweir_body_bytes 0\n" in weir.request("GET", "/metrics")[2].decode()
    weir.stop()
    files = [*weir.database.parent.glob("weir.db*"), weir.log_path]
    assert len(files) >= 2
    assert not [path for path in files if b"SECRET" in path.read_bytes()]


def test_redacted_after_the_signature_was_verified(entering):
    weir = entering(auth=[GITHUB], redact=["/token"], content="form")
    body = b"token=abc&user=1&token=d"
    assert code(post(weir, body, {**FORM, **signature(body)})) == 200
    assert stored(weir) == ['{"token":"[redacted]","user":"1"}']


def test_redact_is_checked_when_it_is_read(start):
    weir = start({}, {"webhooks": []})
    for redact, content, place, message in (
            ("/a", "json", "", "must be an array of JSON pointers, names of headers and {\"key\": ...}"),
            (["/a", "/b~"], "json", "/1", "has a ~ that is neither ~0 nor ~1"),
            (["a b"], "json", "/0",
             "must be a JSON pointer, which begins with /, or the name of a header"),
            (["x-a", "/a"], "raw", "", "a raw body has no places that could be redacted")):
        entry = {"path": "/x", "content": content, "redact": redact, "modules": []}
        status, answer = weir.change(webhooks={"webhooks": [entry]})
        assert status == 422
        assert ("/webhooks/0/redact" + place, message) in [
            (error["pointer"], error["message"]) for error in answer["errors"]]
