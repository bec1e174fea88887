# SPDX-License-Identifier: MIT
"""The backends beside PostgreSQL, in one shape: what every one of them is held to."""
import itertools
import json

import pika
import pymysql
import redis

from mariadb import MariaDB
from rabbitserver import RabbitMQ
from redisserver import Redis

ROLES = ("one", "two")
numbers = itertools.count(1)


class Backend:
    """One destination for one test, with two accounts that may write to it."""

    type = None
    exact = False  # a write whose outcome was unknown is never there twice
    settles = 0    # seconds after which what was made on first use survives a SIGKILL

    def __init__(self, server):
        self.server = server
        self.name = f"weir{next(numbers)}"
        self.prepare()

    def role(self, role):
        return f"{self.name}_{role}"

    def webhooks(self, **options):
        return {"webhooks": [{"path": "/webhook/example", "modules": [
            {"type": self.type, "connection": "db", **self.options, **options}]}]}

    def keys(self, role, **keys):
        return {"type": self.type, "host": "127.0.0.1", "port": self.server.port,
                "user": self.role(role), "password": f"pass-{role}", "pool_min_size": 1,
                "pool_max_size": 4, **keys}

    options = {}

    def roles_connected(self):
        return {user for user, _ in self.connections()}

    def count(self):
        return len(self.connections())


class MySQL(Backend):
    type = "mysql"
    exact = True

    @staticmethod
    def make_server():
        return MariaDB()

    def prepare(self):
        self.server.run(f"CREATE DATABASE {self.name}")
        for role in ROLES:
            self.server.run(f"CREATE USER {self.role(role)}@'%' IDENTIFIED BY 'pass-{role}'")
            self.server.run(f"GRANT ALL ON {self.name}.* TO {self.role(role)}@'%'")

    def connection(self, role="one", **keys):
        return self.keys(role, database=self.name, **keys)

    def run(self, sql, arguments=None):
        return self.server.run(sql, self.name, arguments)

    def ids(self):
        return [row[0] for row in self.run("SELECT id FROM webhook_events")]

    def stored(self):
        """[(id, webhook id, body, headers)]"""
        return [(row[0], row[1], row[2], json.loads(row[3])) for row in self.run(
            "SELECT id, webhook_id, payload, headers FROM webhook_events")]

    def connections(self):
        return [(row[1], row[0]) for row in self.server.run(
            "SELECT id, user FROM information_schema.processlist WHERE user LIKE %s",
            None, (self.name + r"\_%",))]

    def slow_down(self, seconds):
        """Each statement takes at least that long."""
        self.run("CREATE TABLE webhook_events (id CHAR(36) CHARACTER SET ascii PRIMARY KEY,"
                 " webhook_id VARCHAR(1024) NOT NULL, received_at DATETIME(6) NOT NULL,"
                 " payload JSON NOT NULL, headers JSON NOT NULL)")
        self.run("CREATE TRIGGER slow BEFORE INSERT ON webhook_events FOR EACH ROW"
                 f" DO SLEEP({seconds / 4})")

    def kill_connections(self):
        for _, number in self.connections():
            try:
                self.server.run(f"KILL CONNECTION {number}")
            except pymysql.err.Error:
                pass  # gone already

    def drop(self):
        self.server.run(f"DROP DATABASE {self.name}")


class RedisStream(Backend):
    type = "redis"

    @staticmethod
    def make_server():
        return Redis()

    def prepare(self):
        self.client = self.server.client()
        for role in ROLES:
            self.client.acl_setuser(self.role(role), enabled=True, passwords=[f"+pass-{role}"],
                                    keys=[f"{self.name}*"], channels=["*"], categories=["+@all"])
        self.client.acl_save()
        self.options = {"key": self.name}

    def connection(self, role="one", **keys):
        return self.keys(role, **keys)

    def entries(self):
        return [entry for _, entry in self.client.xrange(self.name)]

    def ids(self):
        return [entry[b"id"].decode() for entry in self.entries()]

    def stored(self):
        return [(entry[b"id"].decode(), entry[b"webhook_id"].decode(), entry[b"body"].decode(),
                 json.loads(entry[b"headers"])) for entry in self.entries()]

    def connections(self):
        try:
            return [(client["user"], client["id"]) for client in self.client.client_list()
                    if client["user"].startswith(self.name + "_")]
        except redis.exceptions.ConnectionError:
            return []

    def kill_connections(self):
        for _, number in self.connections():
            try:
                self.client.client_kill_filter(_id=number)
            except redis.exceptions.ResponseError:
                pass

    def drop(self):
        self.client.delete(self.name)
        for role in ROLES:
            self.client.acl_deluser(self.role(role))
        self.client.close()


class Rabbit(Backend):
    type = "rabbitmq"
    settles = 7  # RabbitMQ 3.10 forgets quorum queues that are younger than about five

    @staticmethod
    def make_server():
        return RabbitMQ()

    def prepare(self):
        for role in ROLES:
            self.server.control("add_user", self.role(role), f"pass-{role}")
            self.server.control("set_permissions", self.role(role), ".*", ".*", ".*")
        self.options = {"queue_name": self.name}
        self.taken = []

    def connection(self, role="one", **keys):
        return self.keys(role, **keys)

    def take(self):
        """Whatever is in the queue, now and before."""
        connection = self.server.connect()
        channel = connection.channel()
        while True:
            frame, properties, body = channel.basic_get(self.name, auto_ack=True)
            if frame is None:
                break
            self.taken.append((properties, body))
        connection.close()
        return self.taken

    def ids(self):
        return [properties.message_id for properties, _ in self.take()]

    def stored(self):
        return [(properties.message_id, properties.type, body.decode(), properties.headers)
                for properties, body in self.take()]

    def connections(self):
        users = self.server.evaluate(
            "[begin [{_, U}] = rabbit_networking:connection_info(P, [user]), U end"
            " || P <- rabbit_networking:connections(), is_process_alive(P)].")
        found = [user.strip('<>"') for user in users.strip("[]").split(",") if user]
        return [(user, None) for user in found if user.startswith(self.name + "_")]

    def kill_connections(self):
        for role in ROLES:
            try:
                self.server.control("close_all_user_connections", self.role(role), "test")
            except AssertionError:
                pass  # none of it

    def drop(self):
        connection = self.server.connect()
        try:
            connection.channel().queue_delete(self.name)
        except pika.exceptions.AMQPError:
            pass
        connection.close()
        for role in ROLES:
            self.server.control("delete_user", self.role(role))


ALL = (MySQL, RedisStream, Rabbit)
