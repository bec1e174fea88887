# SPDX-License-Identifier: MIT
"""Reloading in every way, the command line, status, metrics."""
import json
import os
import signal
import subprocess

import pytest

from conftest import WEBHOOKS
from gateway import TOKEN, WEIR, Weir
from pgserver import wait_until


def generation(weir):
    return weir.status()["config"]["generation"]


def test_status_has_the_promised_shape(start, database):
    weir = start({"db": database.connection()})
    assert weir.connection()["version"] == 0 and weir.connection()["versions"] == []
    assert weir.post({})[0] == 200
    status = weir.status()
    assert status["status"] == "ok" and status["uptime_seconds"] > 0
    assert status["pools"] == {"active": 1, "deprecated": 0, "staging": 0}
    assert status["active_requests"] == 0
    assert status["config"]["last_reload"]["ok"] is True
    version = status["connections"]["db"]["versions"][0]
    assert version["state"] == "active" and len(version["config_sha256"]) == 64
    assert {"min", "max", "open", "idle", "leased", "opening"} <= set(version["size"])
    assert {"acquired", "timeouts", "opened", "closed", "open_failures", "refused", "unavailable",
            "shed", "recycled"} == set(version["totals"])
    assert version["last_error"] is None and version["created_at"].endswith("Z")
    assert "pass-one" not in json.dumps(status)


def test_sighup_reloads(start, database):
    weir = start({"db": database.connection()})
    weir.write({"db": database.connection("two")})
    weir.process.send_signal(signal.SIGHUP)
    wait_until(lambda: generation(weir) == 2)


def test_a_changed_file_is_noticed(start, database):
    weir = start({"db": database.connection()}, None, {"watch": True})
    weir.write({"db": database.connection("two")})
    wait_until(lambda: generation(weir) == 2)
    path = weir.config / "webhooks.json"
    path.write_text(json.dumps({"webhooks": []}))
    wait_until(lambda: generation(weir) == 3)
    path.unlink()
    (weir.config / "connections.json").unlink()
    wait_until(lambda: weir.request("GET", "/healthz")[0] == 200)
    import time
    time.sleep(3)
    assert generation(weir) == 3, "a deleted file changes nothing"
    weir.process.send_signal(signal.SIGHUP)
    wait_until(lambda: not weir.status()["config"]["last_reload"]["ok"])
    assert generation(weir) == 3


def test_a_swapped_symbolic_link_is_noticed(start, database):
    weir = start({"db": database.connection()}, None, {"watch": True}, start=False)
    first, second = weir.config / "..one", weir.config / "..two"
    first.mkdir()
    second.mkdir()
    for name in ("connections", "webhooks", "server"):
        path = weir.config / f"{name}.json"
        (second / path.name).write_text(path.read_text())
        path.rename(first / path.name)
        path.symlink_to(f"..data/{path.name}")
    (second / "connections.json").write_text(json.dumps({"db": database.connection("two")}))
    (weir.config / "..data").symlink_to("..one")
    weir.start()
    assert generation(weir) == 1
    (weir.config / "..data_tmp").symlink_to("..two")
    os.rename(weir.config / "..data_tmp", weir.config / "..data")
    wait_until(lambda: generation(weir) == 2)


@pytest.fixture
def powerless(start, tmp_path):
    """A daemon that may not read everything, though root may have started it."""
    weir = start({"db": {"type": "sqlite", "path": str(tmp_path / "x.db")}}, {"webhooks": []},
                 {"watch": True}, start=False)
    if os.geteuid() == 0:
        weir.wrapper = ["setpriv", "--inh-caps=-all", "--bounding-set=-all"]
    weir.start()
    return weir


def test_a_change_while_it_starts_is_noticed(start, tmp_path):
    """What the files looked like was noted after they had been read: in between, nobody looked."""
    module = {"type": "sqlite", "connection": "db"}
    weir = start({"db": {"type": "sqlite", "path": str(tmp_path / "x.db")}},
                 {"webhooks": [{"path": f"/webhook/{n}", "modules": [module]}
                               for n in range(9000)]}, {"watch": True}, start=False)
    weir.log_path = weir.directory / "log"
    with open(weir.log_path, "wb") as log:
        weir.process = subprocess.Popen([str(WEIR), "serve", "--config", str(weir.config)],
                                        stderr=log)
    wait_until(lambda: weir.rss() > 20 << 20, interval=0.001)  # it has the text, and parses it
    assert "event=ready" not in weir.log()
    weir.write(webhooks={"webhooks": [{"path": "/webhook/example", "modules": [module]}]})
    weir.port = int(wait_until(weir._listening)[-1])  # pylint: disable=protected-access
    wait_until(lambda: weir.post({})[0] == 200)


