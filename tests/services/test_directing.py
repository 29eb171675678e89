"""Giving directives: durable, once, and refused when they can't be obeyed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from streamsel.adapters.embedded import EmbeddedValkey
from streamsel.adapters.redis_streams import RedisStreams
from streamsel.adapters.redis_streams_log import RedisLabelLog
from streamsel.codec import encode_log_record
from streamsel.learning.course import DirectiveRefused
from streamsel.learning.spec import ModelSpec
from streamsel.records import Directive, DirectiveAction, ModelChoice
from streamsel.services.directing import Directing
from tests.core.learning_strategies import label_record

SPEC = ModelSpec(("fine", "fraud"))


@pytest.fixture
async def log(valkey: EmbeddedValkey, prefix: str) -> AsyncIterator[RedisLabelLog]:
    """An empty label log."""
    log = RedisLabelLog(RedisStreams(valkey.url, prefix))
    yield log
    await log.close()


def freeze(directive_id: str, action: DirectiveAction = "freeze") -> Directive:
    return Directive(directive_id, action, "ada", 1.0)


async def test_directives_are_found_among_labels(log: RedisLabelLog) -> None:
    """Also where a label only says the word, or can't be read at all."""
    sayings = label_record("l", label="fine")
    await log.append(
        [
            encode_log_record(sayings),
            b'{"kind": "directive"',
            encode_log_record(Directive("s", "set_spec", "ada", 1.0, model=ModelChoice("tree"))),
            encode_log_record(label_record('"directive"')),
        ]
    )
    directing = Directing(log, SPEC)
    assert await directing.read() == 4
    assert [given.offset for given in directing.given] == [2]
    assert directing.course.now.spec.preset == "tree"


async def test_of_two_given_at_once_the_second_is_refused(log: RedisLabelLog) -> None:
    """Both may have found that the model was not frozen; the log tells who came first."""
    desks = [Directing(log, SPEC) for _ in range(2)]
    ends = await asyncio.gather(
        *(desk.give(freeze(f"f{number}")) for number, desk in enumerate(desks)), return_exceptions=True
    )
    (refused,) = [end for end in ends if isinstance(end, BaseException)]
    assert isinstance(refused, DirectiveRefused)
    assert "frozen since offset 0" in str(refused)
    for desk in desks:
        await desk.read()
        assert desk.course.now.frozen


async def test_one_given_twice_is_in_the_log_once(log: RedisLabelLog) -> None:
    """By another process as well."""
    for _ in range(2):
        given = await Directing(log, SPEC).give(freeze("f"))
        assert given.offset == 0
    assert await log.end() == 1


@pytest.mark.parametrize("action", ["set_spec", "challenge"])
async def test_where_a_committee_is_needed_no_single_model_is_taken(
    log: RedisLabelLog, action: DirectiveAction
) -> None:
    """Its strategy could not select with it."""
    directing = Directing(log, ModelSpec(("fine", "fraud"), preset="forest"), committee=True)
    with pytest.raises(DirectiveRefused, match="preset 'tree' has no members"):
        await directing.give(Directive("a", action, "ada", 1.0, model=ModelChoice("tree")))
    given = await directing.give(Directive("b", action, "ada", 1.0, model=ModelChoice("tree", copies=3)))
    assert given.offset == 0


async def test_a_refused_directive_is_not_written(log: RedisLabelLog) -> None:
    """Nobody has to read it."""
    with pytest.raises(DirectiveRefused, match="not frozen"):
        await Directing(log, SPEC).give(freeze("t", "thaw"))
    assert await log.end() == 0


async def test_one_that_was_refused_in_the_log_stays_refused(log: RedisLabelLog) -> None:
    """Given again under its id, though it could be obeyed now: what the log says of it stands."""
    await log.append([encode_log_record(freeze("t", "thaw"))])
    directing = Directing(log, SPEC)
    await directing.give(freeze("f"))
    with pytest.raises(DirectiveRefused, match="not frozen"):
        await directing.give(freeze("t", "thaw"))
