# SPDX-License-Identifier: MIT
"""The daemon under test, and clients for it."""
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

from pgserver import wait_until

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("WEIR_BUILD", ROOT / "build"))
WEIR = BUILD / "weir"
TOKEN = "a-token-for-the-tests"


class Weir:
    """One daemon on a free port, with a configuration directory of its own."""

    def __init__(self, connections, webhooks, server=None, environment=None, start=True):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="weir-"))
        self.config = self.directory / "config"
        self.config.mkdir()
        self.server = {"listen": "127.0.0.1:0", "admin_token": TOKEN, "watch": False,
                       "shutdown_timeout": 8, **(server or {})}
        self.environment = {**os.environ, **(environment or {})}
        self.wrapper = []  # a command that becomes the daemon
        self.process = None
        self.port = None
        self.write(connections, webhooks)
        if start:
            self.start()

    def write(self, connections=None, webhooks=None, server=None):
        for name, value in (("connections", connections), ("webhooks", webhooks),
                            ("server", server or self.server)):
            if value is None:
                continue
            path = self.config / f"{name}.json"
            temporary = self.config / f".{name}.new"
            temporary.write_text(value if isinstance(value, str) else json.dumps(value, indent=1))
            temporary.rename(path)

    def start(self, arguments=None):
        self.log_path = self.directory / "log"
        with open(self.log_path, "wb") as log, open(self.directory / "out", "wb") as out:
            self.process = subprocess.Popen(
                [*self.wrapper, str(WEIR), "serve",
                 *(arguments or ["--config", str(self.config)])],
                stderr=log, stdout=out, env=self.environment)
        self.port = int(wait_until(self._listening, 10)[-1])

    def _listening(self):
        assert self.process.poll() is None, self.log()
        log = self.log()
        if "event=ready" not in log and '"event":"ready"' not in log:
            return None
        return re.findall(r'event[=":]+listening"? *,?"?address[=":]+\S*?:(\d+)', log)

    def log(self):
        """Lines are written by a thread of their own, a moment after what they tell of."""
        deadline, size = time.monotonic() + 2, -1
        while size != self.log_path.stat().st_size and time.monotonic() < deadline:
            size = self.log_path.stat().st_size
            time.sleep(0.05)
        return self.log_path.read_text(errors="replace")

    def admin(self):
        return f"127.0.0.1:{self.port}"

    def request(self, method, path, body=None, headers=None, timeout=60):
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            client.request(method, path, body, headers or {})
            answer = client.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            client.close()

    def post(self, body, path="/webhook/example", timeout=60, content_type="application/json"):
        text = body if isinstance(body, (str, bytes)) else json.dumps(body)
        status, headers, answer = self.request(
            "POST", path, text, {"Content-Type": content_type}, timeout)
        return status, json.loads(answer)

    def status(self):
        code, _, body = self.request("GET", "/admin/status",
                                     headers={"Authorization": f"Bearer {TOKEN}"})
        assert code == 200, body
        return json.loads(body)

    def connection(self, name="db"):
        return self.status()["connections"][name]

    def reload(self, strict=False):
        code, _, body = self.request("POST", "/admin/reload", json.dumps({"strict": strict}),
                                     {"Authorization": f"Bearer {TOKEN}"})
        return code, json.loads(body)

    def change(self, connections=None, webhooks=None, strict=False):
        self.write(connections, webhooks)
        return self.reload(strict)

    def command(self, *arguments):
        return subprocess.run([str(WEIR), *arguments], capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, env=self.environment, timeout=60,
                              check=False)

    def rss(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/statm").read_text().split()
        return int(fields[1]) * os.sysconf("SC_PAGESIZE")

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)

    def stop(self, seconds=20):
        """SIGTERM; the exit code."""
        if self.process is None:
            return 0
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds)

    def remove(self):
        if self.process is not None and self.process.poll() is None:
            self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)


class Load:
    """Clients that post one after the other on kept-alive connections, and write down everything."""

    def __init__(self, weir, clients=64, path="/webhook/example", count=None):
        self.weir, self.path, self.count = weir, path, count
        self.stored, self.failed, self.broken = [], [], []
        self.stopping = False
        self.lock = threading.Lock()
        self.posted = 0
        self.threads = [threading.Thread(target=self._run, args=(i,), daemon=True)
                        for i in range(clients)]
        for thread in self.threads:
            thread.start()

    def _next(self):
        with self.lock:
            if self.stopping or (self.count is not None and self.posted >= self.count):
                return None
            self.posted += 1
            return self.posted

    def _run(self, client):
        connection = None
        while (number := self._next()) is not None:
            try:
                if connection is None:
                    connection = http.client.HTTPConnection("127.0.0.1", self.weir.port,
                                                            timeout=60)
                connection.request("POST", self.path, json.dumps({"n": number, "c": client}),
                                   {"Content-Type": "application/json"})
                answer = connection.getresponse()
                body = json.loads(answer.read())
                with self.lock:
                    if answer.status == 200:
                        self.stored.append(body["id"])
                    else:
                        self.failed.append((answer.status, body))
                if answer.getheader("Connection") == "close":
                    connection.close()
                    connection = None
            except (OSError, http.client.HTTPException, ValueError) as error:
                connection = None
                with self.lock:
                    self.broken.append(repr(error))
                time.sleep(0.02)

    def stop(self, seconds=90):
        self.stopping = True
        return self.join(seconds)

    def join(self, seconds=120):
        for thread in self.threads:
            thread.join(seconds)
            assert not thread.is_alive(), "a client hangs"
        return self


def raw(port, data, wait=5.0, half_close=False):
    """Send bytes as they are; everything that comes back until the end or the time-out."""
    with socket.create_connection(("127.0.0.1", port), timeout=wait) as sock:
        try:
            sock.sendall(data)
            if half_close:
                sock.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        answer = b""
        try:
            while piece := sock.recv(65536):
                answer += piece
        except OSError:
            pass
        return answer