def test_a_change_while_a_reload_turns_the_watch_on_is_noticed(start, tmp_path):
    """As at the start: what the files looked like was noted after they had been read."""
    module = {"type": "sqlite", "connection": "db"}
    weir = start({"db": {"type": "sqlite", "path": str(tmp_path / "x.db")}}, {"webhooks": []})
    before = weir.rss()
    weir.server["watch"] = True
    weir.write(webhooks={"webhooks": [{"path": f"/webhook/{n}", "modules": [module]}
                                      for n in range(9000)]})
    weir.process.send_signal(signal.SIGHUP)
    wait_until(lambda: weir.rss() > before + (10 << 20), interval=0.001)
    assert "event=reloaded" not in weir.log_path.read_text()
    weir.write(webhooks={"webhooks": [{"path": "/webhook/example", "modules": [module]}]})
    wait_until(lambda: weir.post({})[0] == 200)


ENTRY = {"webhooks": [{"path": "/webhook/example",
                       "modules": [{"type": "sqlite", "connection": "db"}]}]}


def test_a_file_that_may_be_read_at_last_is_read(powerless):
    """chmod changes neither its size nor the time of what is in it."""
    new = powerless.config / ".new"
    new.write_text(json.dumps(ENTRY))
    new.chmod(0)
    new.rename(powerless.config / "webhooks.json")
    wait_until(lambda: "event=reload-rejected" in powerless.log())
    (powerless.config / "webhooks.json").chmod(0o600)
    wait_until(lambda: generation(powerless) == 2)
    assert powerless.post({})[0] == 200


def test_a_file_that_is_moved_back_is_read(powerless):
    """Without server.json the new webhooks.json was refused; with it they fit, and nobody looked."""
    server, aside = powerless.config / "server.json", powerless.config / "aside"
    server.rename(aside)
    powerless.config.joinpath("webhooks.json").write_text(json.dumps(ENTRY))
    wait_until(lambda: "event=reload-rejected" in powerless.log())
    aside.rename(server)
    wait_until(lambda: generation(powerless) == 2)
    assert powerless.post({})[0] == 200


def test_a_rejected_reload_leaves_everything(start, database):
    weir = start({"db": database.connection()})
    assert weir.post({})[0] == 200
    weir.write('{"db": {"type": "postgresql",\n "port": }}')
    code, answer = weir.reload()
    error = answer["errors"][0]
    assert code == 422 and error["file"] == "connections.json" and error["line"] == 2
    weir.write({"db": {**database.connection(), "pool_maxsize": 3, "port": 0}})
    code, answer = weir.reload()
    by_pointer = {error["pointer"]: error for error in answer["errors"]}
    assert code == 422
    assert "pool_max_size" in by_pointer["/db/pool_maxsize"]["message"]
    weir.write({"db": database.connection()}, {"webhooks": [{"path": "/x", "modules": [
        {"type": "postgresql", "connection": "dbb"}]}]})
    code, answer = weir.reload()
    assert code == 422
    assert answer["errors"][0]["pointer"] == "/webhooks/0/modules/0/connection"
    assert "did you mean db" in answer["errors"][0]["message"]
    status = weir.status()
    assert status["config"]["generation"] == 1
    assert status["config"]["last_reload"]["ok"] is False
    assert "webhooks.json" in status["config"]["last_reload"]["error"]
    assert weir.post({})[0] == 200
    assert [v["version"] for v in weir.connection()["versions"]] == [1]


