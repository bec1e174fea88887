# SPDX-License-Identifier: MIT
"""A real MariaDB server in a temporary directory, on a free loopback port."""
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import tempfile

import pymysql

from pgserver import free_port, wait_until

ROOT_PASSWORD = "pass-root"


def as_mysql(command):
    """The server refuses to run as root."""
    if os.geteuid() != 0:
        return command
    return ["setpriv", "--reuid=mysql", "--regid=mysql", "--clear-groups", *command]


class MariaDB:
    def __init__(self, *options):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="weir-my-", dir="/tmp"))
        self.data = self.directory / "data"
        self.socket = self.directory / "socket"
        self.port = free_port()
        self.options = list(options)
        self.process = None
        if os.geteuid() == 0:
            user = pwd.getpwnam("mysql")
            os.chown(self.directory, user.pw_uid, user.pw_gid)
        os.chmod(self.directory, 0o755)
        self._install()
        self.start()

    def _install(self):
        subprocess.run(
            as_mysql(["mariadb-install-db", "--no-defaults", f"--datadir={self.data}",
                      "--auth-root-authentication-method=normal", "--skip-test-db",
                      "--innodb-log-file-size=8M"]),
            check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/")

    def start(self, *options):
        with open(self.directory / "log", "ab") as log:
            self.process = subprocess.Popen(
                as_mysql(["mariadbd", "--no-defaults", f"--datadir={self.data}",
                          f"--socket={self.socket}", f"--port={self.port}",
                          "--bind-address=127.0.0.1", "--skip-name-resolve",
                          f"--pid-file={self.directory / 'pid'}", "--innodb-log-file-size=8M",
                          "--innodb-buffer-pool-size=32M", "--max-connections=60",
                          *self.options, *options]),
                stdout=log, stderr=log, cwd="/")
        wait_until(self._answers, 60)

    def _answers(self):
        assert self.process.poll() is None, (self.directory / "log").read_text(errors="replace")
        try:
            return self.run("SELECT 1")
        except pymysql.err.OperationalError:
            return None

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(20)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)

    def freeze(self):
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)

    def remove(self):
        if self.process.poll() is None:
            self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)

    def connect(self, database=None):
        return pymysql.connect(unix_socket=str(self.socket), user="root", database=database,
                               autocommit=True, charset="utf8mb4",
                               # What a failed test has left locked must not hold up the next.
                               init_command="SET SESSION lock_wait_timeout = 30")

    def run(self, sql, database=None, arguments=None):
        connection = self.connect(database)
        try:
            with connection.cursor() as cursor:
                cursor.execute(sql, arguments)
                return cursor.fetchall()
        finally:
            connection.close()
