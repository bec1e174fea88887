# SPDX-License-Identifier: MIT
"""A row that is refused fails alone, however many share its commit."""
import pytest

from pgserver import wait_until
from stage import Call, check_exactly_once, dice, table_locked
from gateway import Load


def one_batch(start, database, bodies):
    """All bodies in one batch: they queue up behind a pool of one that waits for a lock."""
    weir = start({"db": database.connection(pool_min_size=0, pool_max_size=1)})
    assert weir.post({"first": True})[0] == 200
    with table_locked(database):
        first = Call(weir.post, {"second": True})
        wait_until(lambda: weir.connection()["queue"]["writing"] == 1)
        calls = [Call(weir.post, body) for body in bodies]
        wait_until(lambda: weir.connection()["queue"]["waiting"] == len(bodies))
        batches = weir.connection()["queue"]["batches"]
    assert first.result()[0] == 200
    answers = [call.result() for call in calls]
    assert weir.connection()["queue"]["batches"] == batches + 1, "they were not one batch"
    assert weir.connection()["totals"]["opened"] == 1, "a refused row cost the connection"
    return answers


REFUSALS = {
    "check": "ALTER TABLE webhook_events ADD CHECK (payload->>'kind' IS DISTINCT FROM 'bad')",
    "unique": "CREATE UNIQUE INDEX ON webhook_events ((payload->>'kind'))"
              " WHERE payload->>'kind' = 'bad'; INSERT INTO webhook_events VALUES"
              " ('00000000-0000-0000-0000-000000000000', 'x', now(), '{\"kind\":\"bad\"}', '{}')",
    "raised": "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
              " IF NEW.payload->>'kind' = 'bad' THEN RAISE 'not this one'; END IF;"
              " RETURN NEW; END $$; CREATE TRIGGER refuse BEFORE INSERT ON webhook_events"
              " FOR EACH ROW EXECUTE FUNCTION refuse()",
    "raised-with-a-code-of-its-own":
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " IF NEW.payload->>'kind' = 'bad' THEN RAISE 'not this one' USING ERRCODE = 'WE001';"
        " END IF; RETURN NEW; END $$; CREATE TRIGGER refuse BEFORE INSERT ON webhook_events"
        " FOR EACH ROW EXECUTE FUNCTION refuse()",
}


@pytest.mark.parametrize("kind", REFUSALS)
def test_a_refused_row_fails_alone_in_its_batch(start, database, kind):
    database.make_table()
    database.run(REFUSALS[kind])
    chance = dice()
    bad = set(chance.sample(range(40), 5))
    answers = one_batch(start, database, [{"number": number, "kind": "bad"} if number in bad
                                          else {"number": number} for number in range(40)])
    for number, (status, answer) in enumerate(answers):
        if number in bad:
            assert (status, answer["type"]) == (422, "urn:weir:error:rejected")
            assert "not this one" not in str(answer), "a backend's text reached a stranger"
        else:
            assert (status, answer["status"]) == (200, "stored")
    rows = database.run("SELECT (payload->>'number')::int FROM webhook_events"
                        " WHERE payload ? 'number'")
    assert sorted(row[0] for row in rows) == sorted(set(range(40)) - bad)


def test_a_whole_batch_that_is_refused(start, database):
    database.make_table()
    database.run(REFUSALS["check"])
    answers = one_batch(start, database, [{"kind": "bad"}] * 20)
    assert {status for status, _ in answers} == {422}
    assert len(database.ids()) == 2


def test_refused_rows_among_a_steady_load(start, database):
    """What is refused all the time slows the others, and does not fail them."""
    database.make_table()
    database.run("ALTER TABLE webhook_events ADD CHECK ((payload->>'n')::int % 17 <> 0)")
    weir = start({"db": database.connection()})
    load = Load(weir, clients=32, count=2000).join()
    assert load.broken == []
    assert {status for status, _ in load.failed} == {422}
    assert len(load.failed) == 2000 // 17
    assert len(load.stored) == 2000 - 2000 // 17
    check_exactly_once(database, load)


def test_a_row_as_large_as_allowed_beside_small_ones(start, database):
    weir = start({"db": database.connection()}, None, {"limits": {"body": 4 << 20}})
    calls = [Call(weir.post, {"text": "x" * size}) for size in (1, 4_000_000, 10, 3_000_000, 100)]
    assert {call.result()[0] for call in calls} == {200}
    sizes = database.run("SELECT length(payload->>'text') FROM webhook_events")
    assert sorted(row[0] for row in sizes) == [1, 10, 100, 3_000_000, 4_000_000]


# A trigger in another language, a subquery with two rows, an object in the wrong state.
@pytest.mark.parametrize("code", ["38000", "21000", "55000"])
def test_a_row_that_never_succeeds_does_not_hold_up_the_others(start, database, code):
    database.make_table()
    database.run(REFUSALS["raised-with-a-code-of-its-own"].replace("WE001", code))
    weir = start({"db": database.connection()}, None, {"request_timeout": 3})
    load = Load(weir, clients=8)
    wait_until(lambda: len(load.stored) > 200)
    bad = Call(weir.post, {"kind": "bad"})
    status, answer = bad.result()
    load.stop()
    assert status in (422, 503) and "not this one" not in str(answer)
    assert load.broken == [] and load.failed == [], \
        f"{len(load.failed)} innocent webhooks failed: {load.failed[:2]}"
    check_exactly_once(database, load)
