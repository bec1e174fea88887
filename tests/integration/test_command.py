# SPDX-License-Identifier: MIT
"""The command line: exit codes, the environment in the configuration, and every way to reload."""
import json
import os
import pathlib
import re
import signal
import subprocess
import time

import pytest

from conftest import WEBHOOKS
from gateway import TOKEN, Load, Weir
from pgserver import wait_until
from stage import check_exactly_once, states

VERBS = ("serve", "check", "reload", "status", "pools", "version", "verify", "sign", "presets",
         "convert")


@pytest.fixture
def idle():
    """A configuration directory and the commands, without a daemon."""
    weir = Weir({}, {"webhooks": []}, start=False)
    weir.environment.pop("WEIR_ADMIN_TOKEN", None)
    yield weir
    weir.remove()


@pytest.mark.parametrize("verb", VERBS)
def test_help_goes_to_standard_output_and_mistakes_to_the_other(idle, verb):
    for option in ("--help", "-h"):
        result = idle.command(verb, option)
        assert (result.returncode, result.stderr) == (0, "")
        assert result.stdout.startswith(f"usage: weir {verb}")
        assert result.stdout.count(f"usage: weir {verb}") == 1
    result = idle.command(verb, "--nonsense")
    assert (result.returncode, result.stdout) == (2, "")
    assert "--nonsense" in result.stderr and f"usage: weir {verb}" in result.stderr


def test_the_help_names_every_verb(idle):
    for arguments in (("--help",), ("-h",), ("help",)):
        result = idle.command(*arguments)
        assert result.returncode == 0 and all(verb in result.stdout for verb in VERBS)
    for arguments in ((), ("nonsense",)):
        result = idle.command(*arguments)
        assert result.returncode == 2 and result.stdout == "" and "usage:" in result.stderr


def test_a_value_that_is_missing_or_too_much(idle):
    assert idle.command("check", "--config").returncode == 2
    assert idle.command("check", "--config", str(idle.config), "--json=yes").returncode == 2
    assert idle.command("check", f"--config={idle.config}").returncode == 0


def test_version_as_json(idle):
    assert re.match(r"weir \d+\.\d+\.\d+", idle.command("version").stdout)
    version = json.loads(idle.command("version", "--json").stdout)
    assert re.fullmatch(r"\d+\.\d+\.\d+", version["version"])


def test_without_a_daemon_the_questions_fail(idle):
    for verb in ("reload", "status", "pools"):
        result = idle.command(verb, "--admin", "127.0.0.1:1")
        assert result.returncode == 1 and result.stdout == ""
        assert "127.0.0.1:1" in result.stderr
        assert idle.command(verb, "--admin", "nowhere").returncode == 1
        assert idle.command(verb, "--admin", "unix:/nowhere/at/all").returncode == 1


def test_a_directory_that_is_not_there(idle):
    for arguments, code in ((("check", "--config", "/nowhere"), 3),
                            (("serve", "--config", "/nowhere"), 1)):
        result = idle.command(*arguments)
        assert result.returncode == code and "connections.json" in result.stderr


def test_a_wrong_configuration_does_not_start(idle):
    idle.write({"db": {"type": "postgresql", "prot": 5432}}, WEBHOOKS)
    result = idle.command("serve", "--config", str(idle.config))
    assert result.returncode == 1
    assert "/db/prot" in result.stderr and "port" in result.stderr


@pytest.mark.parametrize("form", ["array", "map"])
def test_a_mistake_in_every_entry_is_told_at_once(idle, form):
    """The line of each was looked for, of those that are left out, too: for half a minute."""
    entry = {"module": "log", "nope": 1} if form == "map" else \
        {"path": "/x", "nope": 1, "modules": [{"type": "log", "connection": "c"}]}
    entries = {f"w{i}": entry for i in range(10000)}
    idle.write({}, entries if form == "map" else {"webhooks": list(entries.values())})
    begun = time.monotonic()
    result = idle.command("check", "--config", str(idle.config))
    assert time.monotonic() - begun < 5
    assert result.returncode == 3 and "/nope: " in result.stderr
    assert len(result.stderr.splitlines()) == 65 and result.stderr.endswith("more\n")


