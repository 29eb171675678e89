"""The whole life-cycle table walked: every action in every state does what the table says, or nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace

import pytest

from streamsel.ports import Answer, Claim, GoldQuery, Retracted, Undoing
from streamsel.review.lifecycle import TRANSITIONS, Action, State
from streamsel.review.refusals import DeskRefusal
from streamsel.review.routing import Routing
from tests.contracts.review_queue.stores import (
    ANN,
    EXPIRE,
    LEASE,
    PAIRS,
    RECORDING,
    SETTINGS,
    Store,
    empty_store,
    query,
)

NEVER_ASKED = 1


class Walk:
    """One slot, and all that ann, the desks, time and the log can do to it."""

    def __init__(self, store: Store, opinion: bool) -> None:
        self._store, self._queue = store, store.queue
        self._opinion = opinion
        self._fence = NEVER_ASKED
        self._offset = 10

    async def state(self) -> State:
        return (await self._queue.view("q0001", "ann")).slots[0].state

    async def bring_to(self, state: State) -> None:
        """The shortest way that leaves ann its last holder."""
        for action in {
            State.WAITING: [Action.CLAIM, Action.LAPSE],
            State.LEASED: [Action.CLAIM],
            State.RECORDING: [Action.CLAIM, Action.BEGIN],
            State.OPINED: [Action.CLAIM, Action.BEGIN, Action.OPINE],
            State.LABELLED: [Action.CLAIM, Action.BEGIN, Action.SETTLE],
            State.EXPIRED: [Action.CLAIM, Action.LAPSE, Action.EXPIRE],
            State.DEAD: [Action.CLAIM, Action.BURY],
        }[state]:
            await self.do(action)
        assert await self.state() == state

    async def do(self, action: Action) -> None:
        """Tries it; a refusal is as good as nothing happening."""
        with suppress(DeskRefusal):
            await _DO[action](self)

    async def claim(self) -> None:
        for claim in await self._queue.claim(ANN, [], 1):
            self._fence = claim.fence

    async def extend(self) -> None:
        await self._queue.extend("q0001", self._fence, "ann")

    async def release(self) -> None:
        await self._queue.release("q0001", self._fence, "ann")

    async def escalate(self) -> None:
        await self._queue.escalate("q0001", self._fence, "ann", "unsure")

    async def skip(self) -> None:
        await self._queue.skip("q0001", self._fence, "ann", "unsure")

    async def seize(self) -> None:
        await self._queue.seize("q0001")

    async def begin(self) -> None:
        await self._queue.begin("q0001", self._fence, "ann", "fraud", "key")

    async def abort(self) -> None:
        await self._queue.abort("q0001", self._fence, "ann")

    async def opine(self) -> None:
        self._offset += 1
        opinion = Answer("q0001", "fraud", "ann", self._offset, kind="overlap")
        await self._queue.settle([opinion])

    async def settle(self) -> None:
        self._offset += 1
        await self._queue.settle([Answer("q0001", "fraud", "ann", self._offset)])

    async def retract(self) -> None:
        self._offset += 1
        label_id = "q0001~1" if self._opinion else "q0001"
        await self._queue.settle([Retracted(label_id, 2, self._offset)])

    async def reopen(self) -> None:
        opened = await self._queue.retract("q0001", 1, "ann")
        assert isinstance(opened, Undoing)
        await self._queue.settle([Retracted(opened.label_id, opened.revision, self._offset + 1)])
        assert isinstance(await self._queue.retract("q0001", 1, "ann"), Claim)

    async def lapse(self) -> None:
        await self._store.advance(max(LEASE, RECORDING))
        await self._queue.sweep(self._store.now)

    async def bury(self) -> None:
        for _ in range(SETTINGS.attempts - 1):
            if await self.state() == State.LEASED:
                await self.lapse()
                await self.claim()
        await self._store.advance(LEASE)
        await self._queue.sweep()

    async def expire(self) -> None:
        for _ in range(round(EXPIRE / LEASE) + 1):
            if await self.state() == State.LEASED:
                await self.extend()
            await self._store.advance(LEASE - 1)
        await self._queue.sweep()


_DO: dict[Action, Callable[[Walk], Awaitable[None]]] = {
    Action.CLAIM: Walk.claim,
    Action.EXTEND: Walk.extend,
    Action.RELEASE: Walk.release,
    Action.ESCALATE: Walk.escalate,
    Action.SKIP: Walk.skip,
    Action.SEIZE: Walk.seize,
    Action.WITHDRAW: Walk.skip,
    Action.BEGIN: Walk.begin,
    Action.ABORT: Walk.abort,
    Action.OPINE: Walk.opine,
    Action.SETTLE: Walk.settle,
    Action.RETRACT: Walk.retract,
    Action.REOPEN: Walk.reopen,
    Action.LAPSE: Walk.lapse,
    Action.BURY: Walk.bury,
    Action.EXPIRE: Walk.expire,
}
"""Giving up what is asked of nobody else is withdrawing it."""


@pytest.mark.parametrize("action", [one for one in Action if one != Action.WITHDRAW])
@pytest.mark.parametrize("state", State)
async def test_every_action_in_every_state_leads_where_the_table_says(
    server: str, state: State, action: Action
) -> None:
    """Or, if it is not in the table, changes nothing."""
    opinion = State.OPINED in (state, TRANSITIONS.get((state, action))) or action == Action.OPINE
    async with empty_store(server, routing=PAIRS if opinion else Routing()) as store:
        await store.queue.offer([query(1)])
        walk = Walk(store, opinion)
        await walk.bring_to(state)
        await walk.do(action)
        assert await walk.state() == TRANSITIONS.get((state, action), state)


async def test_what_is_asked_of_one_reviewer_alone_is_withdrawn_when_given_up(server: str) -> None:
    """The one move of the table that only gold has."""
    async with empty_store(server, replace(SETTINGS, gold_share=1.0)) as store:
        await store.queue.set_gold([GoldQuery(query(1), "fraud")])
        walk = Walk(store, opinion=True)
        await walk.bring_to(State.LEASED)
        await walk.do(Action.WITHDRAW)
        assert await walk.state() == TRANSITIONS[State.LEASED, Action.WITHDRAW]
