# SPDX-License-Identifier: MIT
"""TLS at the door: what it takes, what it refuses, and a certificate that changes under load."""
import base64
import hashlib
import hmac
import http.client
import json
import re
import shutil
import socket
import ssl
import threading
import time

import pytest

import certificates
from gateway import raw
from pgserver import wait_until

HEAD = b"POST /webhook/example HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
GOOD = HEAD + b"Content-Length: 2\r\n\r\n{}"


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    directory = tmp_path_factory.mktemp("tls")
    certificates.make(directory)
    return directory


@pytest.fixture
def secure(start, tmp_path, files):
    """A daemon that speaks TLS with a copy of the certificate, which a test may replace."""
    def make(server=None, **entry):
        for name in ("server.pem", "server.key"):
            shutil.copy(files / name, tmp_path / name)
        return start({"file": {"type": "sqlite", "path": str(tmp_path / "weir.db")}},
                     {"webhooks": [{"path": "/webhook/example", **entry,
                                    "modules": [{"type": "sqlite", "connection": "file"}]}]},
                     {"tls": {"certificate": str(tmp_path / "server.pem"),
                              "key": str(tmp_path / "server.key")},
                      "admin_listen": "127.0.0.1:0", **(server or {})}, start=False)
    return make


def begin(weir):
    """`request` and the like are for the admin side, which is in the clear; `port` is the door."""
    weir.start()
    ports = weir._listening()  # pylint: disable=protected-access
    weir.port, weir.door = int(ports[0]), int(ports[-1])
    return weir


def trusting(files, **versions):
    context = ssl.create_default_context(cafile=str(files / "ca.pem"))
    for name, version in versions.items():
        setattr(context, name, version)
    return context


def connect(weir, context, before=b""):
    sock = socket.create_connection(("127.0.0.1", weir.door), timeout=10)
    if before:
        sock.sendall(before)
    return context.wrap_socket(sock, server_hostname="localhost")


def unread(sock):
    """Bytes of ours that the other side has not read yet, in its socket or on the way."""
    ours, theirs = (f"{host_of(*end)}" for end in (sock.getsockname(), sock.getpeername()))
    with open("/proc/net/tcp", encoding="ascii") as table:
        for line in table:
            fields = line.split()
            if fields[1:3] == [theirs, ours]:
                return int(fields[4].split(":")[1], 16)
    return None


def host_of(host, port):
    return f"{int.from_bytes(socket.inet_aton(host), 'little'):08X}:{port:04X}"


def answer_of(sock):
    """One answer: its code and its body."""
    response = http.client.HTTPResponse(sock)
    response.begin()
    return response.status, response.read()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of Python, for the old ones
def test_versions(secure, files):
    weir = begin(secure())
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context = trusting(files, minimum_version=version, maximum_version=version)
        with connect(weir, context) as sock:
            sock.sendall(GOOD)
            assert answer_of(sock)[0] == 200
            assert sock.version() == version.name.replace("_", ".")
            assert sock.cipher()[0].startswith(("TLS_", "ECDHE-"))
    old = trusting(files)
    old.set_ciphers("ALL:@SECLEVEL=0")
    old.minimum_version = ssl.TLSVersion.TLSv1
    old.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises(ssl.SSLError):
        connect(weir, old)
    weak = trusting(files, maximum_version=ssl.TLSVersion.TLSv1_2)
    weak.set_ciphers("AES128-SHA256")
    with pytest.raises(ssl.SSLError):
        connect(weir, weak)
    wait_until(lambda: "code=malformed" in weir.log())
    assert 'detail="unsupported protocol"' in weir.log()


def test_the_oldest_version_can_be_raised(secure, files, tmp_path):
    weir = secure()
    weir.server["tls"]["min_version"] = "1.3"
    weir.write()
    begin(weir)
    with pytest.raises(ssl.SSLError):
        connect(weir, trusting(files, maximum_version=ssl.TLSVersion.TLSv1_2))
    with connect(weir, trusting(files)) as sock:
        sock.sendall(GOOD)
        assert answer_of(sock)[0] == 200


