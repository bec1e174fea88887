# SPDX-License-Identifier: MIT
"""Which servers connections may go to: what is refused is not connected to, not even for a moment."""
import json
import pathlib
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading
import time

import pytest

import certificates
from backends import MySQL, Rabbit, RedisStream
from conftest import WEBHOOKS, Database
from gateway import Load
from mariadb import MariaDB
from pgserver import Postgres, as_postgres, wait_until
from rabbitserver import RabbitMQ
from redisserver import Redis
from stage import Call

SOURCE = pathlib.Path(__file__).parent / "resolver.c"
LOOPBACK = ["127.0.0.0/8", "::1"]


class Names:
    """What names stand for, as the daemon is made to believe."""

    def __init__(self, directory):
        self.preload, self.file = directory / "resolver.so", directory / "names"
        subprocess.run(["gcc", "-D_GNU_SOURCE", "-shared", "-fPIC", "-O1", "-o", self.preload, SOURCE,
                        "-ldl"], check=True)
        self.environment = {"LD_PRELOAD": str(self.preload), "RESOLVER_FILE": str(self.file)}
        self.set()

    def set(self, **names):
        """name="address address | address": see resolver.c; an underscore is a dot."""
        self.file.write_text("".join(f"{name.replace('_', '.')} {addresses}\n"
                                     for name, addresses in names.items()), encoding="ascii")
        self.asked_file = pathlib.Path(f"{self.file}.asked")
        self.asked_file.unlink(missing_ok=True)

    def asked(self):
        return self.asked_file.read_text(encoding="ascii").split() if self.asked_file.exists() else []


@pytest.fixture
def names(tmp_path):
    return Names(tmp_path)


class Trap:
    """A listening socket that counts who connects."""

    def __init__(self, address="127.0.0.1", port=0):
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind((address, port))
        self.listener.listen(64)
        self.port = self.listener.getsockname()[1]
        self.accepted = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            self.accepted += 1
            client.close()

    def settled(self):
        """The kernel queues connections before they are accepted, in order: so does this one."""
        before = self.accepted
        socket.create_connection(self.listener.getsockname()).close()
        wait_until(lambda: self.accepted > before)
        return self.accepted - 1

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


@pytest.fixture
def trap():
    trap = Trap()
    yield trap
    trap.close()


# ---- Nothing is connected to ---------------------------------------------------------------------

DRIVERS = {
    "postgresql": {"database": "d", "user": "u"},
    "postgresql-tls": {"database": "d", "user": "u", "sslmode": "verify-full"},
    "mysql": {"database": "d", "user": "u"},
    "mysql-tls": {"database": "d", "user": "u", "ssl_mode": "verify_identity"},
    "redis": {},
    "rabbitmq": {},
    "rabbitmq-tls": {"tls": True}}


def entry(driver, port, **keys):
    return {"type": driver.partition("-")[0], "port": port, "pool_min_size": 1, "pool_max_size": 2,
            "connect_timeout": 2, "acquisition_timeout": 2, **DRIVERS[driver], **keys}


def webhooks(driver):
    return {"webhooks": [{"path": "/webhook/example", "modules": [
        {"type": driver.partition("-")[0], "connection": "db"}]}]}


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("outbound", [
    {"deny": LOOPBACK}, {"allow": ["10.0.0.0/8"]}, {"allow": ["0.0.0.0/0", "::/0"], "deny": LOOPBACK}],
    ids=["deny", "allow", "both"])
def test_nothing_is_connected_to(start, trap, driver, outbound):
    weir = start({"db": entry(driver, trap.port, host="127.0.0.1")}, webhooks(driver),
                 {"outbound": outbound})
    code, answer = weir.post({"a": 1})
    assert code == 503 and answer["type"] == "urn:weir:error:destination-unavailable"
    assert "127.0.0.1" not in json.dumps(answer)
    assert "WEIR_EADDRESS" in weir.log()
    assert "host 127.0.0.1: 127.0.0.1 is " in weir.log()
    last = weir.connection()["versions"][0]["last_error"]
    assert last["code"] == "WEIR_EADDRESS", last
    assert trap.settled() == 0


@pytest.mark.parametrize("driver", DRIVERS)
def test_the_trap_would_notice(start, trap, driver):
    """The same without a list: so the test above can fail."""
    weir = start({"db": entry(driver, trap.port, host="127.0.0.1")}, webhooks(driver))
    assert weir.post({"a": 1})[0] == 503
    assert "WEIR_EADDRESS" not in weir.log()
    assert trap.settled() > 0


