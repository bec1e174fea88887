# SPDX-License-Identifier: MIT
"""Who may post: credentials, addresses, tokens, and the order in which a request is refused."""
import base64
import hashlib
import hmac
import json
import socket
import sqlite3
import time

import pytest

from gateway import raw
from pgserver import wait_until

MODULES = [{"type": "sqlite", "connection": "file"}]
JSON = {"Content-Type": "application/json"}


@pytest.fixture
def guarded(start, tmp_path):
    def make(auth, server=None, **entry):
        webhooks = {"webhooks": [{"path": "/webhook/example", "modules": MODULES, "auth": auth,
                                  **entry},
                                 {"path": "/webhook/open", "modules": MODULES}]}
        return start({"file": {"type": "sqlite", "path": str(tmp_path / "weir.db")}}, webhooks,
                     server)
    return make


def post(weir, headers=None, path="/webhook/example", body="{}"):
    return weir.request("POST", path, body, {**JSON, **(headers or {})})


def refused(answer, status=401, code="unauthorized"):
    got, headers, body = answer
    assert got == status, (got, body)
    assert json.loads(body)["type"] == f"urn:weir:error:{code}"
    assert "detail" not in json.loads(body)
    return headers


def rows(tmp_path):
    with sqlite3.connect(tmp_path / "weir.db") as database:
        return database.execute("SELECT webhook_id, payload, headers FROM webhook_events").fetchall()


def basic(user, password):
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def test_bearer_with_two_live_secrets(guarded, tmp_path):
    weir = guarded([{"type": "bearer", "secrets": ["old-one", "new-one"]}])
    for secret in ("old-one", "new-one"):
        assert post(weir, {"Authorization": f"Bearer {secret}"})[0] == 200
    for wrong in ("old-on", "old-one ", "Bearer old-one", "", "new-oneold-one"):
        headers = refused(post(weir, {"Authorization": f"Bearer x{wrong}"}))
        assert headers["WWW-Authenticate"] == 'Bearer realm="weir"'
    refused(post(weir))
    assert post(weir, path="/webhook/open")[0] == 200
    assert len(rows(tmp_path)) == 3
    assert all("authorization" not in headers for _, _, headers in rows(tmp_path))


def test_basic_header_and_query_all_must_pass(guarded, tmp_path):
    weir = guarded([{"type": "basic", "user": "alice", "secret": "pa:ss"},
                    {"type": "header", "name": "X-Door", "secret": "door-key"},
                    {"type": "query", "name": "token", "secret": "query-key"}])
    good = {**basic("alice", "pa:ss"), "X-Door": "door-key"}
    assert post(weir, good, "/webhook/example?token=query-key")[0] == 200
    refused(post(weir, good, "/webhook/example?token=query-kez"))
    refused(post(weir, good))
    refused(post(weir, {**good, "X-Door": "door"}, "/webhook/example?token=query-key"))
    headers = refused(post(weir, {**good, **basic("bob", "pa:ss")},
                           "/webhook/example?token=query-key"))
    assert headers["WWW-Authenticate"] == (
        'Basic realm="weir", charset="UTF-8", ApiKey realm="weir"')
    stored = rows(tmp_path)
    assert len(stored) == 1 and "door-key" not in stored[0][2] and "x-door" not in stored[0][2]


def token(payload, secret=b"jwt-secret", header=None):
    def part(data):
        return base64.urlsafe_b64encode(data).rstrip(b"=")
    text = part(json.dumps(header or {"alg": "HS256"}).encode()) + b"." + part(
        json.dumps(payload).encode())
    return (text + b"." + part(hmac.new(secret, text, hashlib.sha256).digest())).decode()


