# SPDX-License-Identifier: MIT
"""Bad input of every kind gets its code; the process lives and does not grow."""
import contextlib
import json
import socket
import sqlite3
import time

import pytest

from gateway import TOKEN, raw
from pgserver import wait_until
from stage import dice


@pytest.fixture
def strict(start, tmp_path):
    webhooks = {"webhooks": [{"path": "/webhook/example",
                              "modules": [{"type": "sqlite", "connection": "file"}]}]}
    return lambda **more: start(
        {"file": {"type": "sqlite", "path": str(tmp_path / "weir.db")}}, webhooks,
        {"limits": {"body": 10000, "head": 4096, "headers": 20, "json_depth": 8,
                    "connections": 50, **more}})


@pytest.fixture
def weir(strict):
    return strict()


def head(*lines, method="POST", path="/webhook/example"):
    return "\r\n".join([f"{method} {path} HTTP/1.1", *lines, "", ""]).encode("latin1")


JSON = "Content-Type: application/json"


def code_of(answer):
    assert answer.startswith(b"HTTP/1.1 "), answer[:100]
    return int(answer[9:12])


def problem_of(answer):
    text = answer.split(b"\r\n\r\n", 1)[1]
    problem = json.loads(text)
    assert b"application/problem+json" in answer
    assert problem["status"] == code_of(answer) and problem["title"]
    return problem["type"].removeprefix("urn:weir:error:")


MALFORMED = {
    "bare-lf": b"POST /webhook/example HTTP/1.1\nHost: x\n\n",
    "space-before-colon": head("Host: x", "Content-Length : 2") + b"{}",
    "folded-header": head("Host: x", "X-A: b\r\n c", "Content-Length: 2") + b"{}",
    "no-host": head("Content-Length: 2") + b"{}",
    "two-hosts": head("Host: x", "Host: y", "Content-Length: 2") + b"{}",
    "two-lengths": head("Host: x", "Content-Length: 2", "Content-Length: 3") + b"{}",
    "signed-length": head("Host: x", "Content-Length: +2") + b"{}",
    "length-and-chunked": head("Host: x", "Content-Length: 2", "Transfer-Encoding: chunked") +
    b"2\r\n{}\r\n0\r\n\r\n",
    "unknown-coding": head("Host: x", "Transfer-Encoding: gzip, chunked"),
    "bad-chunk": head("Host: x", JSON, "Transfer-Encoding: chunked") + b"zz\r\n{}\r\n",
    "control-in-header": head("Host: x", "X-A: b\x01", "Content-Length: 2") + b"{}",
    "bad-name": head("Host: x", "X A: b", "Content-Length: 2") + b"{}",
    "http-2.0": b"POST /webhook/example HTTP/2.0\r\nHost: x\r\n\r\n",
    "garbage": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
}


@pytest.mark.parametrize("kind", MALFORMED)
def test_a_malformed_head_is_400(weir, kind):
    answer = raw(weir.port, MALFORMED[kind])
    assert code_of(answer) == 400 and problem_of(answer) == "malformed"
    assert weir.post({})[0] == 200


BODIES = ["", " ", "{", "{}x", "{'a':1}", '{"a":1,}', "nul", '"\\ud800"', '{"a":"\xff"}', "\ufeff{}",
          "[" * 9 + "]" * 9, "01", '{"a":\x00}']


@pytest.mark.parametrize("body", BODIES)
def test_a_malformed_body_is_400(weir, body):
    data = body.encode("latin1" if "\xff" in body else "utf8")
    status, answer = weir.post(data)
    assert (status, answer["type"]) == (400, "urn:weir:error:malformed")


def test_any_json_value_is_taken(weir):
    for body in ("{}", "[]", "1", '"x"', "null", " true ", "[" * 8 + "]" * 8):
        assert weir.post(body)[0] == 200


def test_unknown_path_method_and_media_type(weir):
    assert weir.post({}, "/webhook/nothing")[0] == 404
    status, headers, body = weir.request("GET", "/webhook/example")
    assert status == 405 and headers["Allow"] == "POST"
    assert json.loads(body)["type"] == "urn:weir:error:method"
    assert weir.post({}, content_type="text/plain")[0] == 415
    assert weir.post({}, content_type="application/json; charset=latin1")[0] == 415
    assert weir.post({}, content_type="application/json; charset=utf-8")[0] == 200
    answer = raw(weir.port, head("Host: x", "Content-Length: 2", "Connection: close") + b"{}")
    assert code_of(answer) == 200, "no Content-Type counts as JSON"
    twice = head("Host: x", JSON, "Content-Type: text/plain", "Content-Length: 2") + b"{}"
    assert code_of(raw(weir.port, twice)) == 415
    answer = raw(weir.port, head("Host: x", JSON, "Content-Length: 2", method="FOO") + b"{}")
    assert code_of(answer) == 501 and b"unknown-method" in answer