def test_weir_reload_prints_every_outcome(start, database):
    weir = start({"db": database.connection(), "gone": database.connection(),
                  "same": database.connection()})
    assert weir.post({})[0] == 200
    weir.write({"db": {**database.connection("two"), "password": "pass-wrong"},
                "same": database.connection(), "fresh": database.connection()})
    result = weir.command("reload", "--admin", weir.admin(), "--token", TOKEN)
    assert result.returncode == 0, result.stderr
    lines = {line.split()[0]: line.split(None, 1)[1] for line in result.stdout.splitlines()}
    assert "unchanged" in lines["same"] and "removed" in lines["gone"]
    assert "added" in lines["fresh"]
    assert "staging" in lines["db"] and "the server refused the credentials" in lines["db"]
    weir.write("{")
    result = weir.command("reload", "--admin", weir.admin(), "--token", TOKEN)
    assert result.returncode == 1 and "connections.json:1:" in result.stderr
    result = weir.command("reload", "--admin", "127.0.0.1:1")
    assert result.returncode == 1 and "running" in result.stderr


def test_weir_check(start, database):
    weir = Weir({"db": database.connection()}, WEBHOOKS, start=False)
    try:
        result = weir.command("check", "--config", str(weir.config))
        assert result.returncode == 0 and "1 connections, 1 webhooks" in result.stdout
        assert weir.command("check", "--config", str(weir.config), "--connect").returncode == 0
        weir.write({"db": {**database.connection(), "password": "pass-wrong"}})
        result = weir.command("check", "--config", str(weir.config), "--connect")
        assert result.returncode == 3 and "refused the credentials" in result.stderr
        assert "pass-wrong" not in result.stderr
        weir.write({"db": {**database.connection(), "password": "{$NO_SUCH_VARIABLE}"}})
        result = weir.command("check", "--config", str(weir.config))
        assert result.returncode == 3 and "NO_SUCH_VARIABLE" in result.stderr
        assert "connections.json:" in result.stderr and "/db/password" in result.stderr
        result = weir.command("check", "--config", str(weir.config), "--json")
        assert json.loads(result.stdout)["errors"][0]["pointer"] == "/db/password"
    finally:
        weir.remove()


def test_weir_status_pools_version_and_help(start, database):
    weir = start({"db": database.connection()})
    assert weir.post({})[0] == 200
    where = ("--admin", weir.admin(), "--token", TOKEN)
    table = weir.command("status", *where)
    assert table.returncode == 0 and "db" in table.stdout and "CONNECTION" in table.stdout
    assert json.loads(weir.command("status", *where, "--json").stdout)["connections"]["db"]
    assert "active" in weir.command("pools", *where).stdout
    assert weir.command("version").stdout.startswith("weir ")
    assert weir.command("--help").returncode == 0
    for verb in ("serve", "check", "reload", "status", "pools", "version"):
        result = weir.command(verb, "--help")
        assert result.returncode == 0 and f"usage: weir {verb}" in result.stdout
        assert weir.command(verb, "--nonsense").returncode == 2
    assert weir.command("nonsense").returncode == 2
    assert weir.command("check").returncode == 2


def test_metrics_and_readiness(start, database):
    weir = start({"db": database.connection()})
    assert weir.post({})[0] == 200
    code, headers, body = weir.request("GET", "/metrics")
    text = body.decode()
    assert code == 200 and headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert 'weir_webhooks_total{outcome="stored"} 1' in text
    assert 'weir_pool_acquired_total{connection="db",type="postgresql"}' in text
    assert weir.request("GET", "/readyz")[0] == 200
    assert weir.request("HEAD", "/healthz")[0] == 200


def test_a_second_daemon_on_the_port_is_told_so(start, database):
    weir = start({"db": database.connection()})
    other = Weir({"db": database.connection()}, WEBHOOKS,
                 {"listen": f"127.0.0.1:{weir.port}"}, start=False)
    try:
        result = other.command("serve", "--config", str(other.config))
        assert result.returncode == 1
        assert "already in use" in result.stderr and str(weir.port) in result.stderr
    finally:
        other.remove()


def test_several_loops_and_an_admin_socket(start, database):
    weir = start({"db": database.connection()}, None, {"loops": 2}, start=False)
    weir.server["admin_listen"] = f"unix:{weir.directory}/admin"
    weir.write(server=weir.server)
    weir.start()
    for number in range(50):
        assert weir.post({"n": number})[0] == 200
    assert weir.request("GET", "/admin/status", headers={"Authorization": "Bearer " + TOKEN})[0] \
        == 404, "the admin side has a listener of its own"
    result = weir.command("status", "--config", str(weir.config), "--json")
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["connections"]["db"]["queue"]["stored"] == 50
