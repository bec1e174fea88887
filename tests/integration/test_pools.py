# SPDX-License-Identifier: MIT
"""Orders to one connection: pause, resume, recycle, by the admin API and by `weir pools`."""
import json
import threading
import time
import urllib.parse

import pytest

from gateway import TOKEN, Load
from pgserver import wait_until

NAME = "a/b ü%"  # nothing of it may stand in a path as it is


def order(weir, name, what, method="POST", body=None, token=TOKEN):
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    path = f"/admin/pools/{urllib.parse.quote(name, safe='')}/{what}"
    status, _, answer = weir.request(method, path, body, headers)
    return status, json.loads(answer)


class Post(threading.Thread):
    """A webhook in the background."""

    def __init__(self, weir):
        super().__init__(daemon=True)
        self.weir, self.answer = weir, None
        self.start()

    def run(self):
        self.answer = self.weir.post({})


def waiting(weir, name="db"):
    return weir.connection(name)["queue"]["waiting"]


def backends(database):
    return {row[0] for row in database.backends()}


def test_a_pause_makes_webhooks_wait_and_a_resume_stores_them(start, database):
    weir = start({"db": database.connection(acquisition_timeout=30)})
    assert weir.post({})[0] == 200
    status, stand = order(weir, "db", "pause")
    assert status == 200 and stand["connection"] == "db" and stand["paused"] is True
    assert stand["leased"] == 0
    post = Post(weir)
    wait_until(lambda: waiting(weir) == 1, 10)
    assert weir.connection()["paused"] is True
    assert "weir_pool_paused{connection=\"db\",type=\"postgresql\"} 1" in \
        weir.request("GET", "/metrics")[2].decode()
    assert weir.reload()[0] == 200 and weir.connection()["paused"] is True, "a reload ended it"
    assert post.answer is None and len(database.ids()) == 1
    assert order(weir, "db", "resume")[1]["paused"] is False
    post.join(10)
    assert post.answer[0] == 200 and len(database.ids()) == 2
    assert "event=pool-ordered connection=db order=pause" in weir.log()


def test_a_pause_is_no_longer_than_the_acquisition_timeout(start, database):
    weir = start({"db": database.connection(acquisition_timeout=0.3)})
    order(weir, "db", "pause")
    status, answer = weir.post({})
    assert (status, answer["type"]) == (503, "urn:weir:error:pool-exhausted")
    order(weir, "db", "resume")
    assert weir.post({})[0] == 200


def test_the_end_of_a_paused_daemon_is_within_its_grace(start, database):
    weir = start({"db": database.connection(acquisition_timeout=60)},
                 server={"shutdown_timeout": 2})
    assert weir.post({})[0] == 200
    order(weir, "db", "pause")
    post = Post(weir)
    wait_until(lambda: waiting(weir) == 1, 10)
    begun = time.monotonic()
    assert weir.stop() == 0
    assert time.monotonic() - begun < 6
    post.join(10)
    assert (post.answer[0], post.answer[1]["type"]) == (503, "urn:weir:error:shutting-down")


def test_a_pool_is_resized_until_the_next_reload(start, database):
    weir = start({"db": database.connection(pool_min_size=1, pool_max_size=1)})
    assert weir.post({})[0] == 200
    database.slow_down(0.5)
    assert order(weir, "db", "resize", body='{"min": 2, "max": 3}')[0] == 200
    version = weir.connection()["versions"][0]
    assert version["version"] == 1 and (version["size"]["min"], version["size"]["max"]) == (2, 3)
    wait_until(lambda: len(database.backends()) == 2, 10)
    posts = []
    for _ in range(3):  # one after the other, so that each becomes a batch of its own
        posts.append(Post(weir))
        time.sleep(0.05)
    wait_until(lambda: weir.connection()["queue"]["lanes"] >= 2, 10)  # more than were configured
    for post in posts:
        post.join(20)
        assert post.answer[0] == 200
    assert weir.reload()[1]["connections"]["db"]["outcome"] == "resized"
    assert weir.connection()["versions"][0]["size"]["max"] == 1


def test_recycling_under_load_replaces_everything_and_fails_nothing(start, database):
    weir = start({"db": database.connection(pool_min_size=2, pool_max_size=4)})
    load = Load(weir, clients=16)
    wait_until(lambda: len(load.stored) > 100, 20)
    before = backends(database)
    assert order(weir, "db", "recycle")[0] == 200
    wait_until(lambda: not weir.connection()["recycling"], 20)
    wait_until(lambda: not before & backends(database), 10)
    seen = len(load.stored)
    wait_until(lambda: len(load.stored) > seen + 100, 20)
    load.stop()
    assert load.failed == [] and load.broken == []
    assert set(load.stored) == set(database.ids())
    assert weir.connection()["totals"]["recycled"] >= len(before) - 1
    assert "event=pool-recycled" in weir.log()