def test_the_order_of_checks(weir):
    big = "Content-Length: 99999999"
    assert code_of(raw(weir.port, head("Host: x", big, path="/nothing"))) == 404
    assert code_of(raw(weir.port, head("Host: x", big, method="PUT"))) == 405
    assert code_of(raw(weir.port, head("Host: x", big, "Content-Type: text/plain"))) == 413


def test_too_large_is_refused_before_it_is_read(weir):
    begun = time.monotonic()
    answer = raw(weir.port, head("Host: x", JSON, "Content-Length: 10001"))
    assert code_of(answer) == 413 and problem_of(answer) == "too-large"
    assert time.monotonic() - begun < 4
    chunk = b"1000\r\n" + b"1" * 4096 + b"\r\n"
    answer = raw(weir.port, head("Host: x", JSON, "Transfer-Encoding: chunked") + chunk * 4)
    assert code_of(answer) == 413
    assert weir.post('"' + "x" * 9998 + '"')[0] == 200


def test_a_chunked_body_is_stored(weir):
    data = head("Host: x", JSON, "Transfer-Encoding: chunked", "Connection: close") + \
        b"2\r\n{\"\r\n5;ext=1\r\na\":1}\r\n0\r\nTrailer: x\r\n\r\n"
    assert code_of(raw(weir.port, data)) == 200


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_is_stored_as_it_came_in_whatever_pieces(strict, tmp_path, chunked):
    """Its buffer grows while it comes, in steps that a size may just reach, miss or pass."""
    weir = strict(body=200000)
    random = dice()
    for size in (1, 2, 4096, 16383, 16384, 16385, 32768, 32769, 65537, 199998):
        text = "".join(random.choices("abcdefgh", k=size))
        body = f'"{text}"'.encode()
        if chunked:
            lines = head("Host: x", JSON, "Transfer-Encoding: chunked", "Connection: close")
            body = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece)
                            for piece in pieces(random, body)) + b"0\r\n\r\n"
        else:
            lines = head("Host: x", JSON, f"Content-Length: {len(body)}", "Connection: close")
        with socket.create_connection(("127.0.0.1", weir.port), timeout=10) as sock:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for piece in pieces(random, lines + body):
                sock.sendall(piece)
            answer = sock.recv(1000)
        assert code_of(answer) == 200, size
        stored = json.loads(answer.split(b"\r\n\r\n")[1])["id"]
        with contextlib.closing(sqlite3.connect(tmp_path / "weir.db")) as file:
            (payload,) = file.execute("SELECT payload FROM webhook_events WHERE id = ?",
                                      (stored,)).fetchone()
        assert json.loads(payload) == text, size


def pieces(random, data):
    """Some ten of them, of very different sizes."""
    cuts = sorted(random.randrange(len(data) + 1) for _ in range(10))
    ends = zip([0, *cuts], [*cuts, len(data)])
    return [data[begin:end] for begin, end in ends if begin < end]


def test_the_largest_heads_there_may_be(start, tmp_path):
    webhooks = {"webhooks": [{"path": "/webhook/example",
                              "modules": [{"type": "sqlite", "connection": "file"}]}]}
    weir = start({"file": {"type": "sqlite", "path": str(tmp_path / "weir.db")}}, webhooks,
                 {"limits": {"head": 1 << 20}})
    for size, code in ((900_000, 200), ((1 << 20) - 200, 200), (1 << 20, 431)):
        answer = raw(weir.port, head("Host: x", JSON, "Content-Length: 2", "Connection: close",
                                     "X-Long: " + "x" * size) + b"{}")
        assert code_of(answer) == code


def test_large_heads_are_431(weir):
    answer = raw(weir.port, head("Host: x", "X-A: " + "y" * 5000))
    assert code_of(answer) == 431 and problem_of(answer) == "headers-too-large"
    many = [f"X-{n}: y" for n in range(30)]
    assert code_of(raw(weir.port, head("Host: x", *many))) == 431


