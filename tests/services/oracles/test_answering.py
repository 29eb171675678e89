"""An oracle that is asked, at the desk: what it labels, what it passes on, and what a crash leaves."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from unittest.mock import patch

import pytest

from loadtest.inside.fate import Killed
from streamsel.adapters.clock import SystemClock
from streamsel.ports import Claim
from streamsel.records import Label, Lane, Query
from streamsel.review.lifecycle import State
from streamsel.review.refusals import LabelLogRefused, LabelLogUnreachable
from streamsel.services.oracles.answering import PASSED_ON
from tests.contracts.review_queue.stores import ANN, LEASE, query
from tests.core.review_records import answer, opinion
from tests.services.desk.desks import give, raising, running, until
from tests.services.oracles.bench import Bench, Scripted, at_work, released_hold


async def offered(bench: Bench, *numbers: int) -> None:
    """Queries of little use: the oracle's."""
    await bench.store.queue.offer([query(number, utility=0.1) for number in numbers])


async def in_peoples_queue(bench: Bench) -> list[str]:
    claims = await bench.store.queue.claim(ANN, (), 99)
    return sorted(claim.query.query_id for claim in claims)


@pytest.mark.parametrize("source", ["model", "rule"])
async def test_what_it_says_is_a_label_that_is_no_evidence(bench: Bench, source: str) -> None:
    """Of its own source and name, in no lane and without a propensity; the query is closed."""
    await offered(bench, 1)
    async with bench.oracle(Scripted(), source=source) as oracle:
        assert await oracle.work() == 1
    (label,) = bench.log.labels()
    assert (label.label_id, label.revision, label.label) == ("q0001", 1, "fraud")
    assert (label.source, label.labelled_by) == (source, "gpt")
    assert (label.lane, label.propensity) == ("none", 0.0)
    assert label.features == query(1).features
    assert (await bench.desk.view("q0001")).state == State.LABELLED
    assert bench.counted("label") == 1


async def test_it_is_not_asked_what_people_are_for(bench: Bench) -> None:
    """Neither queries of use, nor those drawn at random."""
    drawn_so = [query(2, lane="explore", utility=0.1), query(3, lane="holdout", utility=0.1)]
    await bench.store.queue.offer([query(1, utility=0.9), *drawn_so])
    scripted = Scripted()
    async with bench.oracle(scripted) as oracle:
        assert await oracle.work() == 0
    assert scripted.asked == []
    assert await in_peoples_queue(bench) == ["q0001", "q0002", "q0003"]


@pytest.mark.parametrize("lane", ["explore", "holdout"])
async def test_what_was_drawn_at_random_is_passed_on_by_whatever_way_it_came(
    bench: Bench, lane: Lane
) -> None:
    """From a desk that was configured otherwise, say: people alone answer it."""
    await offered(bench, 1)
    scripted = Scripted()
    async with bench.oracle(scripted) as oracle:
        claim = bench.store.queue.claim

        async def claimed_as_drawn(*args: Any) -> list[Claim]:
            return [replace(one, query=replace(one.query, lane=lane)) for one in await claim(*args)]

        with patch.object(bench.store.queue, "claim", claimed_as_drawn):
            assert await oracle.work() == 1
    assert scripted.asked == []
    assert await in_peoples_queue(bench) == ["q0001"]


async def test_what_it_cannot_answer_goes_to_people(bench: Bench) -> None:
    """And costs of the budget."""
    await offered(bench, 1, 2)
    async with bench.oracle(Scripted({"q0001": None}), an_hour=2) as oracle:
        assert await oracle.work() == 2
        assert await in_peoples_queue(bench) == ["q0001"]
        await offered(bench, 3)
        await oracle.work()
    assert await in_peoples_queue(bench) == ["q0003"]
    assert [label.query_id for label in bench.log.labels()] == ["q0002"]
    assert (bench.counted("no_answer"), bench.counted("passed_on")) == (1, 1)