@pytest.mark.parametrize("driver", DRIVERS)
def test_no_spelling_is_a_way_around(start, trap, names, driver):
    names.set(inside_test="127.0.0.1", mapped_test="::ffff:127.0.0.1", any_test="0.0.0.0 ::")
    hosts = ["localhost", "127.1", "2130706433", "0x7f000001", "::ffff:127.0.0.1", "0.0.0.0", "::",
             "inside.test", "mapped.test", "any.test"]
    entries = {f"db{number}": entry(driver, trap.port, host=host)
               for number, host in enumerate(hosts)}
    weir = start(entries, {"webhooks": []}, {"outbound": {"deny": LOOPBACK}}, start=False)
    weir.environment.update(names.environment)
    done = weir.command("check", "--config", str(weir.config), "--connect")
    assert done.returncode == 3
    assert done.stderr.count("may not be connected to") == len(hosts), done.stderr
    assert trap.settled() == 0


def check(weir, names=None):
    """Opens each connection once."""
    weir.environment.update(names.environment if names else {})
    return weir.command("check", "--config", str(weir.config), "--connect")


@pytest.mark.parametrize("driver", DRIVERS)
def test_metadata_is_denied_by_default(start, driver):
    weir = start({"db": entry(driver, 80, host="169.254.169.254")}, webhooks(driver), start=False)
    since = time.monotonic()
    done = check(weir)
    assert done.returncode == 3 and time.monotonic() - since < 1.5
    assert ("169.254.169.254 is where clouds keep metadata, denied by default (169.254.0.0/16)"
            in done.stderr), done.stderr


def test_an_explicit_allow_lets_metadata_through(start):
    weir = start({"db": entry("redis", 80, host="169.254.169.254", connect_timeout=0.2)},
                 webhooks("redis"), {"outbound": {"allow": ["169.254.169.254"]}}, start=False)
    done = check(weir)
    assert done.returncode == 3 and "may not be connected to" not in done.stderr


# ---- Names with several addresses, and names that change -----------------------------------------

class Secure:
    """A real server, and a client's keys with which it is reached by a name that TLS verifies."""

    def __init__(self, kind, server, backend, keys, port):
        self.kind, self.server, self.backend, self.keys, self.port = kind, server, backend, keys, port

    def connection(self, **keys):
        return self.backend.connection(**{**self.keys, "port": self.port, "pool_min_size": 1,
                                          "pool_max_size": 1, "acquisition_timeout": 3, **keys})

    def webhooks(self):
        return self.backend.webhooks() if hasattr(self.backend, "webhooks") else WEBHOOKS


@pytest.fixture(scope="module")
def authority():
    directory = pathlib.Path(tempfile.mkdtemp(prefix="weir-ca-", dir="/tmp"))
    certificates.make(directory)
    yield directory
    shutil.rmtree(directory)


def secure_postgres(authority):
    server = Postgres()
    for name in ("server.pem", "server.key"):
        subprocess.run(as_postgres(["install", "-m", "600", str(authority / name), str(server.data)]),
                       check=True)
    with open(server.data / "postgresql.conf", "a", encoding="utf8") as conf:
        conf.write("ssl = on\nssl_cert_file = 'server.pem'\nssl_key_file = 'server.key'\n")
    server.stop()
    server.start()
    return Secure("postgresql", server, Database(server),
                  {"sslmode": "verify-full", "sslrootcert": str(authority / "ca.pem")}, server.port)


def secure_mysql(authority):
    server = MariaDB(f"--ssl-ca={authority / 'ca.pem'}", f"--ssl-cert={authority / 'server.pem'}",
                     f"--ssl-key={authority / 'server.key'}")
    return Secure("mysql", server, MySQL(server),
                  {"ssl_mode": "verify_identity", "ssl_ca": str(authority / "ca.pem")}, server.port)


def secure_rabbit(authority):
    server = RabbitMQ(authority)
    return Secure("rabbitmq", server, Rabbit(server),
                  {"tls": True, "ssl_ca": str(authority / "ca.pem")}, server.tls_port)


def plain_redis(_):
    """It has no TLS."""
    server = Redis()
    return Secure("redis", server, RedisStream(server), {}, server.port)


made = {}