def test_a_mistake_is_told_once_and_where_it_is(idle):
    connections = {"l": {"type": "log", "pool_max_sice": 3}}
    log = [{"type": "log", "connection": "l"}]
    webhooks = [{"path": "/a", "modules": log}, {"path": "/b", "modules": log},
                {"path": "/c", "modules": [{"type": "lgo", "connection": "m"}]},
                {"path": "/b", "modules": log, "auth": [{"type": "signature", "preset": "githb",
                                                        "secret": "x"}]}]
    idle.write(connections, {"webhooks": webhooks})
    told = json.loads(idle.command("check", "--config", str(idle.config), "--json").stdout)
    found = {error["pointer"]: error["message"] for error in told["errors"]}
    assert set(found) == {"/l/pool_max_sice", "/webhooks/2/modules/0/type",
                          "/webhooks/2/modules/0/connection", "/webhooks/3/auth/0/preset"}
    assert found["/webhooks/2/modules/0/type"] == "no module is called lgo; did you mean log"
    assert found["/webhooks/3/auth/0/preset"] == "no preset is called githb; did you mean github"
    idle.write({"l": {"type": "log"}}, {"webhooks": [webhooks[1], webhooks[0], webhooks[1]]})
    told = json.loads(idle.command("check", "--config", str(idle.config), "--json").stdout)
    assert [(error["pointer"], error["message"]) for error in told["errors"]] == [
        ("/webhooks/2/path", "two webhooks have the path /b")]


def preload_enomem(directory):
    preload = directory / "enomem.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", str(preload),
                    str(pathlib.Path(__file__).parent / "enomem.c")], check=True)
    return str(preload)


def test_a_configuration_is_not_read_with_a_character_less(idle, tmp_path):
    """jansson drops what it has no room for, and goes on: a path, or a password, was another."""
    idle.write({"c": {"type": "log"}},
               {"webhooks": [{"path": "/" + "x" * 700,
                              "modules": [{"type": "log", "connection": "c"}]}]})
    idle.environment |= {"LD_PRELOAD": preload_enomem(tmp_path), "ENOMEM_SIZE": "1024"}
    found = set()
    for turn in range(1, 5):  # one of them is the room for the path
        idle.environment["ENOMEM_TURN"] = str(turn)
        result = idle.command("check", "--config", str(idle.config))
        found.add((result.returncode, result.stderr))
    assert (3, "weir: out of memory\n") in found, found


@pytest.mark.parametrize("size", [151, 191])  # a connection's name, and an id that is a path
def test_a_configuration_is_not_read_with_an_entry_less(idle, tmp_path, size):
    """Without memory for its name a connection was left out, and its webhooks with it, unsaid."""
    idle.write({"c" * 150: {"type": "log"}},
               {"webhooks": [{"path": "/" + "x" * 190,
                              "modules": [{"type": "log", "connection": "c" * 150}]}]})
    idle.environment |= {"LD_PRELOAD": preload_enomem(tmp_path), "ENOMEM_SIZE": str(size)}
    found = []
    for turn in range(1, 9):
        idle.environment["ENOMEM_TURN"] = str(turn)
        result = idle.command("check", "--config", str(idle.config))
        found.append((result.returncode, result.stdout, "out of memory" in result.stderr))
    assert (3, "", True) in found, found
    assert set(found) == {(3, "", True), (0, "ok: 1 connections, 1 webhooks\n", False)}, found


def test_a_wrong_token_is_refused(start, database):
    weir = start({"db": database.connection()})
    for verb in ("reload", "status", "pools"):
        for wrong in ("wrong", TOKEN + "x", ""):
            result = weir.command(verb, "--admin", weir.admin(), "--token", wrong)
            assert result.returncode == 1 and result.stdout == "", (verb, wrong)
        weir.environment["WEIR_ADMIN_TOKEN"] = TOKEN
        assert weir.command(verb, "--admin", weir.admin()).returncode == 0
        del weir.environment["WEIR_ADMIN_TOKEN"]
    assert weir.status()["config"]["generation"] == 2, "one of the reloads was let in"


