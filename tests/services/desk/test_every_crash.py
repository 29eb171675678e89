"""A desk killed before each of its effects, one after the other: what another desk then makes of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from loadtest.inside.fate import Fate, Killed
from streamsel.ports import Claim
from streamsel.records import Label, Retraction
from streamsel.review.lifecycle import State
from streamsel.review.reviewers import Reviewer
from streamsel.services.desk import Desk
from tests.contracts.review_queue.stores import ANN, BOB, Store, query
from tests.services.desk.desks import LabelLogDouble, give, running, until
from tests.services.desk.mortal import mortal_desk
from tests.services.desk.panels import (
    CYD,
    FLOOR,
    gold_queries,
    opinions,
    overlapping,
    panel_desk,
    records,
)


@dataclass(frozen=True)
class Place:
    """A desk where reviewers sit."""

    desk: Desk
    fate: Fate

    async def reached(self, condition: Callable[[Desk], Awaitable[bool]]) -> None:
        """The condition holds, or the desk that should see to it is dead."""

        async def held() -> bool:
            return self.fate.dead or await condition(self.desk)

        await until(held)
        if self.fate.dead:
            raise Killed


Shift = Callable[[Place], Awaitable[None]]
"""What reviewers do at a desk. Begun anew at another desk it goes on, as reviewers do: they repeat what was
not acknowledged, by the same keys."""


class Reviewers:
    """They remember what they hold."""

    def __init__(self) -> None:
        self.claims: dict[str, Claim] = {}

    async def answer(self, desk: Desk, reviewer: Reviewer, label: str) -> None:
        if reviewer.name not in self.claims:
            (self.claims[reviewer.name],) = await desk.claim(reviewer)
        await give(desk, self.claims[reviewer.name], label, by=reviewer.name, key=reviewer.name)


async def survive(store: Store, log: LabelLogDouble, lives: int, shift: Shift) -> bool:
    """Whether the first desk died of ``lives`` effects; a second one then finished the shift."""
    fate = Fate(lives)
    first = mortal_desk(store.queue, log, fate)
    try:
        async with running(first):
            await shift(Place(first, fate))
    except Killed:
        pass
    second = panel_desk(store, log, floor=FLOOR)
    async with running(second):
        await shift(Place(second, Fate(-1)))
    return fate.dead


async def test_several_opinions_come_to_one_label(server: str) -> None:
    """Each opinion once in the log, and one label, whatever the desk was about to do."""
    lives = 0
    died = True
    while died:
        async with overlapping(server) as store:
            log, reviewers = LabelLogDouble(), Reviewers()
            await store.queue.offer([query(1)])

            async def shift(at: Place, reviewers: Reviewers = reviewers) -> None:
                for reviewer in (ANN, BOB):
                    await reviewers.answer(at.desk, reviewer, "fraud")
                await at.reached(_labelled)

            died = await survive(store, log, lives, shift)
            assert [one.label_id for one in opinions(log)] == ["q0001~1", "q0001~2"]
            assert [(one.label, one.source) for one in log.labels()] == [("fraud", "consensus")]
        lives += 1
    assert lives > 6


async def test_a_dispute_is_decided_once(server: str) -> None:
    """By the one reviewer who gave no opinion, and whose answer is the label."""
    lives = 0
    died = True
    while died:
        async with overlapping(server) as store:
            log, reviewers = LabelLogDouble(), Reviewers()
            await store.queue.offer([query(1)])

            async def shift(at: Place, reviewers: Reviewers = reviewers) -> None:
                await reviewers.answer(at.desk, ANN, "fraud")
                await reviewers.answer(at.desk, BOB, "legitimate")
                if "cyd" not in reviewers.claims:
                    await at.reached(_disputed)
                await reviewers.answer(at.desk, CYD, "legitimate")

            died = await survive(store, log, lives, shift)
            assert [one.label_id for one in opinions(log)] == ["q0001~1", "q0001~2"]
            assert [(one.label, one.labelled_by) for one in log.labels()] == [("legitimate", "cyd")]
            assert [slot.slot for slot in (await store.queue.view("q0001")).slots] == [1, 2, 3]
        lives += 1
    assert lives > 8


async def test_an_undone_answer_is_given_anew(server: str) -> None:
    """One retraction, and of the three revisions the newest stands."""
    lives = 0
    died = True
    while died:
        async with overlapping(server, reviewers=1) as store:
            log, reviewers = LabelLogDouble(), Reviewers()
            await store.queue.offer([query(1)])
            await reviewers.answer(panel_desk(store, log), ANN, "fraud")
            undone: list[Claim] = []

            async def shift(at: Place, undone: list[Claim] = undone) -> None:
                if not undone:
                    undone.append(await at.desk.undo("q0001", 1, "ann"))
                await give(at.desk, undone[0], "legitimate", key="again")

            died = await survive(store, log, lives, shift)
            first, retraction, last = records(log)
            assert isinstance(first, Label)
            assert isinstance(retraction, Retraction)
            assert isinstance(last, Label)
            assert [one.revision for one in (first, retraction, last)] == [1, 2, 3]
            assert [one.label for one in log.labels()] == ["fraud", "legitimate"]
        lives += 1
    assert lives > 6


async def test_a_correction_is_made_once(server: str) -> None:
    """The log has one newer revision, and the store its answer."""
    lives = 0
    died = True
    while died:
        async with overlapping(server, reviewers=1) as store:
            log, reviewers = LabelLogDouble(), Reviewers()
            await store.queue.offer([query(1)])
            await reviewers.answer(panel_desk(store, log), ANN, "fraud")

            async def shift(at: Place) -> None:
                answer = await at.desk.correct("q0001", 1, ANN, "legitimate")
                assert (answer.revision, answer.offset) == (2, 1)

            died = await survive(store, log, lives, shift)
            assert [(one.revision, one.label) for one in log.labels()] == [(1, "fraud"), (2, "legitimate")]
            view = await store.queue.view("q0001")
            assert view.answer is not None
            assert view.answer.label == "legitimate"
        lives += 1
    assert lives > 2


async def test_one_below_the_floor_is_paused_at_last(server: str) -> None:
    """By whichever desk follows the log beyond the last wrong answer."""
    lives = 0
    died = True
    while died:
        async with overlapping(server, reviewers=1, gold_share=1.0) as store:
            log = LabelLogDouble()
            await panel_desk(store, log).set_gold(gold_queries(FLOOR.least))
            claims: list[Claim] = []
            for _ in range(FLOOR.least):
                claims += await store.queue.claim(ANN, [], 1)

            async def shift(at: Place, claims: list[Claim] = claims) -> None:
                for claim in claims:
                    await give(at.desk, claim, "legitimate", key=claim.query.query_id)
                await at.reached(_is_paused)

            died = await survive(store, log, lives, shift)
            assert len({one.label_id for one in opinions(log)}) == len(opinions(log)) == FLOOR.least
        lives += 1
    assert lives > 3 * FLOOR.least


async def _labelled(desk: Desk) -> bool:
    return (await desk.view("q0001")).state == State.LABELLED


async def _disputed(desk: Desk) -> bool:
    return (await desk.view("q0001")).disputed


async def _is_paused(desk: Desk) -> bool:
    return any(one.activity.paused for one in await desk.reviewers())
