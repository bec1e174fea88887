# SPDX-License-Identifier: MIT
"""Nothing the daemon ever writes holds a secret it was given, whatever goes wrong."""
import base64
import hmac
import json
import secrets
import signal
import socket
import sqlite3

import pytest

from gateway import raw
from pgserver import free_port, wait_until

MODULES = [{"type": "sqlite", "connection": "file"}]


class Vault:
    """Secrets that occur nowhere else, and every text that was seen."""

    def __init__(self):
        self.secrets, self.seen = {}, []

    def new(self, name, size=None):
        self.secrets[name] = (f"sec-{name}-{secrets.token_hex(12)}" if size is None else
                              "x" + secrets.token_hex(size))
        return self.secrets[name]

    def see(self, *texts):
        self.seen += [text if isinstance(text, str) else text.decode("latin1") for text in texts]

    def check(self):
        for name, secret in self.secrets.items():
            forms = [secret, base64.b64encode(secret.encode()).decode(),
                     base64.b64encode(f"user:{secret}".encode()).decode()]
            for text in self.seen:
                for form in forms:
                    assert form not in text, (name, text[:2000])


def configuration(vault, tmp_path, database, port):
    (tmp_path / "key").write_text(vault.new("file") + "\n")
    connections = {
        "file": {"type": "sqlite", "path": str(tmp_path / "weir.db")},
        "wrong": {**database.connection(), "password": vault.new("password")},
        "nobody": {"type": "postgresql", "host": "127.0.0.1", "port": port, "user": "u",
                   "password": vault.new("unreachable"), "acquisition_timeout": 0.3},
        "redis": {"type": "redis", "host": "127.0.0.1", "port": port,
                  "password": vault.new("redis"), "acquisition_timeout": 0.3},
        "rabbit": {"type": "rabbitmq", "host": "127.0.0.1", "port": port, "user": "u",
                   "password": vault.new("rabbit"), "acquisition_timeout": 0.3},
        "mysql": {"type": "mysql", "host": "127.0.0.1", "port": port, "user": "u",
                  "database": "d", "password": vault.new("mysql"), "acquisition_timeout": 0.3}}
    auth = {
        "bearer": [{"type": "bearer", "secrets": [vault.new("bearer"), {"file": str(
            tmp_path / "key")}]}],
        "basic": [{"type": "basic", "user": "user", "secret": vault.new("basic")}],
        "header": [{"type": "header", "name": "X-Key", "secret": vault.new("header")}],
        "query": [{"type": "query", "name": "key", "secret": vault.new("query")}],
        "jwt": [{"type": "jwt", "secret": vault.new("jwt")}]}
    (tmp_path / "hook").write_text(vault.new("credential"))
    auth["bearer"][0]["secrets"] += ["{$HOOK}", {"credential": "hook"}]
    decoded = base64.b64encode(vault.new("decoded").encode()).decode()
    auth["svix"] = [{"type": "signature", "preset": "svix", "secret": f"whsec_{decoded}"}]
    for preset in ("gitlab", "hubspot-v1", "zoom", "stripe"):
        auth[preset] = [{"type": "signature", "preset": preset, "secret": vault.new(preset)}]
    webhooks = [{"path": f"/webhook/{name}", "modules": MODULES, "auth": checks}
                for name, checks in auth.items()]
    webhooks.append({"path": "/webhook/meta", "modules": MODULES, "challenge": {
        "type": "meta", "verify_token": vault.new("meta")}})
    for name in ("wrong", "nobody", "mysql"):
        kind = "mysql" if name == "mysql" else "postgresql"
        webhooks.append({"path": f"/webhook/{name}",
                         "modules": [{"type": kind, "connection": name}]})
    webhooks.append({"path": "/webhook/redis", "modules": [
        {"type": "redis", "connection": "redis", "key": "s"}]})
    webhooks.append({"path": "/webhook/rabbit", "modules": [
        {"type": "rabbitmq", "connection": "rabbit", "queue_name": "q"}]})
    return connections, {"webhooks": webhooks}


