# SPDX-License-Identifier: MIT
"""The embedded default, and a file that is locked, full, or killed under."""
import os
import pathlib
import resource
import shutil
import sqlite3
import subprocess
import time

import pytest

from gateway import Load, Weir
from pgserver import wait_until
from stage import Call

WEBHOOKS = {"webhooks": [{"path": "/webhook/example",
                          "modules": [{"type": "sqlite", "connection": "file"}]}]}
DISK = 1 << 20


def rows(path):
    database = sqlite3.connect(path)
    try:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return [row[0] for row in database.execute("SELECT id FROM webhook_events")]
    finally:
        database.close()


@pytest.fixture
def embedded(tmp_path):
    """weir serve without any option but a port, at home in a directory of its own."""
    daemon = Weir({}, {"webhooks": []}, start=False)
    for name in ("STATE_DIRECTORY", "WEIR_ADMIN_TOKEN"):
        daemon.environment.pop(name, None)
    daemon.environment["XDG_STATE_HOME"] = str(tmp_path / "state")
    yield daemon
    try:
        assert daemon.stop() in (0, -9)
        assert "Sanitizer" not in daemon.log()
    finally:
        daemon.remove()


def test_the_embedded_default_lives_in_the_state_directory(embedded, tmp_path):
    embedded.start(["--listen", "127.0.0.1:0"])
    status, answer = embedded.post({"hello": "weir"})
    assert status == 200
    path = tmp_path / "state" / "weir" / "weir.db"
    assert rows(path) == [answer["id"]]
    assert (path.parent.stat().st_mode & 0o777) == 0o700, "others may look into it"
    assert embedded.request("GET", "/admin/status")[0] == 403
    out = (embedded.directory / "out").read_text()
    command = next(line.strip() for line in out.splitlines() if "curl" in line)
    result = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=20,
                            check=False)
    assert result.returncode == 0 and '"status":"stored"' in result.stdout, result
    assert len(rows(path)) == 2, "the line that is printed works as it stands"


def test_the_state_directory_in_its_order(embedded, tmp_path):
    embedded.environment["STATE_DIRECTORY"] = str(tmp_path / "systemd")
    embedded.start(["--listen", "127.0.0.1:0"])
    assert embedded.post({})[0] == 200
    assert len(rows(tmp_path / "systemd" / "weir.db")) == 1
    assert embedded.stop() == 0
    for name in ("STATE_DIRECTORY", "XDG_STATE_HOME"):
        embedded.environment.pop(name)
    embedded.environment["HOME"] = str(tmp_path / "home")
    embedded.start(["--listen", "127.0.0.1:0"])
    assert embedded.post({})[0] == 200
    assert len(rows(tmp_path / "home" / ".local" / "state" / "weir" / "weir.db")) == 1


def test_what_was_stored_survives_being_killed_again_and_again(embedded, tmp_path):
    path = tmp_path / "state" / "weir" / "weir.db"
    stored = []
    for _ in range(4):
        embedded.start(["--listen", "127.0.0.1:0"])
        load = Load(embedded, clients=16)
        wait_until(lambda one=load: len(one.stored) > 150, 30)
        embedded.kill()
        stored += load.stop().stored
        assert {status for status, _ in load.failed} == set()
    there = rows(path)
    assert set(stored) <= set(there) and len(stored) == len(set(stored)) > 600


def test_a_locked_database_is_503_and_nothing_is_lost(start, tmp_path):
    path = tmp_path / "weir.db"
    weir = start({"file": {"type": "sqlite", "path": str(path), "operation_timeout": 0.5}},
                 WEBHOOKS, {"request_timeout": 2})
    status, first = weir.post({"n": 0})
    assert status == 200
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    calls = [Call(weir.post, {"n": number}) for number in range(1, 9)]
    answers = [call.result() for call in calls]
    assert {status for status, _ in answers} == {503}
    assert {answer["type"] for _, answer in answers} <= {
        "urn:weir:error:destination-unavailable", "urn:weir:error:pool-exhausted"}
    assert all(1 < call.seconds < 4 for call in calls)
    assert weir.request("GET", "/healthz")[0] == 200
    late = Call(weir.post, {"n": 9})
    wait_until(lambda: weir.connection("file")["active_requests"] >= 1)
    holder.rollback()
    status, last = late.result()
    assert status == 200, "the lock was gone in time"
    wait_until(lambda: weir.connection("file")["queue"]["writing"] == 0)
    holder.close()
    there = rows(path)
    assert {first["id"], last["id"]} <= set(there) and len(there) == len(set(there))


