# SPDX-License-Identifier: MIT
"""Fixtures: a real PostgreSQL for the session, a fresh database and daemons for each test."""
import itertools
import sys
import pathlib

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from gateway import Weir  # noqa: E402
from pgserver import Postgres  # noqa: E402

numbers = itertools.count(1)


@pytest.fixture(scope="session")
def server():
    postgres = Postgres()
    yield postgres
    postgres.remove()


class Database:
    """A database of its own for one test, with two roles that may write to it."""

    def __init__(self, postgres):
        self.server = postgres
        self.name = f"weir{next(numbers)}"
        self.run_admin(f"CREATE DATABASE {self.name}")
        for role in ("one", "two"):
            self.add_role(role)

    def run_admin(self, sql):
        self.server.run(sql)

    def run(self, sql, arguments=None):
        return self.server.run(sql, self.name, arguments)

    def role(self, role):
        return f"{self.name}_{role}"

    def add_role(self, role, grants=True):
        name = self.role(role)
        self.run_admin(f"CREATE ROLE {name} LOGIN PASSWORD 'pass-{role}'")
        if grants:
            self.run(f"GRANT ALL ON SCHEMA public TO {name};"
                     f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON TABLES TO {name}")

    def make_table(self):
        self.run("CREATE TABLE webhook_events (id uuid PRIMARY KEY, webhook_id text NOT NULL,"
                 " received_at timestamptz NOT NULL, payload jsonb NOT NULL,"
                 " headers jsonb NOT NULL)")

    def slow_down(self, seconds):
        """Each statement takes at least that long."""
        self.run("CREATE OR REPLACE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$"
                 f"BEGIN PERFORM pg_sleep({seconds}); RETURN NULL; END $$;"
                 "CREATE TRIGGER slow BEFORE INSERT ON webhook_events FOR EACH STATEMENT"
                 " EXECUTE FUNCTION slow()")

    def connection(self, role="one", **keys):
        return {"type": "postgresql", "host": "127.0.0.1", "port": self.server.port,
                "database": self.name, "user": self.role(role), "password": f"pass-{role}",
                "pool_min_size": 2, "pool_max_size": 10, **keys}

    def ids(self):
        return [row[0] for row in self.run("SELECT id::text FROM webhook_events")]

    def backends(self):
        return self.server.backends(self.name)

    def drop(self):
        self.run_admin(f"DROP DATABASE IF EXISTS {self.name} WITH (FORCE)")


@pytest.fixture
def database(server):
    database = Database(server)
    yield database
    database.drop()


WEBHOOKS = {"webhooks": [{"path": "/webhook/example",
                          "modules": [{"type": "postgresql", "connection": "db"}]}]}


@pytest.fixture
def start(request):
    """Makes daemons; when the test is over each must leave with 0, and its log hold no secret."""
    running = []

    def make(connections, webhooks=None, server=None, **more):
        daemon = Weir(connections, webhooks or WEBHOOKS, server, **more)
        running.append(daemon)
        return daemon

    yield make
    for daemon in running:
        try:
            print(daemon.log()[-4000:] if daemon.process else "")
            code = daemon.stop()
            log = daemon.log() if daemon.process else ""
            assert code in (0, -9), log[-4000:]
            assert "pass-" not in log and "secure_password" not in log
            assert "Sanitizer" not in log, log[-8000:]
        finally:
            daemon.remove()