def knock_signed(weir, vault):
    secret = vault.secrets
    status, _, body = weir.request("POST", "/webhook/gitlab", "{}",
                                   {"X-Gitlab-Token": secret["gitlab"]})
    assert status == 200
    status, headers, text = weir.request("GET", "/webhook/meta?hub.mode=subscribe&hub.challenge=7"
                                         f"&hub.verify_token={secret['meta']}")
    assert (status, text) == (200, b"7")
    vault.see(body, str(headers))
    for name, header in (("gitlab", "X-Gitlab-Token"), ("hubspot-v1", "X-HubSpot-Signature"),
                         ("zoom", "X-Zm-Signature"), ("stripe", "Stripe-Signature")):
        status, headers, body = weir.request("POST", f"/webhook/{name}", "{}",
                                             {header: secret[name] + "x"})
        assert status == 401
        vault.see(body, str(headers))
        done = weir.command("verify", "--preset", name, "--secret", secret[name],
                            "--header", f"{header}: {secret[name]}x")
        vault.see(done.stdout, done.stderr)
    status, headers, body = weir.request("GET", "/webhook/meta?hub.mode=subscribe&hub.challenge=7"
                                         f"&hub.verify_token={secret['meta']}x")
    assert status == 403
    vault.see(body, str(headers))


def knock(weir, vault):
    """With the right credentials, with ones that are nearly right, and with none."""
    secret = vault.secrets
    for name in ("file", "environment", "credential"):
        assert weir.request("POST", "/webhook/bearer", "{}", {
            "Authorization": "Bearer " + secret[name]})[0] == 200
    right = {
        "bearer": ({"Authorization": "Bearer " + secret["bearer"]}, ""),
        "basic": ({"Authorization": "Basic " + base64.b64encode(
            ("user:" + secret["basic"]).encode()).decode()}, ""),
        "header": ({"X-Key": secret["header"]}, ""),
        "query": ({}, "?key=" + secret["query"])}
    for name, (headers, query) in right.items():
        status, _, body = weir.request("POST", f"/webhook/{name}{query}", "{}", headers)
        assert status == 200, (name, body)
        vault.see(body)
    for name in ("bearer", "basic", "header", "query", "jwt"):
        for headers in ({}, {"Authorization": "Bearer " + secret["jwt"] + "x"},
                        {"X-Key": secret["header"] + "x"}):
            status, answer_headers, body = weir.request(
                "POST", f"/webhook/{name}?key={secret['query']}x", "{}", headers)
            assert status == 401
            vault.see(body, str(answer_headers))
    for name in ("wrong", "nobody", "redis", "rabbit", "mysql"):
        status, _, body = weir.request("POST", f"/webhook/{name}", "{}")
        assert status == 503, (name, body)
        vault.see(body)


def test_nothing_that_is_written_holds_a_secret(start, database, tmp_path):
    vault = Vault()
    connections, webhooks = configuration(vault, tmp_path, database, free_port())
    admin = vault.new("admin")
    server = {"admin_token": admin, "log": {"level": "debug"}}
    weir = start(connections, webhooks, server,
                 environment={"HOOK": vault.new("environment"),
                              "CREDENTIALS_DIRECTORY": str(tmp_path)})
    bearer = {"Authorization": f"Bearer {admin}"}
    knock(weir, vault)
    knock_signed(weir, vault)
    for path in ("/admin/status", "/metrics", "/readyz", "/healthz"):
        vault.see(weir.request("GET", path, headers=bearer)[2])
    vault.see(weir.request("GET", "/admin/status", headers={
        "Authorization": f"Bearer {admin}x"})[2])
    vault.see(raw(weir.port, f"GET /?{vault.secrets['query']} HTTP/1.1\r\n\r\n".encode()))
    for verb in (["check"], ["check", "--connect"], ["status"], ["status", "--json"],
                 ["reload"], ["pools"]):
        done = weir.command(verb[0], "--config", str(weir.config), *verb[1:])
        vault.see(done.stdout, done.stderr)

    # Files that are wrong, beside secrets and in them.
    broken = json.dumps(connections)[:-2] + ",\n}"
    surplus = {**connections, "file": {**connections["file"], "password": vault.new("surplus")}}
    numbers = {**connections, "wrong": {**connections["wrong"], "password": [vault.new("listed")]}}
    short = vault.new("short", 7)  # what a parser quotes is rarely long
    torn = [json.dumps(connections)[:-1] + f',"x":{{"password"{text}}}}}' for text in (
        f':"{short},\n', f' "{short}"', f":{short}", f':"{short}\\q"', f':"x" "{short}"')]
    for text in (broken, surplus, numbers, *torn):
        weir.write(text)
        code, _, body = weir.request("POST", "/admin/reload", "{}", bearer)
        assert code == 422, body
        done = weir.command("check", "--config", str(weir.config))
        assert done.returncode == 3
        vault.see(body, done.stdout, done.stderr)
    hooks = json.dumps(webhooks)[:-2] + ",\n]}"
    ports = json.dumps({**server, "listen": 7})
    for broken_hooks, broken_server in ((hooks, None), (webhooks, ports), (webhooks, ports[:-1]),
                                        (webhooks, ports[:12] + "!" + ports[12:])):
        weir.write(connections, broken_hooks, broken_server)
        code, _, body = weir.request("POST", "/admin/reload", "{}", bearer)
        assert code == 422, body
        done = weir.command("check", "--config", str(weir.config))
        assert done.returncode == 3
        vault.see(body, done.stdout, done.stderr)
    for check in ({"type": "bearer", "secret": vault.new("unknown-key"), "sekret": "x"},
                  {"type": "signature", "preset": "svix", "secret": vault.new("no-base64") + "!"},
                  {"type": "signature", "preset": "sendgrid", "secret": vault.new("no-key")}):
        entry = {"path": "/webhook/x", "modules": MODULES, "auth": [check]}
        weir.write(connections, {"webhooks": [entry]})
        code, _, body = weir.request("POST", "/admin/reload", "{}", bearer)
        assert code == 422
        vault.see(body)

    with sqlite3.connect(tmp_path / "weir.db") as rows:
        stored = rows.execute("SELECT * FROM webhook_events").fetchall()
    assert len(stored) == 8
    vault.see(*[str(row) for row in stored])
    weir.process.send_signal(signal.SIGTERM)
    weir.process.wait(20)
    vault.see(weir.log(), (weir.directory / "out").read_text())
    assert weir.log().count("\n") > 20
    vault.check()