@pytest.fixture
def sqlite(start, tmp_path):
    """A daemon with one connection whose name is awkward."""
    connection = {"type": "sqlite", "path": str(tmp_path / "db")}
    module = {"type": "sqlite", "connection": NAME}
    return start({NAME: connection}, {"webhooks": [
        {"path": "/webhook/example", "modules": [module]}]})


def test_names_are_percent_decoded(sqlite):
    assert sqlite.post({})[0] == 200
    assert order(sqlite, NAME, "pause") == (200, {
        "connection": NAME, "paused": True, "recycling": False, "leased": 0, "idle": 1,
        "waiting": 0})
    assert sqlite.connection(NAME)["paused"] is True
    assert order(sqlite, NAME, "resume")[1]["paused"] is False


def test_orders_are_refused_where_they_must_be(sqlite):
    def code(*arguments, **options):
        status, answer = order(sqlite, *arguments, **options)
        return status, answer["type"].rpartition(":")[2]

    assert code("nobody", "pause") == (404, "unknown-connection")
    assert code("x" * 257, "pause") == (404, "unknown-connection")
    assert code(NAME, "stop") == (404, "unknown-path")
    assert code(NAME, "pause", token=None) == (401, "unauthorized")
    assert code(NAME, "pause", token="wrong") == (401, "unauthorized")
    assert code(NAME, "pause", method="GET") == (405, "method")
    assert code(NAME, "pause", body="{}") == (400, "malformed")
    for body in (None, "{}", "[1, 2]", '{"min": 1}', '{"min": 1, "max": 2, "more": 3}',
                 '{"min": "1", "max": 2}', '{"min": -1, "max": 2}', '{"min": 1, "max": 99999999999}'):
        assert code(NAME, "resize", body=body) == (400, "malformed"), body
    for body in ('{"min": 2, "max": 1}', '{"min": 0, "max": 0}', '{"min": 0, "max": 1001}'):
        assert code(NAME, "resize", body=body) == (422, "sizes-rejected"), body
    assert code("nobody", "resize", body='{"min": 0, "max": 1}') == (404, "unknown-connection")
    for path in ("/admin/pools/", "/admin/pools//pause", "/admin/pools/a/b/pause", "/admin/pools"):
        assert sqlite.request("POST", path, None, {"Authorization": f"Bearer {TOKEN}"})[0] == 404
    for path in ("/admin/pools/%/pause", "/admin/pools/%0/pause", "/admin/pools/%zz/pause",
                 "/admin/pools/%00/pause"):
        status, _, answer = sqlite.request("POST", path, None,
                                           {"Authorization": f"Bearer {TOKEN}"})
        assert status == 404 and json.loads(answer)["type"] == "urn:weir:error:unknown-connection"
    assert sqlite.connection(NAME)["paused"] is False


def test_the_verbs(sqlite):
    def pools(*arguments):
        return sqlite.command("pools", "--admin", sqlite.admin(), "--token", TOKEN, *arguments)

    assert sqlite.post({})[0] == 200
    for arguments in ((), ("list",)):
        result = pools(*arguments)
        assert result.returncode == 0 and NAME in result.stdout and "active" in result.stdout
    result = pools("pause", NAME)
    assert (result.returncode, result.stdout) == \
        (0, f"{NAME}: paused, 0 leased, 1 idle, 0 waiting\n")
    assert pools("list").stdout.rstrip().endswith("paused")
    assert "paused" in sqlite.command("status", "--admin", sqlite.admin(), "--token", TOKEN).stdout
    result = pools("resume", "--json", NAME)
    assert result.returncode == 0 and json.loads(result.stdout)["paused"] is False
    assert pools("recycle", "--", NAME).returncode == 0
    wait_until(lambda: not sqlite.connection(NAME)["recycling"], 10)
    assert sqlite.post({})[0] == 200
    assert pools("resize", NAME, "1", "1").returncode == 0
    result = pools("resize", NAME, "2", "1")
    assert result.returncode == 1 and "cannot have these sizes" in result.stderr
    result = pools("pause", "--", "-nobody")
    assert result.returncode == 1 and "No connection of this name" in result.stderr
    for arguments in (("pause",), ("pause", ""), ("stop", NAME), ("list", NAME),
                      ("pause", NAME, "more"), ("pause", "n" * 257), ("resize", NAME, "1"),
                      ("resize", NAME, "one", "2")):
        result = pools(*arguments)
        assert (result.returncode, result.stdout) == (2, ""), arguments
        assert "usage: weir pools" in result.stderr