def test_json_web_tokens(guarded):
    weir = guarded([{"type": "jwt", "secret": "jwt-secret", "issuer": "me", "audience": "weir"}])
    now = int(time.time())
    good = {"iss": "me", "aud": "weir", "exp": now + 600}
    assert post(weir, {"Authorization": "Bearer " + token(good)})[0] == 200
    for wrong in ({**good, "exp": now - 600}, {**good, "aud": "them"}, {**good, "iss": "you"},
                  {**good, "nbf": now + 600}, {"iss": "me", "aud": "weir"}):
        refused(post(weir, {"Authorization": "Bearer " + token(wrong)}))
    refused(post(weir, {"Authorization": "Bearer " + token(good, b"other")}))
    refused(post(weir, {"Authorization": "Bearer " + token(good, header={"alg": "none"})}))
    parts = token(good).split(".")
    refused(post(weir, {"Authorization": f"Bearer {parts[0]}.{parts[1]}."}))


def test_addresses_through_trusted_proxies_only(guarded):
    auth = [{"type": "ip", "allow": ["203.0.113.0/24", "2001:db8::/32"]}]
    weir = guarded(auth)
    refused(post(weir, {"X-Forwarded-For": "203.0.113.9"}), 403, "forbidden")
    refused(post(weir, {"X-Real-IP": "203.0.113.9"}), 403, "forbidden")
    weir = guarded(auth, {"trusted_proxies": ["127.0.0.0/8"]})
    assert post(weir, {"X-Forwarded-For": "203.0.113.9"})[0] == 200
    assert post(weir, {"X-Forwarded-For": "6.6.6.6, 203.0.113.9"})[0] == 200
    refused(post(weir, {"X-Forwarded-For": "203.0.113.9, 6.6.6.6"}), 403, "forbidden")
    refused(post(weir, {"Forwarded": "for=203.0.113.9"}), 403, "forbidden")
    weir = guarded(auth, {"trusted_proxies": ["127.0.0.1"], "forwarded_header": "Forwarded"})
    assert post(weir, {"Forwarded": 'for="[2001:db8::9]:1"'})[0] == 200


