# SPDX-License-Identifier: MIT
"""The backends that need no server: a directory, and standard output."""
import json
import os
import pathlib
import subprocess

import pytest

from gateway import WEIR, Load
from pgserver import free_port, wait_until


@pytest.fixture
def directory(tmp_path):
    return tmp_path / "hooks"


def disk(directory, **options):
    return ({"files": {"type": "disk", "directory": str(directory)}},
            {"webhooks": [{"path": "/webhook/example",
                           "modules": [{"type": "disk", "connection": "files", **options}]}]})


LOG = ({"log": {"type": "log"}},
       {"webhooks": [{"path": "/webhook/example",
                      "modules": [{"type": "log", "connection": "log"}]}]})


def files(directory):
    """By id; every one of them must be whole."""
    return {path.stem: json.loads(path.read_text()) for path in directory.glob("*.json")}


def test_a_webhook_is_a_file(start, directory):
    weir = start(*disk(directory / "deep" / "er"))
    status, answer = weir.post('{"a": [1,\n2]}')
    assert status == 200
    path = directory / "deep" / "er" / (answer["id"] + ".json")
    kept = json.loads(path.read_text())
    assert kept["id"] == answer["id"] and kept["webhook_id"] == "example"
    assert kept["payload"] == {"a": [1, 2]} and '{"a": [1,\n2]}' in path.read_text()
    assert kept["headers"]["content-type"] == "application/json"
    assert kept["received_at"].endswith("Z")
    assert path.stat().st_mode & 0o777 == 0o640 and path.parent.stat().st_mode & 0o777 == 0o750
    assert [one.name for one in path.parent.iterdir()] == [path.name]


SOURCE = pathlib.Path(__file__).parent / "disk.c"


@pytest.fixture
def watched(start, directory, tmp_path):
    """A daemon whose file system is watched, and said to be full or only for reading: see disk.c."""
    library = tmp_path / "disk.so"
    subprocess.run(["gcc", "-D_GNU_SOURCE", "-shared", "-fPIC", "-O1", "-o", str(library), str(SOURCE), "-ldl"],
                   check=True)
    weir = start(*disk(directory / "one" / "two"), {"request_timeout": 1}, start=False)
    weir.environment.update(LD_PRELOAD=str(library), DISK_LOG=str(tmp_path / "log"),
                            DISK_STATE=str(tmp_path / "state"))
    weir.start()
    return weir


def test_all_of_it_is_forced_to_the_disk_before_the_answer(watched, directory, tmp_path):
    """The directories that were made, each by the one it is in; the file; the directory with its name."""
    status, answer = watched.post({})
    done = (tmp_path / "log").read_text().replace(str(directory), "").splitlines()
    assert status == 200
    assert done[:3] == [f"forced {tmp_path}", "forced ", "forced /one"]
    unfinished, name, last = [line.split(" ") for line in done[-3:]]
    assert unfinished[0] == "forced" and answer["id"] in unfinished[1] and "/.weir-" in unfinished[1]
    assert name == ["named", answer["id"] + ".json"]
    assert last == ["forced", "/one/two"]


@pytest.mark.parametrize("state", ["full", "read-only"])
def test_a_file_system_that_takes_nothing(watched, directory, tmp_path, state):
    before = watched.post({"a": 1})[1]["id"]
    (tmp_path / "state").write_text(state)
    assert watched.post({"a": 2})[0] == 503
    assert watched.request("GET", "/readyz")[0] == 503
    (tmp_path / "state").unlink()
    after = wait_until(lambda: watched.post({"a": 3}), 10)
    assert after[0] == 200
    kept = files(directory / "one" / "two")
    assert {before, after[1]["id"]} <= set(kept), "whole, each of them"
    assert watched.stop() == 0
    assert not list((directory / "one" / "two").glob(".weir-*"))