def test_a_reader_in_the_way_of_nobody(start, tmp_path):
    """Write-ahead log: somebody who reads, for as long as he likes, does not hold up a row."""
    path = tmp_path / "weir.db"
    weir = start({"file": {"type": "sqlite", "path": str(path)}}, WEBHOOKS)
    assert weir.post({})[0] == 200
    reader = sqlite3.connect(path, isolation_level=None)
    reader.execute("BEGIN")
    assert reader.execute("SELECT count(*) FROM webhook_events").fetchone() == (1,)
    begun = time.monotonic()
    for number in range(20):
        assert weir.post({"n": number})[0] == 200
    assert time.monotonic() - begun < 5
    assert reader.execute("SELECT count(*) FROM webhook_events").fetchone() == (1,)
    reader.close()
    assert len(rows(path)) == 21


def may_mount():
    """A mount namespace of one's own: for root, and for others where the kernel lets them."""
    return subprocess.run([*UNSHARE, "mount", "-t", "tmpfs", "weir-test", "/mnt"],
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                          check=False).returncode == 0


UNSHARE = ["unshare", *([] if os.geteuid() == 0 else ["--user", "--map-root-user"]), "--mount"]
FULL = {"file size limit": lambda directory: SizeLimit(directory),
        "file system": lambda directory: SmallFileSystem(directory)}
if not may_mount():
    del FULL["file system"]  # what is left runs everywhere


class SizeLimit:
    """setrlimit: EFBIG."""

    def __init__(self, directory):
        self.path = directory / "weir.db"
        self.wrapper = ["prlimit", f"--fsize={DISK}:"]

    def seen(self, _):
        return self.path

    def give_room(self, weir):
        resource.prlimit(weir.process.pid, resource.RLIMIT_FSIZE,
                         (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


class SmallFileSystem:
    """A file system that only the daemon has, for as long as it lives: ENOSPC."""

    def __init__(self, directory):
        self.path = directory / "weir.db"
        script = directory / "enter"
        script.write_text("#!/bin/sh\n"
                          f"mount -t tmpfs -o size={DISK} weir-test '{directory}' || exit 70\n"
                          f"head -c 200000 /dev/zero >'{directory}/ballast'\n"
                          "exec \"$@\"\n")
        script.chmod(0o755)
        self.wrapper = [*UNSHARE, str(script)]

    def inside(self, weir, name):
        return pathlib.Path(f"/proc/{weir.process.pid}/root{self.path.parent}/{name}")

    def seen(self, weir):
        """A copy: SQLite would follow the link in /proc to where the file system is not."""
        copy = self.path.parent / "copy"
        copy.mkdir()
        for name in ("weir.db", "weir.db-wal"):
            shutil.copyfile(self.inside(weir, name), copy / name)
        return copy / "weir.db"

    def give_room(self, weir):
        self.inside(weir, "ballast").unlink()


@pytest.mark.parametrize("kind", FULL)
def test_a_full_disk_is_503_and_never_acknowledged(start, tmp_path, kind):
    """What was acknowledged is there while the disk is full; once there is room, it goes on."""
    disk = FULL[kind](tmp_path)
    weir = start({"file": {"type": "sqlite", "path": str(disk.path)}}, WEBHOOKS,
                 {"request_timeout": 2}, start=False)
    weir.wrapper = disk.wrapper
    weir.start()
    stored, refused = [], []
    for number in range(400):
        status, answer = weir.post({"n": number, "text": "x" * 8000})
        assert status in (200, 503), answer
        (stored if status == 200 else refused).append(answer["id"])
        if len(refused) == 3:
            break
    assert len(refused) == 3 and len(stored) > 10, "the disk never was full"
    assert weir.request("GET", "/healthz")[0] == 200
    disk.give_room(weir)
    wait_until(lambda: weir.post({"after": 1})[0] == 200, 20)
    there = rows(disk.seen(weir))
    assert set(stored) <= set(there) and len(there) == len(set(there))