@pytest.fixture(params=[secure_postgres, secure_mysql, secure_rabbit, plain_redis],
                ids=lambda make: make.__name__)
def secure(request, authority):
    if request.param not in made:
        made[request.param] = request.param(authority)
    return made[request.param]


@pytest.fixture(scope="module", autouse=True)
def all_servers():
    yield
    for secure in made.values():
        secure.server.remove()
    made.clear()


@pytest.fixture
def second(secure):
    """Somebody else at the port, on another of this machine's addresses."""
    trap = Trap("127.0.0.2", secure.port)
    yield trap
    trap.close()


def test_what_is_refused_is_passed_over(start, names, secure, second):
    """TLS verifies the name, though the address is what is connected to."""
    names.set(localhost="127.0.0.2 127.0.0.1")
    weir = start({"db": secure.connection(host="localhost")}, secure.webhooks(),
                 {"outbound": {"allow": ["127.0.0.1"]}}, environment=names.environment)
    assert weir.post({"a": 1})[0] == 200, weir.log()
    assert second.settled() == 0
    assert names.asked() == ["localhost"]


def test_tls_still_verifies_the_name(start, names, secure):
    """The certificate is localhost's."""
    names.set(other_test="127.0.0.1")
    weir = start({"db": secure.connection(host="other.test")}, secure.webhooks(), start=False)
    done = check(weir, names)
    if secure.kind == "redis":
        assert done.returncode == 0, done.stderr
        return
    assert done.returncode == 3
    assert "no acceptable TLS session" in done.stderr, done.stderr


def test_a_name_that_is_rebound_to_a_denied_address(start, names, secure, second):
    """It is asked for once; the second answer would lead to the trap."""
    names.set(localhost="127.0.0.1 | 127.0.0.2")
    weir = start({"db": secure.connection(host="localhost")}, secure.webhooks(),
                 {"outbound": {"deny": ["127.0.0.2"]}}, start=False)
    done = check(weir, names)
    assert done.returncode == 0, done.stderr
    assert names.asked() == ["localhost"]
    done = check(weir, names)  # and now that is all there is
    assert done.returncode == 3
    assert "127.0.0.2 is in the deny list (127.0.0.2)" in done.stderr, done.stderr
    assert second.settled() == 0


def test_a_name_that_is_rebound_to_an_allowed_address(start, names, secure, second):
    """What has been judged is not asked for again, until it comes out right."""
    names.set(localhost="127.0.0.2 | 127.0.0.1")
    weir = start({"db": secure.connection(host="localhost")}, secure.webhooks(),
                 {"outbound": {"deny": ["127.0.0.2"]}}, start=False)
    assert check(weir, names).returncode == 3
    assert names.asked() == ["localhost"] and second.settled() == 0
    assert check(weir, names).returncode == 0


def test_what_was_not_tried_is_told(start, names, secure, second):
    names.set(two_test="127.0.0.2 127.0.0.3")
    weir = start({"db": secure.connection(host="two.test")}, secure.webhooks(),
                 {"outbound": {"deny": ["127.0.0.2"]}}, start=False)
    done = check(weir, names)
    assert done.returncode == 3
    assert "not tried: 127.0.0.2 is in the deny list (127.0.0.2)" in done.stderr, done.stderr
    assert second.settled() == 0


class TLSListener:
    """Says who is who, and nothing more: no server, but one that looks at what comes in."""

    def __init__(self, certificate, key):
        self.names, self.first_bytes, self.finished = [], [], 0
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        context.sni_callback = lambda _socket, name, _context: self.names.append(name)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._serve, args=(context,), daemon=True).start()

    def _serve(self, context):
        while True:
            try:
                with context.wrap_socket(self.listener.accept()[0], server_side=True) as client:
                    self.first_bytes.append(client.recv(8))
            except OSError:
                if self.listener.fileno() < 0:
                    return
            self.finished += 1

    def close(self):
        self.listener.close()


@pytest.mark.parametrize("host, subject, name, trusted", [
    ("localhost", "DNS:localhost", "localhost", True),
    ("localhost", "DNS:localhost.test", "localhost", False),
    ("localhost", "IP:127.0.0.1", "localhost", False),
    ("127.0.0.1", "IP:127.0.0.1", None, True),
    ("127.0.0.1", "IP:127.0.0.2", None, False),
    ("127.0.0.1", "DNS:127.0.0.1", None, False)])
