# SPDX-License-Identifier: MIT
"""Signed webhooks: the daemon, and the verbs that use its code."""
import base64
import hashlib
import hmac
import json
import socket
import subprocess
import time

import pytest

from gateway import WEIR, raw
from pgserver import wait_until

MODULES = [{"type": "sqlite", "connection": "file"}]
GITHUB = "It's a Secret to Everybody"


@pytest.fixture
def signed(start, tmp_path):
    def make(auth, server=None, **entry):
        return start({"file": {"type": "sqlite", "path": str(tmp_path / "weir.db")}},
                     {"webhooks": [{"path": "/webhook/example", "modules": MODULES,
                                    "auth": [auth], **entry}]}, server)
    return make


def post(weir, body, headers=None, path="/webhook/example"):
    return weir.request("POST", path, body, {"Content-Type": "application/json",
                                             **(headers or {})})


def code(answer):
    return answer[0]


def mac(secret, text, algorithm=hashlib.sha256):
    return hmac.new(secret.encode(), text.encode(), algorithm)


def github(body, secret=GITHUB):
    return {"X-Hub-Signature-256": "sha256=" + mac(secret, body).hexdigest()}


def test_github(signed):
    weir = signed({"type": "signature", "preset": "github", "secrets": ["old", GITHUB]})
    body = '{ "zen" :  "Approachable is better than simple." }'
    answer = post(weir, body, {**github(body), "X-GitHub-Delivery": "d-1"})
    assert code(answer) == 200
    again = post(weir, body, {**github(body, "old"), "X-GitHub-Delivery": "d-2"})
    assert code(again) == 200
    for headers in ({}, github(body + " "), github(body, "other"), {"X-Hub-Signature-256": "sha256="},
                    {"X-Hub-Signature": "sha1=" + mac(GITHUB, body, hashlib.sha1).hexdigest()}):
        answer = post(weir, body, headers)
        assert code(answer) == 401
        assert answer[1]["WWW-Authenticate"] == 'Signature realm="weir"'
    assert code(post(weir, body.replace("simple", "simplr"), github(body))) == 401


def test_a_signature_is_judged_before_the_body_is(signed):
    """401 comes before 415 and 400, although the body must be read for it."""
    weir = signed({"type": "signature", "preset": "github", "secret": GITHUB})
    assert code(post(weir, "not json", github("not json"))) == 400
    assert code(post(weir, "not json")) == 401
    answer = weir.request("POST", "/webhook/example", "<a/>", {"Content-Type": "text/xml"})
    assert code(answer) == 401
    answer = weir.request("POST", "/webhook/example", "<a/>",
                          {"Content-Type": "text/xml", **github("<a/>")})
    assert code(answer) == 415


def standard(body, secret, when=None, name="msg_1", brand="webhook"):
    when = str(int(time.time() if when is None else when))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    text = f"{name}.{when}.{body}".encode()
    signature = base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode()
    return {f"{brand}-id": name, f"{brand}-timestamp": when, f"{brand}-signature": f"v1,{signature}"}


def test_standard_webhooks(signed, tmp_path):
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    weir = signed({"type": "signature", "preset": "standard-webhooks", "secret": secret})
    assert code(post(weir, "{}", standard("{}", secret))) == 200
    assert code(post(weir, "{}", standard("{}", secret, brand="svix", name="msg_2"))) == 200
    assert code(post(weir, "{}", standard("{}", secret, time.time() - 290))) == 200
    for shift in (-310, 310):
        assert code(post(weir, "{}", standard("{}", secret, time.time() + shift))) == 401
    stored = json.dumps([row[2] for row in rows(tmp_path)])
    assert "webhook-signature" not in stored and "svix-signature" not in stored


def rows(tmp_path):
    import sqlite3
    with sqlite3.connect(tmp_path / "weir.db") as database:
        return database.execute("SELECT webhook_id, payload, headers FROM webhook_events").fetchall()


