# SPDX-License-Identifier: MIT
"""What the daemon says: one line an event, no secret, nothing of a backend's to a stranger."""
import json
import re

import pytest

from gateway import Load
from pgserver import wait_until
from stage import states


def trouble(weir, database):
    """Something of everything that is worth a line."""
    assert weir.post({"a": 0})[0] == 200
    database.run(f"GRANT ALL ON webhook_events TO {database.role('two')};"
                 "CREATE FUNCTION talk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                 " RAISE WARNING 'a trigger that talks'; RETURN NULL; END $$;"
                 "CREATE TRIGGER talk BEFORE INSERT ON webhook_events FOR EACH STATEMENT"
                 " EXECUTE FUNCTION talk()")
    weir.change({"db": database.connection(password="pass-wrong")})
    weir.write("{ this is no JSON")
    assert weir.reload()[0] == 422
    weir.write({"db": database.connection("two")})
    assert weir.reload()[0] == 200
    wait_until(lambda: weir.connection()["version"] >= 2)
    load = Load(weir, clients=8)
    wait_until(lambda: len(load.stored) > 50)
    database.run_admin("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = "
                       f"'{database.name}' AND application_name = 'weir'")
    before = len(load.stored)
    wait_until(lambda: len(load.stored) > before + 50)
    load.stop()
    weir.change({}, {"webhooks": []})
    assert weir.stop() == 0


EVENTS = {"listening", "ready", "pool-created", "version-staged", "probe-failed", "reloaded",
          "version-switched", "version-deprecated", "version-closed", "shutting-down", "stopped"}


def test_json_lines(start, database):
    """Every line is one object, whatever a server says meanwhile."""
    weir = start({"db": database.connection()}, None, {"log": {"format": "json"}})
    trouble(weir, database)
    lines = weir.log().splitlines()
    seen = set()
    for line in lines:
        try:
            event = json.loads(line)
        except ValueError:
            pytest.fail(f"not JSON: {line!r}")
        assert {"ts", "level", "event"} <= set(event), line
        seen.add(event["event"])
    assert EVENTS <= seen, EVENTS - seen


LOGFMT = re.compile(r'ts=\S+Z level=(debug|info|warning|error) event=[a-z-]+'
                    r'( [a-z_]+=("([^"\\]|\\.)*"|[^ "]*))*')


def test_logfmt_lines(start, database):
    """Nothing but events: a client library must not write to the log by itself."""
    weir = start({"db": database.connection()})
    trouble(weir, database)
    for line in weir.log().splitlines():
        assert LOGFMT.fullmatch(line), line
    seen = set(re.findall(r"event=([a-z-]+)", weir.log()))
    assert EVENTS <= seen, EVENTS - seen


def test_a_load_is_not_a_line_for_each_webhook(start, database):
    weir = start({"db": database.connection()})
    assert weir.post({"n": 0})[0] == 200
    before = len(weir.log().splitlines())
    load = Load(weir, clients=16, count=2000).join()
    assert len(load.stored) == 2000
    assert len(weir.log().splitlines()) - before < 5


def test_a_server_that_stays_down_is_not_a_flood(start, database):
    weir = start({"db": database.connection(port=1, acquisition_timeout=0.5)})
    load = Load(weir, clients=16)
    wait_until(lambda: len(load.failed) >= 60, 20)
    load.stop()
    assert len(weir.log().splitlines()) < 60, weir.log()[-3000:]


def test_nothing_of_the_backend_reaches_a_stranger(start, database):
    """Neither names nor words of the server are in an answer; the operator's log has them."""
    weir = start({"db": database.connection(database="no_such_database", acquisition_timeout=0.5)})
    status, answer = weir.post({"a": 1})
    assert status == 503
    assert "no_such_database" not in json.dumps(answer) and "FATAL" not in json.dumps(answer)
    assert "no_such_database" in weir.log()
    code, ready = weir.request("GET", "/readyz")[0::2]
    assert code == 503 and b"no_such_database" not in ready
    metrics = weir.request("GET", "/metrics")[2]
    assert b"no_such_database" not in metrics and b"pass-" not in metrics
    text = json.dumps(weir.status())
    assert "pass-" not in text and "FATAL" not in text
    assert states(weir) == ["active"]