def test_keep_alive_pipelining_and_large_bodies(secure, files):
    weir = begin(secure())
    context = trusting(files)
    context.set_alpn_protocols(["h2", "http/1.1"])
    with connect(weir, context) as sock:
        assert sock.selected_alpn_protocol() == "http/1.1"
        for _ in range(3):
            sock.sendall(GOOD)
            assert answer_of(sock)[0] == 200
        sock.sendall(GOOD * 20)  # in one record, which the socket tells of only once
        got = b""
        while got.count(b'"status":"stored"') < 20:
            piece = sock.recv(65536)
            assert piece, got
            got += piece
        body = b'"' + b"x" * 900000 + b'"'
        sock.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        assert answer_of(sock)[0] == 200
        sock.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
                     + b"2\r\n{}\r\n0\r\n\r\n" + GOOD)
        assert answer_of(sock)[0] == 200
        assert answer_of(sock)[0] == 200
        sock.sendall(HEAD + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        assert sock.recv(100).startswith(b"HTTP/1.1 100 ")
        sock.sendall(b"{}")
        assert answer_of(sock)[0] == 200
        sock.sendall(HEAD + b"Content-Length: 99999999\r\n\r\n")
        assert answer_of(sock)[0] == 413
        assert sock.recv(100) == b"", "close_notify, so that the answer is known to be whole"


def count_answers(weir):
    """How many requests were answered, once there are no more of them (but for those asking)."""
    def count():
        text = weir.request("GET", "/metrics")[2].decode()
        return int(re.search(r"^weir_http_requests_total (\d+)$", text, re.M)[1])

    def rest():
        before = count()
        time.sleep(0.2)
        return before if count() == before + 1 else None
    return wait_until(rest, 20)


def test_large_answers_to_slow_readers(secure, files):
    weir = begin(secure())
    with connect(weir, trusting(files)) as sock:
        sock.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" * 2000)
        answered = count_answers(weir)  # the socket is full, and writing has to wait
        assert answered < 2000
        ends, last = 0, b""
        while ends < 2000:
            piece = sock.recv(65536)
            assert piece, ends
            last = last[-8192:] + piece
            ends += last.count(b"\r\n\r\n# HELP") - last[:-len(piece)].count(b"\r\n\r\n# HELP")
    assert b"weir_tls_certificate_expires_seconds 1" in last


def test_what_is_not_tls(secure, files):
    weir = begin(secure({"limits": {"head_timeout": 1}}))
    assert raw(weir.door, GOOD).startswith(b"HTTP/1.1 400 "), "who forgets the s is told so"
    assert b"HTTP/1.1" not in raw(weir.door, b"\x16\x03\x01\x00\x05hello")
    for begun in (b"", b"\x16", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"):
        at = time.monotonic()
        raw(weir.door, begun, wait=8)
        assert time.monotonic() - at < 5, "a handshake has until head_timeout"
    with connect(weir, trusting(files)) as sock:
        sock.sendall(GOOD)
        assert answer_of(sock)[0] == 200
    wait_until(lambda: 'detail="HTTP without TLS"' in weir.log()
               or weir.log().count("code=malformed") > 0)


def test_a_body_that_is_cut_off_is_not_stored(secure, files, tmp_path):
    weir = begin(secure())
    sock = connect(weir, trusting(files))
    sock.sendall(HEAD + b"Content-Length: 10\r\n\r\n[1,2]")
    sock.unwrap().close()  # close_notify and all
    sock = connect(weir, trusting(files))
    sock.sendall(HEAD + b"Content-Length: 10\r\n\r\n[1,2]")
    sock.close()
    wait_until(lambda: "\nweir_client_connections 1\n"
               in weir.request("GET", "/metrics")[2].decode())
    assert not (tmp_path / "weir.db").exists()


def test_a_proxy_header_comes_before_tls(secure, files):
    weir = begin(secure({"trusted_proxies": ["127.0.0.1"], "proxy_protocol": True},
                        auth=[{"type": "ip", "allow": ["203.0.113.9"]}]))
    context = trusting(files)
    for client, code in ((b"203.0.113.9", 200), (b"203.0.113.8", 403)):
        with connect(weir, context, b"PROXY TCP4 %s 10.0.0.1 1 2\r\n" % client) as sock:
            sock.sendall(GOOD)
            assert answer_of(sock)[0] == code
    # In one piece with what follows it.
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
    with socket.create_connection(("127.0.0.1", weir.door), timeout=10) as sock:
        said = b"PROXY TCP4 203.0.113.9 10.0.0.1 1 2\r\n"
        for step in (tls.do_handshake, lambda: tls.write(GOOD), lambda: tls.read(1000)):
            while True:
                try:
                    got = step()
                    break
                except ssl.SSLWantReadError:
                    sock.sendall(said + outgoing.read())
                    said = b""
                    incoming.write(sock.recv(65536))
        assert got.startswith(b"HTTP/1.1 200 ")


class ByHand:
    """TLS whose records go into the socket by hand."""

    def __init__(self, weir, context):
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname="localhost")
        self.sock = socket.create_connection(("127.0.0.1", weir.door), timeout=10)
        self.until(self.tls.do_handshake)
        self.sock.sendall(self.outgoing.read())

    def until(self, step):
        while True:
            try:
                return step()
            except ssl.SSLWantReadError:
                self.sock.sendall(self.outgoing.read())
                piece = self.sock.recv(65536)
                assert piece, "cut off"
                self.incoming.write(piece)

    def record(self, data):
        self.tls.write(data)
        return self.outgoing.read()

    def answer(self):
        return self.until(lambda: self.tls.read(65536))


def test_half_a_record_is_a_request_that_has_begun(secure, files):
    """It was taken for nothing, since nothing could be read of it yet: closed first when room was
    needed, and left alone until idle_timeout."""
    weir = begin(secure({"limits": {"connections": 2, "head_timeout": 3}}))
    context = trusting(files)
    half = ByHand(weir, context)
    record = half.record(GOOD)
    half.sock.sendall(record)
    assert half.answer().startswith(b"HTTP/1.1 200 ")
    record = half.record(GOOD)
    half.sock.sendall(record[:50])
    wait_until(lambda: unread(half.sock) == 0)
    with connect(weir, context) as idle, connect(weir, context) as other:
        other.sendall(GOOD)
        assert answer_of(other)[0] == 200
        half.sock.sendall(record[50:])
        assert half.answer().startswith(b"HTTP/1.1 200 ")
        assert idle.recv(1) == b"", "the one that was idle made room"
    begun = time.monotonic()
    half.sock.sendall(half.record(GOOD)[:50])
    assert half.answer().startswith(b"HTTP/1.1 408 ")
    assert time.monotonic() - begun < 10
    wait_until(lambda: "detail=limits.head_timeout" in weir.log())


def test_signatures_are_of_the_bytes_inside(secure, files):
    weir = begin(secure({"public_url": "https://hooks.example.com"}, auth=[
        {"type": "signature", "preset": "square", "secret": "key"}]))
    url = "https://hooks.example.com/webhook/example"
    signature = base64.b64encode(hmac.new(b"key", (url + "{}").encode(),
                                          hashlib.sha256).digest())
    with connect(weir, trusting(files)) as sock:
        sock.sendall(HEAD + b"X-Square-HmacSha256-Signature: " + signature
                     + b"\r\nContent-Length: 2\r\n\r\n{}")
        assert answer_of(sock)[0] == 200


class Storm:
    """Clients that connect for each webhook, and write down whose certificate they saw."""

    def __init__(self, weir, context, clients=4):
        self.weir, self.context = weir, context
        self.stored, self.failed, self.serials = 0, [], set()
        self.lock, self.stopping = threading.Lock(), False
        self.threads = [threading.Thread(target=self.run, daemon=True) for _ in range(clients)]
        for thread in self.threads:
            thread.start()

    def run(self):
        while not self.stopping:
            try:
                with connect(self.weir, self.context) as sock:
                    serial = sock.getpeercert()["serialNumber"]
                    for _ in range(5):
                        sock.sendall(GOOD)
                        assert answer_of(sock)[0] == 200
                with self.lock:
                    self.stored += 5
                    self.serials.add(serial)
            except Exception as error:  # pylint: disable=broad-except
                with self.lock:
                    self.failed.append(repr(error))

    def stop(self):
        self.stopping = True
        for thread in self.threads:
            thread.join(30)


def test_a_new_certificate_under_load(secure, files, tmp_path):
    weir = begin(secure())
    context = trusting(files)
    kept = connect(weir, context)
    shown = [kept.getpeercert()["serialNumber"]]
    storm = Storm(weir, context)
    for number in range(5):
        (tmp_path / f"new{number}").mkdir()
        for name in ("ca.pem", "ca.key", "names", "server.csr"):
            shutil.copy(files / name, tmp_path / f"new{number}" / name)
        certificates.openssl(tmp_path / f"new{number}", "x509", "-req", "-in", "server.csr", "-CA",
                             "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "3",
                             "-out", "server.pem", "-extfile", "names")
        shutil.copy(tmp_path / f"new{number}" / "server.pem", tmp_path / "server.pem")
        assert weir.reload()[0] == 200
        with connect(weir, context) as sock:
            serial = sock.getpeercert()["serialNumber"]
        assert serial not in shown, "whoever comes after the reload sees the new one"
        shown.append(serial)
        wait_until(lambda: serial in storm.serials or storm.failed, 20)  # noqa: B023
    storm.stop()
    assert storm.failed == [] and storm.stored > 0 and set(shown) - storm.serials <= {shown[0]}
    kept.sendall(GOOD)  # what was open goes on with what it had
    assert answer_of(kept)[0] == 200
    kept.close()


WRONG = {
    "nothing": (b"", None, "/tls/certificate"),
    "no PEM": (b"hello", None, "/tls/certificate"),
    "another key": (None, "other.key", "/tls/key"),
    "no key": (None, "server.pem", "/tls/key"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_a_bad_certificate_changes_nothing(secure, files, tmp_path, kind):
    text, key, pointer = WRONG[kind]
    weir = begin(secure())
    if text is not None:
        (tmp_path / "server.pem").write_bytes(text)
    else:
        shutil.copy(files / key, tmp_path / "server.key")
    code, body = weir.reload()
    assert code == 422 and body["errors"][0]["pointer"] == pointer, body
    with connect(weir, trusting(files)) as sock:
        sock.sendall(GOOD)
        assert answer_of(sock)[0] == 200


def test_what_check_says(secure, files, tmp_path):
    weir = secure()
    assert weir.command("check", "--config", str(weir.config)).returncode == 0
    good = dict(weir.server["tls"])
    for change, said in (({"certificate": str(tmp_path / "none.pem")}, "/tls/certificate"),
                         ({"key": "relative.key"}, "absolute path"),
                         ({"min_version": "1.1"}, "1.2"), ({"cert": "x"}, "/tls/cert")):
        weir.server["tls"] = {**good, **change}
        weir.write()
        done = weir.command("check", "--config", str(weir.config))
        assert done.returncode == 3 and said in done.stderr, done.stderr
    certificates.openssl(tmp_path, "rsa", "-in", "server.key", "-aes128", "-passout", "pass:x",
                         "-out", "locked.key")
    weir.server["tls"] = {**good, "key": str(tmp_path / "locked.key")}
    weir.write()
    done = weir.command("check", "--config", str(weir.config))
    assert done.returncode == 3 and "without a password" in done.stderr


def test_the_commands_need_a_listener_in_the_clear(secure):
    weir = begin(secure())
    weir.server.update(admin_listen=f"127.0.0.1:{weir.port}", listen=f"127.0.0.1:{weir.door}")
    weir.write()
    assert weir.command("status", "--config", str(weir.config)).returncode == 0
    (weir.config / "server.json").write_text(json.dumps(
        {key: value for key, value in weir.server.items() if key != "admin_listen"}))
    done = weir.command("status", "--config", str(weir.config))
    assert done.returncode != 0 and "admin_listen" in done.stderr


def test_a_full_house_turns_away_without_a_word(secure, files):
    weir = begin(secure({"limits": {"connections": 3}}))
    context = trusting(files)
    busy = [connect(weir, context) for _ in range(3)]
    for sock in busy:
        sock.sendall(GOOD[:9])
    wait_until(lambda: "\nweir_client_connections 4\n"
               in weir.request("GET", "/metrics")[2].decode())
    with pytest.raises((ssl.SSLError, OSError)):
        connect(weir, context)
    for sock in busy:
        sock.sendall(GOOD[9:])
        assert answer_of(sock)[0] == 200
    with connect(weir, context) as sock:  # the longest idle one made room
        sock.sendall(GOOD)
        assert answer_of(sock)[0] == 200