def test_reload_as_json_is_what_the_daemon_said(start, database):
    weir = start({"db": database.connection()})
    where = ("--admin", weir.admin(), "--token", TOKEN, "--json")
    result = weir.command("reload", *where)
    assert result.returncode == 0
    assert json.loads(result.stdout)["connections"]["db"]["outcome"] == "unchanged"
    weir.write({"db": {**database.connection(), "pool_maxsize": 1}})
    result = weir.command("reload", *where)
    assert result.returncode == 1
    assert json.loads(result.stdout)["errors"][0]["pointer"] == "/db/pool_maxsize"


def test_strict_on_the_command_line(start, database):
    weir = start({"db": database.connection()})
    assert weir.post({"a": 0})[0] == 200
    weir.write({"db": database.connection(password="pass-wrong")})
    where = ("--admin", weir.admin(), "--token", TOKEN)
    result = weir.command("reload", *where, "--strict")
    assert result.returncode == 1 and "/db" in result.stderr
    assert weir.status()["config"]["generation"] == 1
    assert weir.command("reload", *where).returncode == 0
    assert weir.status()["config"]["generation"] == 2
    assert weir.post({"a": 1})[0] == 200


def test_the_environment_in_strings(start, database):
    keys = database.connection()
    weir = start({"db": {**keys, "user": "{$WEIR_TEST_USER}", "host": "{$WEIR_TEST_HOST:127.0.0.1}",
                         "password": "{$WEIR_TEST_A}-{$WEIR_TEST_B:one}"}},
                 environment={"WEIR_TEST_USER": keys["user"], "WEIR_TEST_A": "pass"})
    assert weir.post({"a": 0})[0] == 200


def test_what_comes_out_of_a_variable_is_not_expanded_again(start, database):
    password = "pass-{$HOME}{$"
    database.run_admin(f"ALTER ROLE {database.role('one')} PASSWORD '{password}'")
    weir = start({"db": database.connection(password="{$WEIR_TEST_PASSWORD}")},
                 environment={"WEIR_TEST_PASSWORD": password})
    assert weir.post({"a": 0})[0] == 200


def test_an_unset_variable_is_an_error_that_names_it(idle):
    idle.write({"db": {"type": "sqlite", "path": "{$WEIR_TEST_NOT_THERE}"}}, {"webhooks": []})
    result = idle.command("check", "--config", str(idle.config), "--json")
    error = json.loads(result.stdout)["errors"][0]
    assert result.returncode == 3
    assert error["pointer"] == "/db/path" and "WEIR_TEST_NOT_THERE" in error["message"]
    idle.environment["WEIR_TEST_NOT_THERE"] = str(idle.directory / "there.db")
    assert idle.command("check", "--config", str(idle.config)).returncode == 0


def test_check_does_not_touch_the_server_unless_told(idle, database):
    idle.write({"db": database.connection()}, WEBHOOKS)
    assert idle.command("check", "--config", str(idle.config)).returncode == 0
    assert idle.command("check", "--config", str(idle.config), "--connect").returncode == 0
    assert database.run("SELECT to_regclass('webhook_events')") == [(None,)], "a table was made"
    idle.write({"db": database.connection(port=1), "other": database.connection()})
    assert idle.command("check", "--config", str(idle.config)).returncode == 0
    result = idle.command("check", "--config", str(idle.config), "--connect", "--json")
    answer = json.loads(result.stdout)
    assert result.returncode == 3 and answer["ok"] is False
    assert (answer["connections"]["db"]["ok"], answer["connections"]["other"]["ok"]) == \
        (False, True)


# ---- Every way to reload, under load -----------------------------------------------------------


def by_signal(weir, _):
    weir.process.send_signal(signal.SIGHUP)


def by_admin(weir, _):
    assert weir.reload()[0] == 200