def test_without_headers(start, directory):
    weir = start(*disk(directory, include_headers=False))
    name = weir.post("{}")[1]["id"]
    assert "headers" not in files(directory)[name]


def test_every_acknowledged_webhook_has_its_file_whatever_is_killed(start, directory):
    weir = start(*disk(directory))
    assert weir.post({})[0] == 200
    load = Load(weir, clients=16)
    wait_until(lambda: len(load.stored) > 200, 30)
    weir.kill()
    load.stop()
    kept = files(directory)
    assert set(load.stored) <= set(kept)
    # What was not whole has a name that does not count, and is swept away once it is a day old.
    left = directory / ".weir-left"
    left.write_text("{")
    os.utime(left, (1, 1))
    weir.start()
    assert weir.post({})[0] == 200
    assert not left.exists()


def test_a_directory_that_cannot_be_written(start, directory):
    directory.write_text("a file")
    weir = start(*disk(directory))
    status, answer = weir.post({})
    assert (status, answer["type"]) == (503, "urn:weir:error:destination-unavailable")
    directory.unlink()
    wait_until(lambda: weir.post({})[0] == 200, 20)


def test_a_directory_that_is_moved_away(start, directory):
    weir = start(*disk(directory))
    first = weir.post({})[1]["id"]
    moved = directory.with_name("moved")
    directory.rename(moved)
    second = weir.post({})
    assert second[0] == 200
    assert first in files(moved) and second[1]["id"] in files(directory)


def test_another_directory_under_load(start, directory, tmp_path):
    weir = start(*disk(directory))
    assert weir.post({})[0] == 200
    load = Load(weir, clients=8)
    for number in range(4):
        seen = len(load.stored)
        status, answer = weir.change(*disk(tmp_path / str(number)))
        assert status == 200, answer
        wait_until(lambda: len(load.stored) > seen + 20, 30)  # noqa: B023
    load.stop()
    assert load.failed == [] and load.broken == []
    kept = set(files(directory))
    for number in range(4):
        kept |= set(files(tmp_path / str(number)))
    assert set(load.stored) <= kept


def test_what_check_says(start, directory):
    weir = start(*disk(directory), start=False)
    assert weir.command("check", "--config", str(weir.config), "--connect").returncode == 0
    weir.write({"files": {"type": "disk", "directory": ""}})
    done = weir.command("check", "--config", str(weir.config))
    assert done.returncode == 3 and "/files/directory" in done.stderr


# ---- Standard output --------------------------------------------------------------------------------


def lines(weir):
    return [json.loads(line) for line in (weir.directory / "out").read_text().splitlines()
            if line.startswith("{")]


def test_a_webhook_is_a_line(start):
    weir = start(*LOG)
    answer = weir.post('{"a":\n\r [1,"x\\ny"]}')[1]
    one, = lines(weir)
    assert one["id"] == answer["id"] and one["payload"] == {"a": [1, "x\ny"]}
    load = Load(weir, clients=16, count=500).join()
    assert load.failed == [] and load.broken == []
    assert {one["id"] for one in lines(weir)} == {answer["id"], *load.stored}


def test_a_line_that_a_crash_has_cut_spoils_no_other(start):
    weir = start(*LOG, start=False)
    kept = weir.directory / "kept"
    kept.write_text('{"id": "whole"}\n{"id": "cu')
    weir.wrapper = ["sh", "-c", 'exec "$@" >>"$0"', str(kept)]
    weir.start()
    first, second = weir.post({})[1]["id"], weir.post({})[1]["id"]
    assert weir.stop() == 0
    weir.start()
    third = weir.post({})[1]["id"]
    text = kept.read_text().splitlines()
    assert text[1] == '{"id": "cu', "with an end, and nothing behind it"
    assert [json.loads(line)["id"] for line in text[2:]] == [first, second, third]