async def test_a_check_is_an_opinion_and_people_cannot_tell(bench: Bench) -> None:
    """The query waits for them as one that it had no answer to, and their label is the label."""
    await offered(bench, 1, 2)
    async with bench.oracle(Scripted({"q0001": None}), check=1.0) as oracle:
        await oracle.work()
        views = [await bench.desk.view(query_id) for query_id in ("q0001", "q0002")]
        assert [(one.state, one.queue, one.reason, [*one.opinions], one.answer) for one in views] == [
            (State.WAITING, "default", PASSED_ON, [], None)
        ] * 2
        assert bench.log.labels() == []
        (told,) = bench.opinions
        assert (told.kind, told.label, told.labelled_by) == ("oracle", "fraud", "gpt")
        for claim in await bench.desk.claim(ANN, count=2):
            await give(bench.desk, claim, "fraud", key=claim.query.query_id)
        await oracle._follower.caught_up()
        standing = oracle._follower.accounts.standing("gpt")
    assert [label.source for label in bench.log.labels()] == ["reviewer"] * 2
    assert (standing.checks, standing.agreement) == (1, 1.0)
    agreement = bench.metrics.registry.get_sample_value("streamsel_oracle_agreement", {"oracle": "gpt"})
    assert agreement == 1.0


async def test_it_stops_at_its_cap(bench: Bench) -> None:
    """Of four events labelled, two may be its."""
    await bench.write(answer(query_id="a"), answer(query_id="b"))
    await offered(bench, 1, 2, 3)
    scripted = Scripted()
    async with bench.oracle(scripted, cap=0.5) as oracle:
        await oracle.work()
    assert len(scripted.asked) == 2
    assert len(await in_peoples_queue(bench)) == 1


async def test_cut_off_it_is_not_asked_any_more(bench: Bench) -> None:
    """All its queries go to people, and the metric says so."""
    for number in range(20):
        await bench.write(
            opinion("fraud", "gpt", query_id=f"c{number}", kind="oracle"),
            answer("fine", query_id=f"c{number}"),
        )
    await offered(bench, 1)
    scripted = Scripted()
    async with bench.oracle(scripted, floor=0.9) as oracle:
        await oracle.work()
    assert scripted.asked == []
    assert await in_peoples_queue(bench) == ["q0001"]
    assert bench.metrics.registry.get_sample_value("streamsel_oracle_cut_off", {"oracle": "gpt"}) == 1


async def test_budgets_hold_over_restarts(bench: Bench) -> None:
    """What the log has of the last hour and day counts."""
    lately = SystemClock().time() - 3_600.0
    await bench.write(replace(answer("fraud", "gpt", query_id="a", source="model"), labelled_at=lately))
    await offered(bench, 1)
    scripted = Scripted()
    async with bench.oracle(scripted, a_day=1) as oracle:
        await oracle.work()
    assert scripted.asked == []


async def test_one_process_works_for_an_oracle(bench: Bench) -> None:
    """Another goes on when it has died."""
    await offered(bench, 1)
    async with bench.oracle(Scripted()) as one, bench.oracle(Scripted()) as other:
        assert await one.work() == 1
        await offered(bench, 2)
        assert await other.work() == 0
        await released_hold(bench.store)
        assert await other.work() == 1


async def test_killed_after_its_label_it_is_counted_once(bench: Bench) -> None:
    """The desk settles the query from the log."""
    await offered(bench, 1)
    bench.log.after = raising(Killed())
    async with bench.oracle(Scripted()) as oracle:
        with pytest.raises(Killed):
            await oracle.work()
    await released_hold(bench.store)
    assert (await bench.desk.view("q0001")).state == State.RECORDING
    desk = bench.desk
    async with running(desk), bench.oracle(Scripted()) as another:

        async def settled() -> bool:
            return (await desk.view("q0001")).state == State.LABELLED

        await until(settled)
        assert await another.work() == 0
    assert len(bench.log.labels()) == 1