def by_command(weir, _):
    result = weir.command("reload", "--admin", weir.admin(), "--token", TOKEN)
    assert result.returncode == 0, result.stderr


def by_itself(weir, _):
    """The file was renamed over; the directory is watched."""


WAYS = {"SIGHUP": by_signal, "POST /admin/reload": by_admin, "weir reload": by_command,
        "rename": by_itself}


@pytest.mark.parametrize("way", WAYS)
def test_every_way_to_reload_changes_the_role_and_fails_nobody(start, database, way):
    database.make_table()
    weir = start({"db": database.connection("one")}, None, {"watch": way == "rename"})
    load = Load(weir, clients=16)
    wait_until(lambda: len(load.stored) > 100)
    for role in ("two", "one", "two"):
        weir.write({"db": database.connection(role)})
        WAYS[way](weir, role)
        wait_until(lambda r=role: {row[1] for row in database.backends()} == {database.role(r)},
                   20)
    load.stop()
    assert load.failed == [] and load.broken == []
    check_exactly_once(database, load)
    wait_until(lambda: states(weir) == ["active"])


def test_a_file_that_is_being_written_is_not_half_applied(start, database):
    """Slowly, in place, without a rename: at no moment is something else than old or new served."""
    weir = start({"db": database.connection("one")}, None, {"watch": True})
    assert weir.post({"n": 0})[0] == 200
    database.run(f"GRANT ALL ON webhook_events TO {database.role('two')}")
    load = Load(weir, clients=8)
    text = json.dumps({"db": database.connection("two")}, indent=1)
    with open(weir.config / "connections.json", "w", encoding="utf8") as file:
        for at in range(0, len(text), 20):
            file.write(text[at:at + 20])
            file.flush()
            os.fsync(file.fileno())
            before = len(load.stored)
            wait_until(lambda b=before: len(load.stored) > b + 20)
    wait_until(lambda: {row[1] for row in database.backends()} == {database.role("two")}, 20)
    load.stop()
    assert load.failed == [] and load.broken == []
    check_exactly_once(database, load)


def test_a_new_webhook_goes_live_and_an_old_one_goes_away(start, database):
    database.make_table()
    old, new = (WEBHOOKS["webhooks"][0] | {"path": f"/webhook/{name}"} for name in ("old", "new"))
    weir = start({"db": database.connection()}, {"webhooks": [old]})
    load = Load(weir, clients=8, path="/webhook/old")
    wait_until(lambda: len(load.stored) > 50)
    assert weir.post({}, "/webhook/new")[0] == 404
    assert weir.change(webhooks={"webhooks": [old, new]})[0] == 200
    assert weir.post({"n": -1}, "/webhook/new")[0] == 200
    load.stop()
    assert load.failed == [] and load.broken == []
    assert weir.change(webhooks={"webhooks": [new]})[0] == 200
    assert weir.post({}, "/webhook/old")[0] == 404
    assert weir.connection()["version"] == 1, "the connection was left alone"
    kinds = database.run("SELECT DISTINCT webhook_id FROM webhook_events ORDER BY 1")
    assert kinds == [("new",), ("old",)]


def test_half_a_password_rotation_of_two_connections_is_all_or_nothing(start, database):
    """One entry is right, the other is wrong: none is applied."""
    weir = start({"a": database.connection("one"), "b": database.connection("one")},
                 {"webhooks": [{"path": "/webhook/example", "modules": [
                     {"type": "postgresql", "connection": "a"}]}]})
    assert weir.post({"n": 0})[0] == 200
    code, answer = weir.change({"a": database.connection("two"),
                                "b": {**database.connection("two"), "pool_max_size": 0}})
    assert code == 422 and answer["errors"][0]["pointer"].startswith("/b")
    assert weir.connection("a")["version"] == 1 and states(weir, "a") == ["active"]
    assert weir.status()["config"]["generation"] == 1
    begun = time.monotonic()
    while time.monotonic() - begun < 0.5:
        assert {row[1] for row in database.backends()} == {database.role("one")}
        assert weir.post({"n": 1})[0] == 200
