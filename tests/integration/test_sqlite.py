# SPDX-License-Identifier: MIT
"""The database file is moved away under load: nothing that was acknowledged is lost."""
import os
import sqlite3
import time

import pytest

from gateway import Load
from pgserver import wait_until

WEBHOOKS = {"webhooks": [
    {"path": "/webhook/example", "modules": [{"type": "sqlite", "connection": "db"}]}]}


def rows(path):
    with sqlite3.connect(path) as file:
        return [row[0] for row in file.execute("SELECT id FROM webhook_events")]


def test_file_moved_without_its_log_is_not_made_anew(start, tmp_path):
    path, away = tmp_path / "x.db", tmp_path / "away.db"
    weir = start({"db": {"type": "sqlite", "path": str(path)}}, WEBHOOKS, {"request_timeout": 2})
    load = Load(weir, clients=8)
    wait_until(lambda: len(load.stored) > 200)
    path.rename(away)
    wait_until(lambda: load.failed)
    assert not path.exists()
    assert {code for code, _ in load.failed} == {503}
    assert "move all three files together" in weir.log()
    away.rename(path)
    before = len(load.stored)
    wait_until(lambda: len(load.stored) > before + 200, 20)
    load.stop()
    assert weir.stop() == 0
    stored = rows(path)
    assert len(stored) == len(set(stored)) and set(load.stored) <= set(stored)


def wait_for_more(load):
    enough = len(load.stored) + 100
    wait_until(lambda: len(load.stored) > enough, 20)


@pytest.mark.parametrize("times", [5])
def test_all_three_files_moved_together(start, tmp_path, times):
    path = tmp_path / "x.db"
    weir = start({"db": {"type": "sqlite", "path": str(path)}}, WEBHOOKS)
    load = Load(weir, clients=8)
    stored = []
    for number in range(times):
        wait_for_more(load)
        for suffix in ("", "-wal", "-shm"):
            try:
                os.rename(f"{path}{suffix}", tmp_path / f"away{number}.db{suffix}")
            except FileNotFoundError:
                time.sleep(0)  # closed cleanly in between
    wait_for_more(load)  # the last file is made anew as well
    load.stop()
    assert load.failed == [] and load.broken == [], (load.failed[:3], load.broken[:3])
    assert weir.stop() == 0
    for number in range(times):
        stored += rows(tmp_path / f"away{number}.db")
    stored += rows(path)
    assert set(load.stored) <= set(stored), len(set(load.stored) - set(stored))