def head(path="/webhook/example", body=b"{}"):
    return (f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n").encode() + body


def test_the_proxy_protocol(guarded):
    weir = guarded([{"type": "ip", "allow": ["203.0.113.9"]}],
                   {"trusted_proxies": ["127.0.0.1"], "proxy_protocol": True,
                    "limits": {"head_timeout": 1}})
    good = raw(weir.port, b"PROXY TCP4 203.0.113.9 10.0.0.1 1 2\r\n" + head())
    assert good.startswith(b"HTTP/1.1 200 ")
    signature = b"\r\n\r\n\0\r\nQUIT\n"
    good = raw(weir.port, signature + b"\x21\x11\0\x0c\xcb\0\x71\x09\x0a\0\0\1\0\1\0\2" + head())
    assert good.startswith(b"HTTP/1.1 200 ")
    other = raw(weir.port, b"PROXY TCP4 203.0.113.8 10.0.0.1 1 2\r\n" + head())
    assert other.startswith(b"HTTP/1.1 403 ")
    local = raw(weir.port, signature + b"\x20\0\0\0" + head())
    assert local.startswith(b"HTTP/1.1 403 "), "the proxy's own connection"
    claim = head().replace(b"Host: x\r\n", b"Host: x\r\nX-Forwarded-For: 203.0.113.9\r\n")
    nobody = raw(weir.port, b"PROXY UNKNOWN\r\n" + claim)
    assert nobody.startswith(b"HTTP/1.1 403 "), "a client that the proxy cannot name names itself"
    assert raw(weir.port, head()) == b"", "a proxy that does not say whose connection it is"
    begun = time.monotonic()
    assert raw(weir.port, b"PROXY TCP4 203.") == b""
    assert raw(weir.port, b"PROXY TCP4 203.0.113.9 10.0.0.1 1 2\r\n", wait=20) == b""
    assert time.monotonic() - begun < 10, "head_timeout, not idle_timeout"


def test_a_proxy_on_a_unix_socket(start, tmp_path):
    where = str(tmp_path / "door")
    connections = {"file": {"type": "sqlite", "path": str(tmp_path / "weir.db")}}
    entry = {"path": "/webhook/example", "modules": [{"type": "sqlite", "connection": "file"}],
             "auth": [{"type": "ip", "allow": ["203.0.113.9"]}]}
    claim = head().replace(b"Host: x\r\n", b"Host: x\r\nX-Forwarded-For: 203.0.113.9\r\n")
    for trusted, wanted in ((["unix"], b" 200 "), (["127.0.0.1"], b" 403 ")):
        weir = start(connections, {"webhooks": [entry]},
                     {"listen": "unix:" + where, "admin_listen": "127.0.0.1:0",
                      "trusted_proxies": trusted})
        with socket.socket(socket.AF_UNIX) as sock:
            sock.connect(where)
            sock.sendall(claim)
            assert wanted in sock.recv(1000)
        assert weir.stop() == 0


def test_the_order_of_refusals(guarded):
    weir = guarded([{"type": "bearer", "secret": "s3cret"},
                    {"type": "ip", "allow": ["203.0.113.9"]}], {"limits": {"body": 100}})
    wrong = {"Authorization": "Bearer no"}
    assert post(weir, wrong, "/webhook/none")[0] == 404
    assert weir.request("PUT", "/webhook/example", "{}", wrong)[0] == 405
    assert post(weir, wrong, body="x" * 200)[0] == 413
    refused(weir.request("POST", "/webhook/example", "<a/>",
                         {**wrong, "Content-Type": "text/xml"}))
    good = {"Authorization": "Bearer s3cret"}
    answers = [weir.request("POST", "/webhook/example", "<a/>", {**token, "Content-Type": "text/xml"})
               for token in (good, wrong)]
    refused(answers[0])
    assert answers[0][0] == answers[1][0] and answers[0][2] == answers[1][2], "from a wrong address"
    assert 'event=request-refused' in weir.log() and "203.0.113.9" not in str(answers)


def test_nobody_is_told_at_once_which_of_two_was_wrong(guarded):
    """A token that is wrong and one that is right are answered alike, and when the body is there."""
    weir = guarded([{"type": "header", "name": "X-Key", "secret": "k3y"},
                    {"type": "signature", "preset": "github", "secret": "s3cret"}])
    heard = []
    for key in (b"k3y", b"no"):
        with socket.create_connection(("127.0.0.1", weir.port), timeout=10) as sock:
            sock.sendall(b"POST /webhook/example HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n"
                         b"Content-Type: application/json\r\nExpect: 100-continue\r\n"
                         b"X-Hub-Signature-256: sha256=00\r\nConnection: close\r\n"
                         b"X-Key: " + key + b"\r\n\r\n")
            first = sock.recv(1000)
            sock.sendall(b"{}")
            rest = b"".join(iter(lambda: sock.recv(1000), b""))
        heard.append((first, [line for line in rest.split(b"\r\n") if b"Date:" not in line]))
    assert heard[0] == heard[1]
    assert heard[0][0].startswith(b"HTTP/1.1 100 ") and b" 401 " in heard[0][1][0]


def test_a_rotation_takes_effect_at_once(guarded):
    weir = guarded([{"type": "bearer", "secret": "first"}])
    assert post(weir, {"Authorization": "Bearer first"})[0] == 200
    entry = {"path": "/webhook/example", "modules": MODULES,
             "auth": [{"type": "bearer", "secret": "second"}]}
    code, answer = weir.change(webhooks={"webhooks": [entry]})
    assert code == 200, answer
    refused(post(weir, {"Authorization": "Bearer first"}))
    assert post(weir, {"Authorization": "Bearer second"})[0] == 200


def test_secrets_from_the_environment_files_and_credentials(guarded, tmp_path, monkeypatch):
    for name, end in (("key", "\n"), ("crlf", "\r\n"), ("cr", "\r")):
        (tmp_path / name).write_bytes(f"from-a-file-{name}{end}".encode())
    (tmp_path / "credentials").mkdir()
    (tmp_path / "credentials" / "hook").write_text("from-systemd")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path / "credentials"))
    monkeypatch.setenv("HOOK_KEY", "from-the-environment")
    weir = guarded([{"type": "header", "name": "X-Key", "secrets": [
        "{$HOOK_KEY}", {"credential": "hook"},
        *({"file": str(tmp_path / name)} for name in ("key", "crlf", "cr"))]}])
    for secret in ("from-the-environment", "from-a-file-key", "from-a-file-crlf", "from-systemd"):
        assert post(weir, {"X-Key": secret})[0] == 200
    refused(post(weir, {"X-Key": "from-a-file-keyx"}))
    refused(post(weir, {"X-Key": "from-a-file-cr"}))  # CR alone is no newline