def test_slow_senders_are_cut_off(strict):
    weir = strict(head_timeout=0.5, body_timeout=1)
    for data in (b"POST /webhook", head("Host: x", JSON, "Content-Length: 10") + b"{"):
        begun = time.monotonic()
        answer = raw(weir.port, data, wait=8)
        assert code_of(answer) == 408 and problem_of(answer) == "slow-client"
        assert 0.4 < time.monotonic() - begun < 5
    with socket.create_connection(("127.0.0.1", weir.port)) as sock:
        sock.settimeout(5)
        for byte in head("Host: x", "X-A: " + "y" * 200):
            try:  # a byte now and then does not buy time: the deadline is absolute
                sock.send(bytes([byte]))
            except OSError:
                break
            time.sleep(0.05)
            if len(sock.recv(1, socket.MSG_DONTWAIT | socket.MSG_PEEK)
                   if _readable(sock) else b"") > 0:
                break
        assert code_of(sock.recv(65536)) == 408


def _readable(sock):
    import select
    return bool(select.select([sock], [], [], 0)[0])


def test_expect_continue(weir):
    with socket.create_connection(("127.0.0.1", weir.port), timeout=5) as sock:
        sock.sendall(head("Host: x", JSON, "Content-Length: 2", "Expect: 100-continue"))
        assert sock.recv(100).startswith(b"HTTP/1.1 100 Continue\r\n\r\n")
        sock.sendall(b"{}")
        assert code_of(sock.recv(1000)) == 200


def test_pipelined_requests_are_answered_in_order(weir):
    one = head("Host: x", JSON, "Content-Length: 2") + b"{}"
    last = head("Host: x", JSON, "Content-Length: 2", "Connection: close") + b"{}"
    answer = raw(weir.port, one * 9 + last)
    assert answer.count(b"HTTP/1.1 200 OK") == 10


def test_half_closed_senders_get_their_answer(weir):
    data = head("Host: x", JSON, "Content-Length: 2") + b"{}"
    assert code_of(raw(weir.port, data, half_close=True)) == 200


def test_too_many_connections_leave_the_old_ones_alone(weir):
    request = head("Host: x", JSON, "Content-Length: 2") + b"{}"
    socks = []
    for _ in range(60):
        socks.append(socket.create_connection(("127.0.0.1", weir.port)))
        socks[-1].sendall(request[:9])  # whoever has begun one is not idle
    wait_until(lambda: socks[-1].recv(1000, socket.MSG_PEEK), 5)
    assert b" 503 " in socks[-1].recv(1000)
    socks[0].sendall(request[9:])
    assert code_of(socks[0].recv(1000)) == 200
    for sock in socks:
        sock.close()


def test_the_admin_api_wants_its_token(weir):
    assert weir.request("GET", "/admin/status")[0] == 401
    status, headers, _ = weir.request("POST", "/admin/reload", "{}",
                                      {"Authorization": "Bearer " + TOKEN[:-1]})
    assert status == 401 and headers["WWW-Authenticate"].startswith("Bearer")
    assert weir.request("GET", "/admin/status",
                        headers={"Authorization": "Bearer " + TOKEN})[0] == 200


def test_without_a_token_the_admin_api_is_disabled(start, tmp_path):
    daemon = start({}, {"webhooks": []}, {"admin_token": "x"}, start=False)
    del daemon.server["admin_token"]
    daemon.write(server=daemon.server)
    daemon.environment.pop("WEIR_ADMIN_TOKEN", None)
    daemon.start()
    status, _, body = daemon.request("GET", "/admin/status")
    assert (status, json.loads(body)["type"]) == (403, "urn:weir:error:admin-disabled")


def test_memory_does_not_grow_with_refused_bodies(weir):
    wrong = b'{"a":' + b"1" * 9000
    for _ in range(50):
        weir.post(wrong)
    before = weir.rss()
    for _ in range(600):
        assert weir.post(wrong)[0] == 400
    for _ in range(100):
        raw(weir.port, head("Host: x", JSON, "Content-Length: 50000000") + b"x" * 500000, wait=3)
    assert weir.rss() - before < 4 << 20
    metrics = weir.request("GET", "/metrics")[2].decode()
    assert "\nweir_body_bytes 0\n" in metrics