def test_rabbitmq_tells_and_verifies_its_host(start, names, authority, host, subject, name, trusted):
    """A broker behind a proxy is found by the name that TLS announces; an address is no name."""
    openssl = certificates.openssl
    (authority / "subject").write_text(f"subjectAltName={subject}\n", encoding="ascii")
    openssl(authority, "req", "-new", "-key", "server.key", "-out", "subject.csr",
            "-subj", "/CN=somebody")
    openssl(authority, "x509", "-req", "-in", "subject.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
            "-CAcreateserial", "-days", "2", "-out", "subject.pem", "-extfile", "subject")
    names.set(localhost="127.0.0.1")
    broker = TLSListener(authority / "subject.pem", authority / "server.key")
    weir = start({"db": entry("rabbitmq-tls", broker.port, host=host,
                              ssl_ca=str(authority / "ca.pem"))}, webhooks("rabbitmq"), start=False)
    assert check(weir, names).returncode == 3
    wait_until(lambda: broker.names)
    assert broker.names == [name]
    wait_until(lambda: broker.finished)
    assert (b"AMQP\x00\x00\x09\x01" in broker.first_bytes) is trusted
    broker.close()


# ---- What else connects --------------------------------------------------------------------------

def busy(secure):
    """Statements of weir's that the server still runs."""
    if secure.kind == "postgresql":
        return [row for row in secure.backend.backends() if row[2] == "active"]
    return secure.server.run("SELECT id FROM information_schema.processlist WHERE"
                             " info LIKE '%SLEEP%' AND info NOT LIKE '%processlist%'")


@pytest.mark.parametrize("secure", [secure_postgres, secure_mysql], indirect=True,
                         ids=["postgresql", "mysql"])
def test_what_is_cancelled_is_where_it_runs(start, names, secure, second):
    """Another server by that name must not be told to end a connection that is not ours."""
    names.set(localhost="127.0.0.1 | 127.0.0.2")
    plain = {"sslmode" if secure.kind == "postgresql" else "ssl_mode":
             "disable" if secure.kind == "postgresql" else "disabled"}
    weir = start({"db": secure.connection(host="localhost", operation_timeout=1, **plain)},
                 secure.webhooks(), {"outbound": {"deny": ["127.0.0.2"]}, "request_timeout": 4},
                 environment=names.environment)
    secure.backend.run("DROP TABLE IF EXISTS webhook_events")
    if secure.kind == "postgresql":
        secure.backend.make_table()
        secure.backend.slow_down(30)
    else:
        secure.backend.slow_down(120)
    call = Call(weir.post, {"a": 1})
    wait_until(lambda: busy(secure))
    wait_until(lambda: not busy(secure), 10)
    assert call.result()[0] == 503
    assert second.settled() == 0


# ---- PostgreSQL's own ways -----------------------------------------------------------------------

def test_each_host_of_a_list_is_judged(start, names, database):
    names.set(inside_test="127.0.0.2", outside_test="127.0.0.1")
    trap = Trap("127.0.0.2", database.server.port)
    weir = start({"db": database.connection(host="inside.test,outside.test")}, None,
                 {"outbound": {"deny": ["127.0.0.2"]}}, environment=names.environment)
    assert weir.post({"a": 1})[0] == 200
    assert trap.settled() == 0
    trap.close()


@pytest.mark.parametrize("by", ["PGHOSTADDR", "service"])
def test_the_environment_leads_nowhere_else(start, database, tmp_path, by):
    trap = Trap("127.0.0.2", database.server.port)
    (tmp_path / "services").write_text("[there]\nhostaddr=127.0.0.2\nhost=inside.test\n")
    environment = ({"PGHOSTADDR": "127.0.0.2"} if by == "PGHOSTADDR" else
                   {"PGSERVICE": "there", "PGSERVICEFILE": str(tmp_path / "services")})
    deny = {"outbound": {"deny": ["127.0.0.2"]}}
    weir = start({"db": database.connection()}, None, deny, environment=environment)
    assert weir.post({"a": 1})[0] == 200
    local = start({"db": database.connection(host=str(database.server.directory),
                                             acquisition_timeout=1)}, None, deny,
                  environment=environment)
    assert local.post({"a": 1})[0] == 503
    assert "PGHOSTADDR or a service names 127.0.0.2" in local.log()
    assert trap.settled() == 0
    trap.close()