WRONG = [
    ([], "/webhooks/0/auth"),
    ([{"type": "bearer"}], "/webhooks/0/auth/0"),
    ([{"type": "bearer", "secret": ""}], "/webhooks/0/auth/0/secret"),
    ([{"type": "bearer", "secrets": []}], "/webhooks/0/auth/0/secrets"),
    ([{"type": "bearer", "secrets": ["a", ""]}], "/webhooks/0/auth/0/secrets/1"),
    ([{"type": "bearer", "secret": "{$NOT_SET_ANYWHERE}"}], "/webhooks/0/auth/0/secret"),
    ([{"type": "bearer", "secret": {"file": "/no/such/file"}}], "/webhooks/0/auth/0/secret"),
    ([{"type": "bearer", "secret": {"file": "relative"}}], "/webhooks/0/auth/0/secret"),
    ([{"type": "bearer", "secret": {"file": "/dev/zero"}}], "/webhooks/0/auth/0/secret"),
    ([{"type": "bearer", "secret": {"credential": "../x"}}], "/webhooks/0/auth/0/secret"),
    ([{"type": "bearer", "secret": 1}], "/webhooks/0/auth/0/secret"),
    ([{"type": "baerer", "secret": "x"}], "/webhooks/0/auth/0/type"),
    ([{"type": "header", "secret": "x"}], "/webhooks/0/auth/0"),
    ([{"type": "ip", "allow": ["10.0.0.1/8"]}], "/webhooks/0/auth/0/allow"),
    ([{"type": "jwt", "secret": "x", "algorithms": ["RS256"]}], "/webhooks/0/auth/0/algorithms"),
    ([{"type": "jwt", "public_key": "x"}], "/webhooks/0/auth/0/public_key"),
    ([{"type": "signature", "algorithm": "hmac-sha256", "header": "X", "secret": "x",
       "schemes": [{"secret": "y"}]}], "/webhooks/0/auth/0/schemes"),
    ([{"type": "signature", "algorithm": "hmac-sha256", "header": "X", "secret": "x",
       "schemes": [{"secrets": ["y"]}]}], "/webhooks/0/auth/0/schemes"),
]


@pytest.mark.parametrize("auth,pointer", WRONG, ids=[str(i) for i in range(len(WRONG))])
def test_an_open_door_is_an_error(guarded, auth, pointer):
    weir = guarded([{"type": "bearer", "secret": "good"}])
    code, answer = weir.change(webhooks={"webhooks": [
        {"path": "/webhook/example", "modules": MODULES, "auth": auth}]})
    assert code == 422
    assert pointer in [error["pointer"] for error in answer["errors"]], answer
    assert {error["file"] for error in answer["errors"]} == {"webhooks.json"}
    refused(post(weir))
    assert post(weir, {"Authorization": "Bearer good"})[0] == 200


def test_a_storm_is_told_once_and_counted(guarded):
    weir = guarded([{"type": "bearer", "secret": "s3cret"}])
    for _ in range(50):
        refused(post(weir, {"Authorization": "Bearer do-not-log-me"}))
    text = weir.request("GET", "/metrics")[2].decode()
    assert "weir_webhooks_unauthorized_total 50\n" in text
    wait_until(lambda: "event=request-refused" in weir.log())
    assert weir.log().count("event=request-refused") == 1
    assert "do-not-log-me" not in weir.log() and "s3cret" not in weir.log()