async def test_killed_before_its_label_it_answers_again(bench: Bench) -> None:
    """Once the lease has lapsed."""
    await offered(bench, 1)
    bench.log.before = raising(Killed())
    async with bench.oracle(Scripted({"q0001": "legitimate"})) as oracle:
        with pytest.raises(Killed):
            await oracle.work()
    await released_hold(bench.store)
    await bench.store.advance(LEASE + 1)
    await bench.store.queue.sweep(bench.store.now)
    async with bench.oracle(Scripted({"q0001": "legitimate"})) as another:
        assert await another.work() == 1
    assert [label.label for label in bench.log.labels()] == ["legitimate"]


async def test_killed_after_its_opinion_it_passes_on_without_asking_again(bench: Bench) -> None:
    """The answer is in the log, and paid for."""
    await offered(bench, 1)
    bench.log.after = raising(Killed())
    async with bench.oracle(Scripted(), check=1.0) as oracle:
        with pytest.raises(Killed):
            await oracle.work()
    await released_hold(bench.store)
    await bench.store.advance(LEASE + 1)
    scripted = Scripted()
    async with bench.oracle(scripted, check=1.0) as another:
        assert await another.work() == 1
    assert scripted.asked == []
    assert len(bench.opinions) == 1
    assert await in_peoples_queue(bench) == ["q0001"]


async def test_an_outage_of_the_log_loses_nothing(bench: Bench) -> None:
    """It is said, and the label is given when the log is back."""
    await offered(bench, 1)
    bench.log.before = raising(LabelLogUnreachable("away"))
    async with bench.oracle(Scripted()) as oracle:
        with pytest.raises(LabelLogUnreachable):
            await oracle.work()
        await bench.store.advance(LEASE + 1)
        await bench.store.queue.sweep(bench.store.now)
        assert await oracle.work() == 1
    assert len(bench.log.labels()) == 1


async def test_what_the_log_refuses_goes_to_people(bench: Bench) -> None:
    """They may be told why."""
    await offered(bench, 1)
    bench.log.before = raising(LabelLogRefused("too large"))
    async with bench.oracle(Scripted()) as oracle:
        assert await oracle.work() == 1
    assert await in_peoples_queue(bench) == ["q0001"]


async def test_an_answer_after_somebody_elses_is_dropped(bench: Bench) -> None:
    """What happened in the end came first, while the model was thinking."""
    await offered(bench, 1)

    class Slow(Scripted):
        async def answer(self, query: Query) -> str:
            record = replace(
                answer("legitimate", "outcomes", source="outcome"), label_id="q0001", query_id="q0001"
            )
            await bench.write(record)
            await bench.desk.replay()
            return await super().answer(query)

    async with bench.oracle(Slow()) as oracle:
        assert await oracle.work() == 1
    labels = [record for record in bench.records if isinstance(record, Label)]
    assert [label.label for label in labels] == ["legitimate"]
    assert bench.counted("superseded") == 1


async def test_a_process_that_ends_lets_another_go_on_at_once(bench: Bench) -> None:
    """Its hold ends with it; and it had waited for work."""
    async with bench.oracle(Scripted()) as one:
        async with at_work(one):
            await offered(bench, 1)
            await until(lambda: bool(bench.log.records))
        await offered(bench, 2)
        async with bench.oracle(Scripted()) as other:

            async def goes_on() -> bool:
                return await other.work() == 1

            await until(goes_on)


async def test_an_answer_in_vain_costs_as_well(bench: Bench) -> None:
    """Whether there was none, or somebody else was quicker."""
    await offered(bench, 1)

    class Slow(Scripted):
        async def answer(self, query: Query) -> str:
            await bench.store.queue.seize(query.query_id)
            return await super().answer(query)

    slow = Slow()
    async with bench.oracle(slow, an_hour=1) as oracle:
        await oracle.work()
        await oracle.work()
    assert slow.asked == ["q0001"]
    assert await in_peoples_queue(bench) == ["q0001"]
