# SPDX-License-Identifier: MIT
"""RabbitMQ: confirms, returns, alarms, channels."""
import pathlib
import shutil
import tempfile
import time

import pytest

import certificates
from backends import Rabbit
from gateway import Load
from pgserver import wait_until
from rabbitserver import RabbitMQ
from stage import Call


@pytest.fixture(scope="module")
def directory():
    directory = pathlib.Path(tempfile.mkdtemp(prefix="weir-ca-", dir="/tmp"))
    certificates.make(directory)
    yield directory
    shutil.rmtree(directory)


@pytest.fixture(scope="module")
def server(directory):
    server = RabbitMQ(directory)
    yield server
    server.remove()


@pytest.fixture
def broker(server):
    broker = Rabbit(server)
    yield broker
    broker.drop()


@pytest.fixture
def channel(server):
    connection = server.connect()
    yield connection.channel()
    connection.close()


def test_properties_and_headers(start, broker):
    weir = start({"db": broker.connection()}, broker.webhooks())
    status, _, _ = weir.request("POST", "/webhook/example", b'{"a": 1}',
                                {"Content-Type": "application/json; charset=utf-8",
                                 "X-Long": "y" * 3000, "X-Event": "push",
                                 "Authorization": "Bearer no"})
    assert status == 200
    ((properties, body),) = broker.take()
    assert body == b'{"a": 1}'
    assert properties.delivery_mode == 2 and properties.app_id == "weir"
    assert properties.content_type == "application/json; charset=utf-8"
    assert len(properties.message_id) == 36 and properties.type == "example"
    assert abs(properties.timestamp - time.time()) < 60
    assert properties.headers["x-event"] == "push" and len(properties.headers["x-long"]) == 3000
    assert "authorization" not in properties.headers


def test_headers_can_be_left_out(start, broker):
    weir = start({"db": broker.connection()}, broker.webhooks(headers=False, queue_type="classic"))
    assert weir.post({"a": 1})[0] == 200
    assert broker.take()[0][0].headers is None


@pytest.mark.parametrize("kind", ["quorum", "classic"])
def test_the_queue_is_made_once_and_durable(start, broker, kind):
    weir = start({"db": broker.connection()}, broker.webhooks(queue_type=kind))
    assert weir.post({"a": 1})[0] == 200
    listed = broker.server.control("list_queues", "name", "durable", "type")
    (line,) = [line for line in listed.splitlines() if line.startswith(broker.name + "\t")]
    assert line.split("\t")[1] == "true" and kind in line


def test_a_queue_of_another_kind_is_taken_as_it_is(start, broker, channel):
    channel.queue_declare(broker.name, durable=False, arguments={"x-max-length": 5000})
    weir = start({"db": broker.connection()}, broker.webhooks())
    assert weir.post({"a": 1})[0] == 200


def test_an_absent_queue_is_not_made_if_passive(start, broker):
    weir = start({"db": broker.connection()}, broker.webhooks(passive=True))
    assert weir.post({"a": 1})[0] == 503
    assert f"there is no queue {broker.name}" in weir.log()
    assert broker.name not in broker.server.control("list_queues", "name")


def test_an_exchange_with_a_routing_key(start, broker, channel):
    channel.exchange_declare(broker.name, "topic", durable=True)
    channel.queue_declare(broker.name, durable=True)
    channel.queue_bind(broker.name, broker.name, "in.*.events")
    broker.options = {"exchange": broker.name}
    webhooks = broker.webhooks(routing_key="in.{webhook_id}.events")
    webhooks["webhooks"].append({"path": "/webhook/lost", "modules": [
        {"type": "rabbitmq", "connection": "db", "exchange": broker.name,
         "routing_key": "out"}]})
    webhooks["webhooks"].append({"path": "/webhook/none", "modules": [
        {"type": "rabbitmq", "connection": "db", "exchange": "no-such-exchange"}]})
    weir = start({"db": broker.connection()}, webhooks)
    assert weir.post({"a": 1})[0] == 200
    assert weir.post({"a": 2}, "/webhook/lost")[0] == 503, "returned, and yet acknowledged"
    assert "NO_ROUTE" in weir.log()
    assert weir.post({"a": 2}, "/webhook/none")[0] == 503
    assert weir.post({"a": 3})[0] == 200
    assert [body for _, body in broker.take()] == [b'{"a": 1}', b'{"a": 3}']
    assert weir.connection()["versions"][0]["totals"]["opened"] == 1
    channel.exchange_delete(broker.name)


def test_a_returned_message_among_others(start, broker, channel):
    channel.exchange_declare(broker.name, "direct", durable=True)
    channel.queue_declare(broker.name, durable=True)
    channel.queue_bind(broker.name, broker.name, "example")
    broker.options = {"exchange": broker.name, "routing_key": "{webhook_id}"}
    webhooks = broker.webhooks()
    weir = start({"db": broker.connection(pool_max_size=1)}, webhooks)
    load = Load(weir, clients=16, count=400).join()
    channel.queue_unbind(broker.name, broker.name, "example")
    calls = [Call(weir.post, {"s": "x" * 50_000}) for _ in range(16)]
    assert {call.result()[0] for call in calls} == {503}
    channel.queue_bind(broker.name, broker.name, "example")
    assert weir.post({"a": 1})[0] == 200
    assert len(broker.ids()) == 401 and set(load.stored) < set(broker.ids())
    channel.exchange_delete(broker.name)


