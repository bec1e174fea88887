# SPDX-License-Identifier: MIT
"""What the daemon reads from, writes to or waits for may stand still; the daemon does not."""
import json
import os
import signal
import subprocess
import time

import pytest

from gateway import WEIR, Weir
from pgserver import wait_until

WEBHOOKS = {"webhooks": [
    {"path": "/webhook/example", "modules": [{"type": "sqlite", "connection": "db"}]},
    {"path": "/webhook/other", "modules": [{"type": "sqlite", "connection": "other"}]}]}


def connections(directory):
    return {name: {"type": "sqlite", "path": str(directory / f"{name}.db")}
            for name in ("db", "other")}


@pytest.mark.parametrize("name", ["connections", "webhooks", "server"])
def test_fifo_in_place_of_a_file(start, tmp_path, name):
    weir = start(connections(tmp_path), WEBHOOKS)
    path = weir.config / f"{name}.json"
    path.unlink()
    os.mkfifo(path)
    since = time.monotonic()
    code, answer = weir.reload()
    assert code == 422, answer
    assert "not a regular file" in json.dumps(answer), answer
    assert time.monotonic() - since < 5
    assert weir.post({"a": 1})[0] == 200
    checked = weir.command("check", "--config", str(weir.config))
    assert checked.returncode == 3 and "not a regular file" in checked.stderr
    assert weir.stop() == 0


class PipedWeir(Weir):
    """Its log goes into a pipe that nobody reads until asked."""

    def start(self, arguments=None):
        self.log_path = self.directory / "log"
        self.read_end, write_end = os.pipe()
        with open(self.directory / "out", "wb") as out:
            self.process = subprocess.Popen([str(WEIR), "serve", "--config", str(self.config)],
                                            stderr=write_end, stdout=out, env=self.environment)
        os.close(write_end)
        self.text = b""
        self.port = int(wait_until(self._listening, 10)[-1])

    def log(self):
        os.set_blocking(self.read_end, False)
        try:
            while part := os.read(self.read_end, 65536):
                self.text += part
        except BlockingIOError:
            pass
        return self.text.decode(errors="replace")


@pytest.fixture
def unread(tmp_path):
    weir = PipedWeir(connections(tmp_path), WEBHOOKS)
    yield weir
    weir.remove()
    os.close(weir.read_end)


def chatter(weir, directory, reloads):
    """Each reload is rejected with 64 lines, of half a kilobyte each."""
    wrong = {**connections(directory)["db"], **{f"{'x' * 200}{i}": i for i in range(64)}}
    for _ in range(reloads):
        assert weir.change({"db": wrong})[0] == 422


def test_log_reader_that_stands_still(unread, tmp_path):
    chatter(unread, tmp_path, 60)
    since = time.monotonic()
    assert unread.post({"a": 1})[0] == 200
    assert unread.post({"a": 1}, "/webhook/other")[0] == 200  # the pool is made now
    assert unread.change(connections(tmp_path))[0] == 200
    assert time.monotonic() - since < 5
    wait_until(lambda: "event=log-lines-lost count=" in unread.log())
    lines = unread.log().splitlines()
    assert all(line.startswith("ts=") for line in lines), "a line was torn"
    lost = sum(int(line.rsplit("count=", 1)[1]) for line in lines if "log-lines-lost" in line)
    assert lost + sum("event=reload-rejected" in line for line in lines) >= 60 * 64
    assert unread.stop() == 0
    assert "event=stopped" in unread.log()


def test_shutdown_with_a_log_reader_that_stands_still(unread, tmp_path):
    chatter(unread, tmp_path, 20)
    assert unread.post({"a": 1})[0] == 200
    since = time.monotonic()
    assert unread.stop() == 0
    assert time.monotonic() - since < 6


def test_hangup_before_it_is_ready(start, tmp_path):
    """A plugin takes its time to load; until then SIGHUP was the end of the process."""
    source, slow = tmp_path / "slow.c", tmp_path / "slow.so"
    source.write_text("#include <unistd.h>\n"
                      "__attribute__((constructor)) static void wait(void) { sleep(1); }\n")
    subprocess.run(["cc", "-shared", "-fPIC", "-o", slow, source], check=True)
    weir = start(connections(tmp_path), WEBHOOKS, start=False)
    process = subprocess.Popen([str(WEIR), "serve", "--config", str(weir.config), "--plugin",
                                str(slow)], stderr=subprocess.PIPE)
    wait_until(lambda: str(slow) in open(f"/proc/{process.pid}/maps").read())
    process.send_signal(signal.SIGHUP)
    _, said = process.communicate(timeout=10)
    assert process.returncode == 1, said  # it is no plugin
    assert b"slow.so" in said
