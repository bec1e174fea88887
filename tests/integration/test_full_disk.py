# SPDX-License-Identifier: MIT
"""PostgreSQL on a full disk: nothing is acknowledged that is not there, and it recovers."""
import pathlib
import shutil
import subprocess
import tempfile

import pytest

from conftest import Database
from pgserver import Postgres, wait_until

SOURCE = pathlib.Path(__file__).parent / "enospc.c"


@pytest.fixture
def disk():
    """A server whose data files cannot grow while the flag exists."""
    directory = pathlib.Path(tempfile.mkdtemp(prefix="weir-full-", dir="/tmp"))
    directory.chmod(0o755)
    subprocess.run(["gcc", "-D_GNU_SOURCE", "-shared", "-fPIC", "-O1", "-o",
                    str(directory / "enospc.so"), str(SOURCE), "-ldl"], check=True)
    flag = directory / "full"
    server = Postgres(environment={"LD_PRELOAD": str(directory / "enospc.so"),
                                   "ENOSPC_FLAG": str(flag)})
    yield Database(server), flag
    server.remove()
    shutil.rmtree(directory)


def test_a_full_disk_acknowledges_nothing_and_recovers(start, disk):
    database, flag = disk
    weir = start({"db": database.connection()}, None, {"request_timeout": 2})
    assert weir.post({"a": 0})[0] == 200
    flag.touch()
    codes = []
    while 503 not in codes and len(codes) < 200:
        codes.append(weir.post({"s": "x" * 1500})[0])
    assert codes[-1] == 503, "the disk was never full"
    assert len(database.ids()) == 1 + codes.count(200)
    code, _, body = weir.request("GET", "/readyz")
    assert code == 503 and b'"db"' in body, body
    status = weir.status()
    assert status["status"] == "degraded"
    assert status["connections"]["db"]["queue"]["last_error"]["code"] == "WEIR_ERESOURCE"
    assert "WEIR_ERESOURCE" in weir.log() and "53100" in weir.log()
    flag.unlink()
    wait_until(lambda: weir.post({"a": 1})[0] == 200, 20)
    assert weir.request("GET", "/readyz")[0] == 200
    assert weir.connection()["queue"]["last_error"] is None