def test_a_refused_message_is_not_acknowledged(start, broker, channel):
    """basic.nack: a queue that is full and says so."""
    channel.queue_declare(broker.name, durable=True, arguments={
        "x-max-length": 10, "x-overflow": "reject-publish"})
    weir = start({"db": broker.connection()}, broker.webhooks(), {"request_timeout": 2})
    load = Load(weir, clients=8, count=40).join()
    assert len(load.stored) >= 10 and load.failed
    assert {code for code, _ in load.failed} == {503}
    assert set(load.stored) <= set(broker.ids())
    assert weir.post({"a": 1})[0] == 200


def test_a_deleted_queue_is_made_again(start, broker, channel):
    weir = start({"db": broker.connection()}, broker.webhooks())
    assert weir.post({"a": 1})[0] == 200
    channel.queue_delete(broker.name)
    assert wait_until(lambda: weir.post({"a": 2})[0] == 200, 10)
    assert b'{"a": 2}' in [body for _, body in broker.take()]


def test_many_messages_on_one_channel(start, broker):
    weir = start({"db": broker.connection(pool_max_size=1)}, broker.webhooks())
    load = Load(weir, clients=64, count=9000).join()
    assert len(load.stored) == 9000 and load.failed == []
    assert sorted(load.stored) == sorted(broker.ids())
    assert weir.connection()["versions"][0]["totals"]["opened"] == 1
    channels = broker.server.control("list_channels", "name", "user")
    assert channels.count(broker.role("one")) == 1


@pytest.mark.parametrize("limit, alarm, normal", [
    ("set_vm_memory_high_watermark", "1MB", "2GB"), ("set_disk_free_limit", "900000GB", "1MB")],
    ids=["memory", "disk"])
def test_an_alarm_is_back_pressure_and_no_hang(start, broker, tmp_path, limit, alarm, normal):
    absolute = ["absolute"] if "memory" in limit else []
    webhooks = broker.webhooks()
    webhooks["webhooks"].append({"path": "/webhook/other", "modules": [
        {"type": "sqlite", "connection": "other"}]})
    weir = start({"db": broker.connection(operation_timeout=2),
                  "other": {"type": "sqlite", "path": str(tmp_path / "db")}}, webhooks,
                 {"request_timeout": 4})
    assert weir.post({"a": 0})[0] == 200
    broker.server.control(limit, *absolute, alarm)
    try:
        load = Load(weir, clients=8)
        begun = time.monotonic()
        while time.monotonic() - begun < 8:
            before = time.monotonic()
            assert weir.post({"a": 1}, "/webhook/other")[0] == 200
            assert time.monotonic() - before < 1
            time.sleep(0.2)
        assert load.failed and {code for code, _ in load.failed} == {503}
    finally:
        broker.server.control(limit, *absolute, normal)
    before = len(load.stored)
    wait_until(lambda: len(load.stored) > before + 50, 30)
    load.stop()
    assert load.broken == []
    assert set(load.stored) <= set(broker.ids())
    assert "blocks publishers" in weir.log()


def test_credentials_of_any_bytes_and_a_virtual_host(start, broker):
    password = "pass-'\"\\ü€ %{}"
    broker.server.control("change_password", broker.role("one"), password)
    broker.server.control("add_vhost", broker.name)
    broker.server.control("set_permissions", "-p", broker.name, broker.role("one"),
                          ".*", ".*", ".*")
    weir = start({"db": broker.connection(password=password, vhost=broker.name)},
                 broker.webhooks())
    assert weir.post({"a": 0})[0] == 200
    assert weir.stop() == 0
    broker.server.control("delete_vhost", broker.name)


def test_an_account_that_may_not_write(start, broker, channel):
    channel.queue_declare(broker.name, durable=True)
    broker.server.control("set_permissions", broker.role("one"), ".*", "", ".*")
    weir = start({"db": broker.connection()}, broker.webhooks())
    assert weir.post({"a": 1})[0] == 503
    assert "WEIR_EDENIED" in weir.log()
    broker.server.control("set_permissions", broker.role("one"), ".*", ".*", ".*")
    assert wait_until(lambda: weir.post({"a": 2})[0] == 200, 20)


def test_heartbeats_keep_an_idle_connection(start, broker):
    weir = start({"db": broker.connection(heartbeat=2, keepalive_interval=1)}, broker.webhooks())
    assert weir.post({"a": 0})[0] == 200
    time.sleep(9)
    assert weir.post({"a": 1})[0] == 200
    assert weir.connection()["versions"][0]["totals"]["opened"] == 1


@pytest.mark.parametrize("keys, works", [
    ({"ssl_verify": False}, True),
    ({"ssl_ca": "ca.pem", "host": "localhost"}, True),
    ({"ssl_ca": "ca.pem", "host": "127.0.0.1"}, False),
    ({"ssl_ca": "other.pem", "host": "localhost"}, False)])
def test_tls(start, broker, directory, keys, works):
    if "ssl_ca" in keys:
        keys = {**keys, "ssl_ca": str(directory / keys["ssl_ca"])}
    weir = start({"db": broker.connection(port=broker.server.tls_port, tls=True,
                                          acquisition_timeout=1, **keys)}, broker.webhooks())
    assert weir.post({"a": 0})[0] == (200 if works else 503), weir.log()
    if not works:
        assert "WEIR_ETLS" in weir.log()
