# SPDX-License-Identifier: MIT
"""A real PostgreSQL server in a temporary directory, on a free loopback port."""
import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import psycopg2

BIN = pathlib.Path("/usr/lib/postgresql/15/bin")


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def as_postgres(command):
    """The server refuses to run as root."""
    if os.geteuid() != 0:
        return command
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", *command]


class Postgres:
    def __init__(self, fsync=False, environment=None):
        self.environment = {**os.environ, **(environment or {})}
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="weir-pg-", dir="/tmp"))
        self.data = self.directory / "data"
        self.port = free_port()
        self.fsync = fsync
        if os.geteuid() == 0:
            user = pwd.getpwnam("postgres")
            os.chown(self.directory, user.pw_uid, user.pw_gid)
        os.chmod(self.directory, 0o755)
        self._initdb()
        self.start()

    def _initdb(self):
        subprocess.run(
            as_postgres([str(BIN / "initdb"), "-D", str(self.data), "-U", "postgres",
                         "--auth-local=trust", "--auth-host=scram-sha-256", "-E", "UTF8",
                         "--locale=C", "--no-sync"]),
            check=True, stdout=subprocess.DEVNULL, cwd="/")
        with open(self.data / "postgresql.conf", "a", encoding="utf8") as conf:
            conf.write(f"port = {self.port}\nlisten_addresses = '127.0.0.1'\n"
                       f"unix_socket_directories = '{self.directory}'\nmax_connections = 60\n"
                       f"fsync = {'on' if self.fsync else 'off'}\nlog_min_messages = fatal\n"
                       "shared_buffers = 64MB\n")

    def start(self):
        subprocess.run(
            as_postgres([str(BIN / "pg_ctl"), "-D", str(self.data), "-w", "-t", "60", "-s",
                         "-l", str(self.directory / "log"), "start"]),
            check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/",
            env=self.environment)

    def stop(self, mode="fast"):
        subprocess.run(
            as_postgres([str(BIN / "pg_ctl"), "-D", str(self.data), "-m", mode, "-w", "-s",
                         "stop"]),
            check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/")

    def pid(self):
        return int((self.data / "postmaster.pid").read_text().split()[0])

    def processes(self):
        parent = self.pid()
        children = subprocess.run(["pgrep", "-P", str(parent)], capture_output=True, text=True,
                                  check=False).stdout.split()
        return [parent, *map(int, children)]

    def signal_all(self, number):
        for pid in self.processes():
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass

    def freeze(self):
        self.signal_all(signal.SIGSTOP)

    def thaw(self):
        self.signal_all(signal.SIGCONT)

    def remove(self):
        self.stop("immediate")
        shutil.rmtree(self.directory, ignore_errors=True)

    def connect(self, database="postgres", user="postgres"):
        connection = psycopg2.connect(host=str(self.directory), port=self.port, dbname=database,
                                      user=user)
        connection.autocommit = True
        return connection

    def run(self, sql, database="postgres", arguments=None):
        connection = self.connect(database)
        try:
            with connection.cursor() as cursor:
                cursor.execute(sql, arguments)
                return cursor.fetchall() if cursor.description else None
        finally:
            connection.close()

    def backends(self, database):
        """Connections to that database that are not the tests' own."""
        return self.run("SELECT pid, usename, state, query FROM pg_stat_activity WHERE "
                        "datname = %s AND application_name = 'weir'", arguments=(database,))


def wait_until(what, seconds=10.0, interval=0.02):
    """Poll until `what()` is true; its last value is returned, and asserted."""
    deadline = time.monotonic() + seconds
    while True:
        value = what()
        if value or time.monotonic() > deadline:
            assert value, "did not come true in time"
            return value
        time.sleep(interval)
