# SPDX-License-Identifier: MIT
"""A real RabbitMQ broker in a temporary directory, on free loopback ports."""
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile

import pika

from pgserver import free_port, wait_until

BIN = pathlib.Path("/usr/lib/rabbitmq/bin")
ROOT_PASSWORD = "pass-root"


class RabbitMQ:
    def __init__(self, certificates=None):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="weir-mq-", dir="/tmp"))
        self.port, self.tls_port = free_port(), free_port()
        self.process = None
        (self.directory / "rabbitmq.conf").write_text(
            f"listeners.tcp.1 = 127.0.0.1:{self.port}\n"
            "loopback_users = none\nlog.console = false\ndisk_free_limit.absolute = 1MB\n"
            "vm_memory_high_watermark.absolute = 2GB\n"
            f"default_user = root\ndefault_pass = {ROOT_PASSWORD}\n", encoding="ascii")
        if certificates:
            self._listen_tls(certificates)
        (self.directory / "plugins").write_text("[].\n", encoding="ascii")
        self.environment = {
            **os.environ, "HOME": str(self.directory),
            "RABBITMQ_NODENAME": f"weir{self.port}@localhost",
            "RABBITMQ_CONFIG_FILE": str(self.directory / "rabbitmq.conf"),
            "RABBITMQ_MNESIA_BASE": str(self.directory / "mnesia"),
            "RABBITMQ_LOG_BASE": str(self.directory / "log"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.directory / "plugins"),
            "RABBITMQ_PID_FILE": str(self.directory / "pid"),
            "RABBITMQ_DIST_PORT": str(free_port()), "ERL_EPMD_PORT": str(free_port()),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 2:2 +sbwt none",
            "LANG": "C.UTF-8"}
        self.start()

    def _listen_tls(self, certificates):
        with open(self.directory / "rabbitmq.conf", "a", encoding="ascii") as conf:
            conf.write(f"listeners.ssl.1 = 127.0.0.1:{self.tls_port}\n"
                       f"ssl_options.cacertfile = {certificates / 'ca.pem'}\n"
                       f"ssl_options.certfile = {certificates / 'server.pem'}\n"
                       f"ssl_options.keyfile = {certificates / 'server.key'}\n")

    def start(self):
        with open(self.directory / "out", "ab") as out:
            # A process group of its own: the launcher's children go with it.
            self.process = subprocess.Popen([str(BIN / "rabbitmq-server")], stdout=out, stderr=out,
                                            env=self.environment, start_new_session=True)
        wait_until(self._answers, 90, 0.2)

    def _answers(self):
        assert self.process.poll() is None, (self.directory / "out").read_text(errors="replace")
        try:
            self.connect().close()
            return True
        except (pika.exceptions.AMQPError, OSError):
            return False

    def connect(self, user="root", password=ROOT_PASSWORD, vhost="/"):
        return pika.BlockingConnection(pika.ConnectionParameters(
            "127.0.0.1", self.port, vhost, pika.PlainCredentials(user, password),
            client_properties={"connection_name": "test"}))

    def control(self, *arguments):
        done = subprocess.run([str(BIN / "rabbitmqctl"), "-q", *arguments], env=self.environment,
                              capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def evaluate(self, erlang):
        return self.control("eval", erlang).strip()

    def signal_all(self, number):
        os.killpg(self.process.pid, number)

    def kill(self):
        self.signal_all(signal.SIGKILL)
        self.process.wait(20)

    def stop(self):
        self.signal_all(signal.SIGTERM)
        self.process.wait(60)

    def freeze(self):
        self.signal_all(signal.SIGSTOP)

    def thaw(self):
        self.signal_all(signal.SIGCONT)

    def remove(self):
        if self.process.poll() is None:
            self.kill()
        subprocess.run(["epmd", "-port", self.environment["ERL_EPMD_PORT"], "-kill"], check=False,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        shutil.rmtree(self.directory, ignore_errors=True)