@pytest.mark.parametrize("outbound, works", [
    (None, True), ({"deny": LOOPBACK}, True), ({"unix": False}, False),
    ({"allow": ["10.0.0.0/8"]}, False), ({"allow": ["10.0.0.0/8"], "unix": True}, True)])
def test_unix_sockets(start, database, outbound, works):
    weir = start({"db": database.connection(host=str(database.server.directory),
                                            acquisition_timeout=1)}, None,
                 {"outbound": outbound} if outbound else None)
    assert weir.post({"a": 1})[0] == (200 if works else 503)
    assert ("Unix sockets are not allowed" in weir.log()) != works


# ---- Reload --------------------------------------------------------------------------------------

@pytest.fixture
def twofold():
    """One server with two addresses."""
    server = Redis("--bind", "127.0.0.1", "127.0.0.2")
    backend = RedisStream(server)
    yield backend
    backend.drop()
    server.remove()


def reached(backend):
    """The addresses at which weir's connections have come in."""
    return {client["laddr"].partition(":")[0] for client in backend.client.client_list()
            if client["user"].startswith(backend.name + "_")}


def reload_with(weir, outbound, strict=False):
    weir.server["outbound"] = outbound
    weir.write(server=weir.server)
    return weir.reload(strict)


def test_a_deny_that_is_added_drains_the_old_version(start, names, twofold):
    names.set(two_test="127.0.0.2 127.0.0.1")
    weir = start({"db": twofold.connection(host="two.test")}, twofold.webhooks(),
                 environment=names.environment)
    load = Load(weir, clients=8)
    wait_until(lambda: len(load.stored) > 100, 20)
    assert reached(twofold) == {"127.0.0.2"}
    before = weir.connection()["versions"][0]["config_sha256"]
    code, answer = reload_with(weir, {"deny": ["127.0.0.2"]})
    assert code == 200 and answer["connections"]["db"]["outcome"] in ("migrated", "staging"), answer
    wait_until(lambda: reached(twofold) == {"127.0.0.1"})
    wait_until(lambda: [version["state"] for version in weir.connection()["versions"]] == ["active"])
    assert weir.connection()["version"] == 2
    assert weir.connection()["versions"][0]["config_sha256"] != before
    load.stop()
    assert load.failed == [] and load.broken == []
    assert sorted(load.stored) == sorted(twofold.ids())
    assert reload_with(weir, {"deny": ["127.0.0.2"]})[1]["connections"]["db"]["outcome"] == "unchanged"


def test_a_deny_that_leaves_nothing_is_a_version_that_cannot_be_proven(start, twofold):
    """As with a wrong password: the old version goes on serving, and everybody is told."""
    weir = start({"db": twofold.connection()}, twofold.webhooks())
    assert weir.post({"a": 1})[0] == 200
    code, answer = reload_with(weir, {"deny": LOOPBACK})
    assert code == 200
    assert answer["connections"]["db"]["outcome"] == "staging"
    assert answer["connections"]["db"]["code"] == "WEIR_EADDRESS"
    assert weir.post({"a": 2})[0] == 200
    assert reload_with(weir, {"deny": ["127.0.0.0/8"]}, strict=True)[0] == 422


def test_a_server_json_that_vanishes_lifts_nothing(start, twofold):
    weir = start({"db": twofold.connection()}, twofold.webhooks(), {"outbound": {"deny": LOOPBACK}})
    weir.write({"db": twofold.connection("two")})
    (weir.config / "server.json").unlink()
    code, answer = weir.reload()
    assert code == 422 and answer["errors"][0]["file"] == "server.json", answer
    assert "has vanished" in answer["errors"][0]["message"]
    assert weir.post({"a": 1})[0] == 503
    weir.write(server={key: value for key, value in weir.server.items() if key != "outbound"})
    assert weir.reload()[0] == 200
    wait_until(lambda: weir.post({"a": 1})[0] == 200)


def test_connections_json_cannot_widen_it(start, twofold):
    weir = start({"db": twofold.connection()}, twofold.webhooks(), {"outbound": {"deny": ["::1"]}})
    code, answer = weir.change({"db": twofold.connection(allow_addresses="127.0.0.1")})
    assert code == 422
    problem = answer["errors"][0]
    assert problem["file"] == "connections.json" and problem["pointer"] == "/db/allow_addresses"
    assert problem["key"] == "allow_addresses" and "outbound" in problem["message"]
    assert weir.post({"a": 1})[0] == 200