@pytest.mark.parametrize("kind", ["variable", "file", "credential"])
def test_every_secret_may_stand_elsewhere(start, database, tmp_path, kind):
    """Passwords, the admin token and Meta's, as those of auth may (test_auth)."""
    connection, environment = database.connection(), {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    values = {"password": connection["password"], "admin": "admin-token", "meta": "meta-token"}
    refer = {"variable": lambda name: f"{{$THE_{name.upper()}}}",
             "file": lambda name: {"file": str(tmp_path / name)},
             "credential": lambda name: {"credential": name}}[kind]
    for name, value in values.items():
        (tmp_path / name).write_text(value + "\n")
        environment[f"THE_{name.upper()}"] = value
    modules = [{"type": "postgresql", "connection": "db"}]
    weir = start({"db": {**connection, "password": refer("password")}}, {"webhooks": [
        {"path": "/webhook/example", "modules": modules,
         "challenge": {"type": "meta", "verify_token": refer("meta")}}]},
        {"admin_token": refer("admin")}, environment=environment)
    assert weir.post({})[0] == 200
    for end, wanted in (("", 200), ("x", 401)):
        assert weir.request("GET", "/admin/status", headers={
            "Authorization": "Bearer admin-token" + end})[0] == wanted
    for end, wanted in (("", 200), ("x", 403)):
        assert weir.request("GET", "/webhook/example?hub.mode=subscribe&hub.challenge=7"
                            f"&hub.verify_token=meta-token{end}")[0] == wanted


def dumped_and_kept(pid, names):
    """Which secrets stand in mappings that the kernel would dump, and in those it would not."""
    dumped, kept = set(), set()
    with open(f"/proc/{pid}/smaps", encoding="utf8") as maps, \
            open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for line in maps:
            first = line.split()[0]
            if "-" in first and ":" not in first:
                begin, end = (int(part, 16) for part in first.split("-"))
                readable = line.split()[1].startswith("r")
            elif line.startswith("VmFlags:") and readable:
                try:
                    memory.seek(begin)
                    text = memory.read(end - begin)
                except (OSError, OverflowError, ValueError):
                    continue
                found = {name for name, secret in names.items()
                         if (secret if isinstance(secret, bytes) else secret.encode()) in text}
                (kept if " dd" in line else dumped).update(found)
    return dumped, kept


def test_secrets_are_left_out_of_core_dumps(start, tmp_path):
    """Wherever they came from, and while they are being offered. dd in VmFlags: not dumped."""
    vault = Vault()
    (tmp_path / "key").write_text(vault.new("file"))
    checks = {"bearer": {"type": "bearer", "secrets": [
                  vault.new("bearer"), "{$HOOK}", {"file": str(tmp_path / "key")}]},
              "basic": {"type": "basic", "user": "user", "secret": vault.new("basic")},
              "query": {"type": "query", "name": "key", "secret": vault.new("query")},
              "jwt": {"type": "jwt", "secret": vault.new("jwt")},
              "token": {"type": "jwt", "secret": vault.secrets["jwt"], "query": "t"},
              "equal": {"type": "signature", "algorithm": "equal", "query": "sig",
                        "secret": "x" * 64 + vault.new("equal")}}
    token = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in (
        b'{"alg":"HS256"}', b'{"exp":1e20,"jti":"' + secrets.token_hex(20).encode() + b'"}'))
    mac = hmac.digest(vault.secrets["jwt"].encode(), token, "sha256")
    token = (token + b"." + base64.urlsafe_b64encode(mac).rstrip(b"=")).decode()
    for preset in ("github", "gitlab", "hubspot-v1", "hubspot-v2"):
        # Its beginning may be overwritten where it has been left behind.
        checks[preset] = {"type": "signature", "preset": preset,
                          "secret": "x" * 64 + vault.new(preset)}
    checks["standard-webhooks"] = {
        "type": "signature", "preset": "standard-webhooks",
        "secret": "whsec_" + base64.b64encode(vault.new("decoded").encode()).decode()}
    webhooks = {"webhooks": [{"path": f"/webhook/{name}", "modules": MODULES, "auth": [check],
                              "public_url": "https://hooks.example.com"}
                             for name, check in checks.items()] + [
        {"path": "/webhook/meta", "modules": MODULES, "challenge": {
            "type": "meta", "verify_token": vault.new("meta")}}]}
    weir = start({"file": {"type": "sqlite", "path": str(tmp_path / "weir.db")},
                  "pg": {"type": "postgresql", "host": "127.0.0.1", "user": "u",
                         "password": vault.new("password")}},
                 webhooks, {"admin_token": vault.new("admin")},
                 environment={"HOOK": vault.new("environment")})
    secret = vault.secrets

    def offer():
        for name in ("bearer", "environment", "file"):
            assert weir.request("POST", "/webhook/bearer", "{}", {
                "Authorization": f"Bearer {secret[name]}"})[0] == 200
        user = base64.b64encode(f"user:{secret['basic']}".encode()).decode()
        assert weir.request("POST", "/webhook/basic", "{}", {
            "Authorization": f"Basic {user}"})[0] == 200
        assert weir.request("POST", f"/webhook/query?key={secret['query']}", "{}")[0] == 200
        assert weir.request("POST", "/webhook/jwt", "{}")[0] == 401
        assert weir.request("POST", f"/webhook/token?t={token}", "{}")[0] == 200
        assert weir.request("POST", f"/webhook/equal?sig={'x' * 64}{secret['equal']}",
                            "{}")[0] == 200
        sent = {"X-Hub-Signature-256": "sha256=" + "00" * 32, "X-HubSpot-Signature": "00" * 32,
                "Webhook-Signature": "v1," + "A" * 43 + "=", "Webhook-Id": "1",
                "Webhook-Timestamp": "1"}
        for name in ("github", "hubspot-v1", "hubspot-v2", "standard-webhooks"):
            assert weir.request("POST", f"/webhook/{name}?{'q' * 700}", "{}", sent)[0] == 401
        assert weir.request("POST", "/webhook/gitlab", "{}", {
            "X-Gitlab-Token": "x" * 64 + secret["gitlab"]})[0] == 200
        assert weir.request("GET", "/webhook/meta?hub.mode=subscribe&hub.challenge=7"
                            f"&hub.verify_token={secret['meta']}")[0] == 200
        bearer = {"Authorization": f"Bearer {secret['admin']}"}
        assert weir.request("POST", "/admin/reload", headers=bearer)[0] == 200

    offer()
    with socket.create_connection(("127.0.0.1", weir.port)) as waiting:
        waiting.sendall(f"GET /admin/status HTTP/1.1\r\nAuthorization: Bearer {secret['admin']}"
                        .encode() + b"\r\nX-Filler: " + b"x" * 6000)
        offer()
        macs = {"a token's": mac, "what github should have sent": hmac.digest(
            b"x" * 64 + secret["github"].encode(), b"{}", "sha256")}
        dumped, kept = dumped_and_kept(weir.process.pid, {**secret, **macs, "a token": token})
    assert kept - {"a token"} == set(secret)
    assert dumped == set(), "a secret is in memory that would be dumped"
    wait_until(lambda: weir.process.poll() is None)
