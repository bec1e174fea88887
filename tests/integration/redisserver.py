# SPDX-License-Identifier: MIT
"""A real Redis server in a temporary directory, on a free loopback port."""
import pathlib
import shutil
import signal
import subprocess
import tempfile

import redis

from pgserver import free_port, wait_until

ROOT_PASSWORD = "pass-root"


class Redis:
    def __init__(self, *options):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="weir-re-", dir="/tmp"))
        self.socket = self.directory / "socket"
        self.port = free_port()
        self.options = list(options)
        self.process = None
        self.start()

    def start(self, *options):
        with open(self.directory / "log", "ab") as log:
            self.process = subprocess.Popen(
                ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1",
                 "--unixsocket", str(self.socket), "--dir", str(self.directory),
                 "--appendonly", "yes", "--appendfsync", "always", "--save", "",
                 "--aclfile", str(self.acl_file()), "--daemonize", "no",
                 *self.options, *options], stdout=log, stderr=log)
        wait_until(self._answers, 30)

    def acl_file(self):
        path = self.directory / "users.acl"
        if not path.exists():
            path.write_text(f"user default on >{ROOT_PASSWORD} ~* &* +@all\n")
        return path

    def _answers(self):
        assert self.process.poll() is None, (self.directory / "log").read_text(errors="replace")
        try:
            return self.client().ping()
        except redis.exceptions.ConnectionError:  # BusyLoading among them
            return None

    def client(self, database=0):
        return redis.Redis(port=self.port, password=ROOT_PASSWORD, db=database,
                           client_name="test", decode_responses=False)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(20)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)

    def freeze(self):
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)

    def remove(self):
        if self.process.poll() is None:
            self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)