class Piped:
    """A daemon whose standard output is a pipe that a test reads, or does not."""

    def __init__(self, start):
        self.weir = start(*LOG, {"request_timeout": 2}, start=False)
        self.weir.wrapper = ["sh", "-c", 'exec "$@" 1<>"$0"', str(self.weir.directory / "pipe")]
        os.mkfifo(self.weir.directory / "pipe")
        self.weir.start()


def test_a_reader_that_stands_still(start):
    weir = Piped(start).weir
    body = json.dumps({"a": "x" * 30000})
    codes = [weir.post(body)[0] for _ in range(4)]
    assert codes[0] == 200 and codes[-1] == 503, "a pipe is full at 64 KiB"
    reader = os.open(weir.directory / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    try:
        os.set_blocking(reader, True)
        drain = subprocess.Popen(["cat"], stdin=reader, stdout=subprocess.PIPE)
        wait_until(lambda: weir.post({"after": 1})[0] == 200, 20)
        assert weir.stop() == 0
        text = drain.communicate(timeout=20)[0].decode()
    finally:
        os.close(reader)
    assert json.loads(text.splitlines()[-1])["payload"] == {"after": 1}, "on a line of its own"


def test_others_who_write_to_the_same_pipe_hold_nothing_up(start, tmp_path):
    """The room that there was is gone when it comes to writing: the deadline counts all the same."""
    library, pipe = tmp_path / "pipe.so", tmp_path / "pipe"
    subprocess.run(["gcc", "-D_GNU_SOURCE", "-shared", "-fPIC", "-O1", "-o", str(library),
                    str(SOURCE.with_name("pipe.c")), "-ldl"], check=True)
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    weir = start({"log": {"type": "log", "operation_timeout": 1}}, LOG[1], {"request_timeout": 3},
                 start=False)
    weir.environment.update(PIPE=str(pipe), LD_PRELOAD=str(library), PIPE_FILLED=str(pipe))
    weir.wrapper = ["sh", "-c", 'exec "$@" >"$PIPE"', "sh"]
    weir.start()
    try:
        assert weir.post({})[0] == 503
        wait_until(lambda: "standard output: nobody reads it" in weir.log(), 10)
        assert weir.stop() == 0
    finally:
        os.close(reader)


def test_a_reader_that_has_gone(start):
    weir = start(*LOG, start=False)
    pipe = weir.directory / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    weir.wrapper = ["sh", "-c", 'exec "$@" >"$0"', str(pipe)]
    weir.start()
    assert weir.post({"a": 1})[0] == 200
    os.close(reader)
    assert weir.post({})[0] == 503
    assert weir.request("GET", "/healthz")[0] == 200


def is_up(weir):
    try:
        return weir.request("GET", "/healthz")[0] == 200
    except OSError:
        return False


@pytest.mark.parametrize("closed", ["0<&-", "1>&-", "2>&-", "0<&- 1>&- 2>&-"])
def test_started_without_standard_descriptors(start, closed):
    """Their numbers went to what was opened first: the log into the pipe that wakes a loop."""
    weir = start(*LOG, {"listen": f"127.0.0.1:{free_port()}"}, start=False)
    weir.port = int(weir.server["listen"].rpartition(":")[2])
    weir.log_path = weir.directory / "log"
    with open(weir.log_path, "wb") as log, open(weir.directory / "out", "wb") as out:
        weir.process = subprocess.Popen(
            ["sh", "-c", f'exec "$@" {closed}', "sh", str(WEIR), "serve", "--config",
             str(weir.config)], stderr=log, stdout=out)
    wait_until(lambda: is_up(weir))
    for number in (0, 1, 2):
        if f"{number}>&-" in closed or f"{number}<&-" in closed:
            assert os.readlink(f"/proc/{weir.process.pid}/fd/{number}") == "/dev/null"
    assert weir.post({"a": 1})[0] == (503 if "1>&-" in closed else 200)
    if "2>&-" not in closed:
        assert ("WEIR_ECONFIG" in weir.log()) == ("1>&-" in closed)