def test_the_public_url_behind_a_proxy(signed):
    entry = {"type": "signature", "preset": "square", "secret": "key"}
    url = "https://hooks.example.com/webhook/example?a=1"
    good = {"X-Square-HmacSha256-Signature": base64.b64encode(
        mac("key", url + "{}").digest()).decode()}
    weir = signed(entry, {"public_url": "https://hooks.example.com/"})
    assert code(post(weir, "{}", good, "/webhook/example?a=1")) == 200
    assert code(post(weir, "{}", good, "/webhook/example?a=2")) == 401


def test_the_public_url_behind_a_proxy_that_takes_a_path_away(signed):
    entry = {"type": "signature", "preset": "square", "secret": "key"}
    url = "https://example.com:8443/hooks/in/webhook/example?a=1"
    good = {"X-Square-HmacSha256-Signature": base64.b64encode(
        mac("key", url + "{}").digest()).decode()}
    weir = signed(entry, {"public_url": "https://example.com:8443/hooks/in/"})
    assert code(post(weir, "{}", good, "/webhook/example?a=1")) == 200
    assert code(post(weir, "{}", good, "/webhook/example?a=2")) == 401
    weir = signed({**entry, "preset": "twilio"}, {"public_url": "https://example.com/hooks"},
                  content="form")
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    for port in ("", ":443"):
        text = f"https://example.com{port}/hooks/webhook/examplea1b2"
        signature = base64.b64encode(hmac.new(b"key", text.encode(), hashlib.sha1).digest())
        sent = {**form, "X-Twilio-Signature": signature.decode()}
        assert code(post(weir, "b=2&a=1", sent)) == 200
        assert code(post(weir, "b=2&a=2", sent)) == 401


def test_who_signs_the_url_needs_a_public_url(tmp_path):
    (tmp_path / "connections.json").write_text(json.dumps(
        {"file": {"type": "sqlite", "path": str(tmp_path / "weir.db")}}))
    for preset, code_wanted in (("square", 3), ("twilio", 3), ("hubspot-v3", 3), ("github", 0)):
        entry = {"path": "/webhook/example", "modules": MODULES,
                 "auth": [{"type": "signature", "preset": preset, "secret": "key"}]}
        for more in ({}, {"public_url": "https://hooks.example.com"}):
            (tmp_path / "webhooks.json").write_text(json.dumps({"webhooks": [{**entry, **more}]}))
            done = run("check", "--config", str(tmp_path))
            assert done.returncode == (0 if more else code_wanted), done.stderr
            assert b"public_url" in done.stderr or done.returncode == 0


def test_every_preset_can_be_pasted(tmp_path):
    keys = {"discord": "00" * 32, "sendgrid": "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE83T4O/n84iotIvIW4m"
            "dBgQ/7dAfSmpqIM8kF9mN1flpVKS3GRqe62gw+2fNNRaINXvVpiglSI8eNEc6wEA3F+g=="}
    (tmp_path / "connections.json").write_text(json.dumps(
        {"file": {"type": "sqlite", "path": str(tmp_path / "weir.db")}}))
    names = [item["name"] for item in json.loads(run("presets", "--json").stdout)]
    entries = [{"path": f"/{name}", "modules": MODULES, "public_url": "https://hooks.example.com",
                "auth": [{**json.loads(run("presets", "show", name).stdout),
                          "secret": keys.get(name, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")}]}
               for name in names]
    (tmp_path / "webhooks.json").write_text(json.dumps({"webhooks": entries}))
    done = run("check", "--config", str(tmp_path))
    assert done.returncode == 0 and b"24 webhooks" in done.stdout, done.stderr


# ---- Challenges ------------------------------------------------------------------------------


def slack(body, secret="s", when=None):
    when = str(int(when or time.time()))
    return {"X-Slack-Request-Timestamp": when,
            "X-Slack-Signature": "v0=" + mac(secret, f"v0:{when}:{body}").hexdigest()}


def test_slack_verifies_a_url(signed, tmp_path):
    weir = signed({"type": "signature", "preset": "slack", "secret": "s"})
    body = json.dumps({"token": "t", "challenge": "3eZbrw1a", "type": "url_verification"})
    assert code(post(weir, body)) == 401
    status, headers, text = post(weir, body, slack(body))
    assert (status, headers["Content-Type"], text) == (200, "text/plain; charset=utf-8", b"3eZbrw1a")
    assert code(post(weir, "{}", slack("{}"))) == 200
    assert len(rows(tmp_path)) == 1, "a challenge is not stored"


def test_zoom_validates_an_endpoint(signed, tmp_path):
    weir = signed({"type": "signature", "preset": "zoom", "secret": "s"})
    body = json.dumps({"event": "endpoint.url_validation", "payload": {"plainToken": "qgg8vlvZ"}})
    when = str(int(time.time()))
    headers = {"x-zm-request-timestamp": when,
               "x-zm-signature": "v0=" + mac("s", f"v0:{when}:{body}").hexdigest()}
    assert code(post(weir, body)) == 401
    status, _, text = post(weir, body, headers)
    assert status == 200
    assert json.loads(text) == {"plainToken": "qgg8vlvZ",
                                "encryptedToken": mac("s", "qgg8vlvZ").hexdigest()}
    assert code(post(weir, "{}", {**headers, "x-zm-signature": "v0=" + mac(
        "s", f"v0:{when}:{{}}").hexdigest()})) == 200
    assert len(rows(tmp_path)) == 1


def test_zoom_is_answered_by_the_secret_it_has_used(signed):
    """While one is being replaced, whichever of the two stands first."""
    body = json.dumps({"event": "endpoint.url_validation", "payload": {"plainToken": "qgg8vlvZ"}})
    weir = signed({"type": "signature", "preset": "zoom", "secrets": ["next", "s"]})
    for secret in ("s", "next"):
        when = str(int(time.time()))
        answer = post(weir, body, {
            "x-zm-request-timestamp": when,
            "x-zm-signature": "v0=" + mac(secret, f"v0:{when}:{body}").hexdigest()})
        assert code(answer) == 200
        assert json.loads(answer[2])["encryptedToken"] == mac(secret, "qgg8vlvZ").hexdigest()


@pytest.fixture
def discord(signed, tmp_path):
    """A webhook of Discord's, and what signs for it."""
    key = tmp_path / "key.pem"
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", key], check=True)
    public = subprocess.run(["openssl", "pkey", "-in", key, "-pubout", "-outform", "DER"],
                            check=True, capture_output=True).stdout[-32:].hex()
    weir = signed({"type": "signature", "preset": "discord", "secret": public})

    def headers(body):
        done = subprocess.run([WEIR, "sign", "--preset", "discord", "--secret-file", key],
                              input=body.encode(), capture_output=True, check=True)
        return dict(line.split(": ", 1) for line in done.stdout.decode().splitlines())
    return weir, headers


def test_discord_pings(discord, tmp_path):
    """Interactions ask with type 1 and are told so; webhook events ask with type 0, and nothing."""
    weir, headers = discord
    body = json.dumps({"id": "9", "application_id": "1", "type": 1, "token": "t", "version": 1})
    status, _, text = post(weir, body, headers(body))
    assert (status, json.loads(text)) == (200, {"type": 1})
    assert code(post(weir, '{"type":2}', headers(body))) == 401
    body = json.dumps({"version": 1, "application_id": "1", "type": 0})
    assert code(post(weir, body)) == 401
    status, answer, text = post(weir, body, headers(body))
    assert (status, answer["Content-Type"], text) == (204, "application/json", b"")
    assert code(post(weir, "{}", headers("{}"))) == 200
    assert len(rows(tmp_path)) == 1, "a challenge is not stored"


def test_an_event_of_discord_is_no_ping(discord, tmp_path):
    """Each of its webhook events is of type 1, too, which is not asked but told."""
    weir, headers = discord
    event = {"version": 1, "application_id": "1", "type": 1, "event": {
        "type": "ENTITLEMENT_CREATE", "timestamp": "2024-10-18T14:42:53.064834", "data": {}}}
    for body in (json.dumps(event), json.dumps({"type": 2, "id": "1", "token": "t"})):
        status, _, text = post(weir, body, headers(body))
        assert (status, json.loads(text)["status"]) == (200, "stored")
    assert len(rows(tmp_path)) == 2


def test_meta_and_microsoft_graph_echo(start, tmp_path):
    entries = [{"path": "/webhook/meta", "modules": MODULES,
                "challenge": {"type": "meta", "verify_token": "letmein"}},
               {"path": "/webhook/graph", "modules": MODULES, "challenge": "microsoft-graph"},
               {"path": "/webhook/plain", "modules": MODULES}]
    weir = start({"file": {"type": "sqlite", "path": str(tmp_path / "weir.db")}},
                 {"webhooks": entries})
    good = "/webhook/meta?hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token="
    status, headers, text = weir.request("GET", good + "letmein")
    assert (status, text) == (200, b"1158201444")
    assert headers["Content-Type"].startswith("text/plain")
    assert headers["X-Content-Type-Options"] == "nosniff"
    for path in (good + "letmeix", good, "/webhook/meta", good.replace("subscribe", "x") + "letmein"):
        assert code(weir.request("GET", path)) == 403
    answer = weir.request("PUT", "/webhook/meta")
    assert code(answer) == 405 and answer[1]["Allow"] == "POST, GET, HEAD"
    assert code(weir.request("GET", "/webhook/plain")) == 405
    status, headers, text = weir.request(
        "POST", "/webhook/graph?validationToken=Validation%3A+Testing+%3Cb%3E", "")
    assert (status, text) == (200, b"Validation: Testing <b>")
    assert headers["Content-Type"].startswith("text/plain")
    assert code(post(weir, "{}", path="/webhook/graph")) == 200
    assert code(post(weir, "{}", path="/webhook/meta")) == 200
    assert b"400" in raw(weir.port, b"POST /webhook/graph?validationToken=" + b"x" * 5000 +
                         b" HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")


def test_a_wrong_verify_token_is_told_and_counted(start, tmp_path):
    """Whoever tries tokens is seen; whoever set weir up can see why the provider will not go on."""
    weir = start({"file": {"type": "sqlite", "path": str(tmp_path / "weir.db")}}, {"webhooks": [
        {"path": "/webhook/meta", "modules": MODULES,
         "challenge": {"type": "meta", "verify_token": "letmein"}}]})
    ask = "/webhook/meta?hub.mode=subscribe&hub.challenge=1&hub.verify_token="
    assert code(weir.request("GET", ask + "guessed-token")) == 403
    assert code(weir.request("GET", ask + "letmein")) == 200
    assert "weir_webhooks_forbidden_total 1\n" in weir.request("GET", "/metrics")[2].decode()
    wait_until(lambda: "event=request-refused" in weir.log())
    line = next(line for line in weir.log().splitlines() if "event=request-refused" in line)
    assert "webhook=meta code=forbidden client=127.0.0.1 count=1" in line
    assert "guessed-token" not in line and "verify_token" in line


def test_a_verify_token_that_could_never_be_compared(tmp_path):
    (tmp_path / "connections.json").write_text(json.dumps(
        {"file": {"type": "sqlite", "path": str(tmp_path / "weir.db")}}))
    for length, wanted in ((1023, 0), (1024, 3)):
        (tmp_path / "webhooks.json").write_text(json.dumps({"webhooks": [
            {"path": "/webhook/meta", "modules": MODULES,
             "challenge": {"type": "meta", "verify_token": "a" * length}}]}))
        done = run("check", "--config", str(tmp_path))
        assert done.returncode == wanted
        assert (b"longer than" in done.stderr) == (wanted != 0)


def test_the_longest_verify_token(start, tmp_path):
    weir = start({"file": {"type": "sqlite", "path": str(tmp_path / "weir.db")}}, {"webhooks": [
        {"path": "/webhook/meta", "modules": MODULES,
         "challenge": {"type": "meta", "verify_token": "a" * 1023}}]})
    ask = "/webhook/meta?hub.mode=subscribe&hub.challenge=1&hub.verify_token="
    assert code(weir.request("GET", ask + "a" * 1023)) == 200
    assert code(weir.request("GET", ask + "a" * 1022)) == 403
    assert code(weir.request("GET", ask + "a" * 1024)) == 403


def test_a_challenge_that_is_gone_before_its_body_has_come(start, tmp_path):
    """A GET with a body, which a reload overtakes: it must not be stored as a webhook."""
    connections = {"file": {"type": "sqlite", "path": str(tmp_path / "weir.db")}}
    entry = {"path": "/webhook/meta", "modules": MODULES}
    weir = start(connections, {"webhooks": [
        {**entry, "challenge": {"type": "meta", "verify_token": "letmein"}}]})
    with socket.create_connection(("127.0.0.1", weir.port), timeout=10) as client:
        client.sendall(b"GET /webhook/meta HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n"
                       b"Expect: 100-continue\r\nConnection: close\r\n\r\n")
        assert b" 100 " in client.recv(4096)
        assert weir.change(webhooks={"webhooks": [entry]})[0] == 200
        client.sendall(b"{}")
        answer = b""
        while piece := client.recv(4096):
            answer += piece
    assert b" 405 " in answer.split(b"\r\n")[0] and b"Allow: POST\r\n" in answer


# ---- Verbs -----------------------------------------------------------------------------------


def run(*arguments, body=b"", **more):
    return subprocess.run([WEIR, *arguments], input=body, capture_output=True, check=False,
                          timeout=30, **more)


def test_weir_verify():
    good = ["verify", "--preset", "github", "--secret", "other", "--secret", GITHUB, "--header",
            "X-Hub-Signature-256: sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b0"
            "43e17"]
    done = run(*good, "--header", "X-GitHub-Delivery: d-9", body=b"Hello, World!")
    assert done.returncode == 0 and done.stdout.startswith(b"accepted") and b"d-9" in done.stdout
    done = run(*good, "--json", body=b"Hello, World!")
    assert json.loads(done.stdout)["accepted"] is True
    done = run(*good, body=b"Hello, World")
    assert done.returncode == 3 and b"no signature is one of a live secret" in done.stderr
    assert GITHUB.encode() not in done.stderr
    for wrong in (["verify"], ["verify", "--preset", "github"], ["verify", "--preset", "nothub",
                  "--secret", "x"], [*good, "--tolerance", "x"], [*good, "--now", "soon"],
                  [*good, "--header", "no colon"], [*good, "--bogus"],
                  ["verify", "--preset", "github", "--secret", ""],
                  ["verify", "--preset", "standard-webhooks", "--secret", "whsec_%"],
                  ["verify", "--preset", "github", "--secret-file", "/no/such/file"],
                  ["verify", "--preset", "github", "--secret", "@/no/such/file"],
                  ["verify", "--preset", "standard-webhooks", "--secret", "whsk_AAAA"],
                  ["verify", "--preset", "square", "--secret", "x"], [*good, "--secret"]):
        done = run(*wrong, body=b"x")
        assert done.returncode == 2, wrong
        assert done.stderr


def test_a_verdict_is_one_line():
    """Whatever a signed id holds: nothing of it moves the reader's cursor."""
    body = json.dumps({"id": "evt\n\x1b[2J\x7f9"})
    header = f"Stripe-Signature: t=1700000000,v1={mac('s', '1700000000.' + body).hexdigest()}"
    done = run("verify", "--preset", "stripe", "--secret", "s", "--now", "1700000000", "--header",
               header, body=body.encode())
    assert done.stdout == b"accepted id=evt??[2J?9 timestamp=1700000000\n"


def test_a_body_that_cannot_be_read_is_no_verdict(tmp_path):
    with open(tmp_path / "file", "wb") as file:  # not open for reading
        done = subprocess.run([WEIR, "verify", "--preset", "github", "--secret", "s"], stdin=file,
                              capture_output=True, check=False, timeout=30)
    assert done.returncode == 2 and b"standard input" in done.stderr


def test_a_secret_that_is_no_key_says_so():
    done = run("verify", "--preset", "sendgrid", "--secret", "AAAA", body=b"x")
    assert done.returncode == 2 and b"is not a public key" in done.stderr


def test_a_secret_need_not_be_an_argument(tmp_path):
    (tmp_path / "secret").write_text(GITHUB + "\n")
    rest = ["verify", "--preset", "github", "--header",
            "X-Hub-Signature-256: " + github("{}")["X-Hub-Signature-256"]]
    for more in (["--secret-file", tmp_path / "secret"], [f"--secret=@{tmp_path}/secret"]):
        assert run(*rest, *more, body=b"{}").returncode == 0
    assert run(*rest, body=b"{}", env={"WEIR_SECRET": GITHUB}).returncode == 0
    assert run(*rest, body=b"{}", env={"WEIR_SECRET": "other"}).returncode == 3
    assert run(*rest, body=b"{}", env={"WEIR_SECRET": ""}).returncode == 2
    assert run(*rest, body=b"{}", env={}).returncode == 2


def test_a_header_and_a_file_are_what_the_daemon_takes_them_for(tmp_path):
    """White space behind a value is none of it; a CR at a secret's end is, unless a LF follows."""
    secret = tmp_path / "secret"
    for text, key in ((b"s\r", b"s\r"), (b"s\r\n", b"s"), (b"s\n\n", b"s\n"),
                      (b"x" * 65536 + b"\r\n", b"x" * 65536)):
        secret.write_bytes(text)
        right = hmac.new(key, b"{}", "sha256").hexdigest()
        done = run("verify", "--preset", "github", "--secret-file", secret, "--header",
                   f"X-Hub-Signature-256: sha256={right} \t", body=b"{}")
        assert (done.returncode, done.stderr) == (0, b""), text[-9:]
    secret.write_bytes(b"x" * 65536 + b"\r\ny")
    assert run("verify", "--preset", "github", "--secret-file", secret, body=b"").returncode == 2


def sign_with(preset, secret, *more, body):
    done = run("sign", "--preset", preset, "--secret", secret, *more, body=body)
    return done, dict(line.split(": ", 1) for line in done.stdout.decode().splitlines())


def test_private_keys_sign_for_presets_with_public_ones(tmp_path):
    """Svix's published key and signature; RFC 8032's first key; PEM for all three."""
    done, headers = sign_with(
        "svix", "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMi"
        "cMFs6Kvg==", "--id", "msg_p5jXN8AQM9LWM0D4loKWxJek", "--now", "1614265330",
        body=b'{"test": 2432232314}')
    assert done.returncode == 0 and headers["svix-signature"] == (
        "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg"
        "==")
    done, headers = sign_with(
        "discord", "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60", "--now", "1",
        body=b"{}")
    accepted = run("verify", "--preset", "discord", "--secret",
                   "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
                   *sum((["--header", f"{k}: {v}"] for k, v in headers.items()), []), body=b"{}")
    assert accepted.returncode == 0
    for name, algorithm in (("discord", ["ed25519"]), ("standard-webhooks", ["ed25519"]),
                            ("sendgrid", ["EC", "-pkeyopt", "ec_paramgen_curve:P-256"])):
        key = tmp_path / f"{name}.pem"
        subprocess.run(["openssl", "genpkey", "-algorithm", *algorithm, "-out", key], check=True)
        done, headers = sign_with(name, f"@{key}", "--id", "m", body=b"{}")
        assert done.returncode == 0
        accepted = run("verify", "--preset", name, "--secret", public_half(key, name),
                       *sum((["--header", f"{k}: {v}"] for k, v in headers.items()), []), body=b"{}")
        assert accepted.returncode == 0, (name, accepted.stderr)
    for name in ("github", "stripe", "gitlab"):
        assert sign_with(name, f"@{key}", body=b"{}")[0].returncode == 2
    assert sign_with("sendgrid", "secret", body=b"{}")[0].returncode == 2


def public_half(key, preset):
    der = subprocess.run(["openssl", "pkey", "-in", key, "-pubout", "-outform", "DER"], check=True,
                         capture_output=True).stdout
    return {"discord": der[-32:].hex(),
            "standard-webhooks": "whpk_" + base64.b64encode(der[-32:]).decode(),
            "sendgrid": base64.b64encode(der).decode()}[preset]


def test_weir_verify_standard_webhooks_at_another_time():
    arguments = ["verify", "--preset", "standard-webhooks", "--secret",
                 "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "--header",
                 "webhook-id: msg_p5jXN8AQM9LWM0D4loKWxJek", "--header",
                 "webhook-timestamp: 1614265330", "--header",
                 "webhook-signature: v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="]
    body = b'{"test": 2432232314}'
    assert run(*arguments, "--now", "1614265330", body=body).returncode == 0
    assert run(*arguments, "--now", "1614265730", body=body).returncode == 3
    assert run(*arguments, "--now", "1614265730", "--tolerance", "500", body=body).returncode == 0
    assert run(*arguments, "--now", "1614264930", body=body).returncode == 3
    assert run(*arguments, body=body).returncode == 3


def test_what_is_missing_to_sign_is_named():
    for preset, body, want in (("svix", b"{}", "{id}"), ("mailgun", b'{"a":1}', "{body:/signature/token}")):
        done = run("sign", "--preset", preset, "--secret", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
                   body=body)
        assert done.returncode == 1
        assert f"{want} is signed, and not in the request" in done.stderr.decode()


def test_what_weir_signs_it_verifies(tmp_path):
    names = [line.split()[0] for line in run("presets").stdout.decode().splitlines()]
    assert len(names) == 24 and "standard-webhooks" in names
    made = b'{"event":"made"}'
    url = ["--url", "https://hooks.example.com/webhook/x?a=b", "--method", "POST"]
    for name in names:
        if name in ("discord", "sendgrid"):
            continue
        secret = ["--preset", name, "--secret", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]
        body = b"b=2&a=1" if name == "twilio" else made
        if name == "twilio":
            secret += ["--header", "Content-Type: application/x-www-form-urlencoded"]
        signed = run("sign", *secret, *url, "--id", "msg_7", body=body)
        assert signed.returncode == 0, (name, signed.stderr)
        text = signed.stdout.decode()
        headers = [item for line in text.splitlines() if ": " in line and not line.startswith("{")
                   for item in ("--header", line)]
        sent = next((line for line in text.splitlines() if line.startswith("{")), body.decode())
        done = run("verify", *secret, *url, *headers, body=sent.encode())
        assert done.returncode == 0, (name, text, done.stderr)
        done = run("verify", *secret, *url, *headers, body=sent.encode() + b"x")
        assert done.returncode == (0 if name == "gitlab" else 3), name


def test_presets_can_be_pasted(signed):
    shown = json.loads(run("presets", "show", "stripe").stdout)
    assert shown["type"] == "signature" and shown["tolerance"] == 300
    weir = signed({**shown, "secret": "whsec_x"})
    when = str(int(time.time()))
    signature = mac("whsec_x", when + ".{}").hexdigest()
    header = {"Stripe-Signature": f"t={when},v1={'0' * 64},v1={signature},v0=junk"}
    assert code(post(weir, "{}", header)) == 200
    for name in ("slack", "zoom", "discord"):
        done = run("presets", "show", name)
        assert json.loads(done.stdout) and f'"challenge": "{name}"'.encode() in done.stderr
    done = run("presets", "show", "strype")
    assert done.returncode == 2 and b"did you mean stripe" in done.stderr
    assert {item["name"] for item in json.loads(run("presets", "--json").stdout)} >= {"stripe"}
