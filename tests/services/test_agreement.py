"""Replicas on one label log: whose model has gone wrong is found out, and heals itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
import redis.asyncio
import structlog
from hypothesis import given
from hypothesis import strategies as st

from streamsel.adapters.clock import SystemClock
from streamsel.adapters.embedded import EmbeddedValkey
from streamsel.adapters.redis_replicas import RedisReplicas
from streamsel.learning.spec import ModelSpec
from streamsel.ports.replicas import Replica
from streamsel.services.agreement import Agreement, disagreements, odd_one_out
from streamsel.services.learner import DIGEST_SPACING, DIGESTS_KEPT, Learner
from streamsel.services.verifying import verify
from tests.core.learning_strategies import label_record, retraction_record
from tests.services.learning_bench import LABELS, SPEC, Bench, following, mixed_records, sample
from tests.services.test_snapshots import learner_of, offsets, snapshots_of, told


class Selectors:
    """Learners that follow one log, each with what it says of itself."""

    def __init__(self, learners: list[Learner], client: redis.asyncio.Redis, prefix: str) -> None:
        self.learners = learners
        self.replicas = RedisReplicas(client, prefix)
        self.agreements = [
            Agreement(f"selector {number}", learner, self.replicas, learner._metrics, SystemClock())
            for number, learner in enumerate(learners)
        ]

    async def reached(self, version: int) -> None:
        for learner in self.learners:
            await learner.reached(version)

    async def look(self) -> None:
        """Everyone sees what everyone says; and whoever refolds is done."""
        for agreement in self.agreements:
            await agreement.publish()
        for agreement in self.agreements:
            await agreement.compare()
        for agreement in self.agreements:
            await agreement.refolded()

    def disagreements(self) -> list[float]:
        """So many times each has found another to disagree."""
        return [sample(one, "streamsel_replica_disagreements_total") or 0 for one in self.learners]

    def disagreeing(self) -> list[float]:
        """With so many each disagrees now."""
        return [sample(one, "streamsel_replicas_disagreeing") or 0 for one in self.learners]


@asynccontextmanager
async def selectors_on(
    valkey: EmbeddedValkey, prefix: str, learners: list[Learner]
) -> AsyncIterator[Selectors]:
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(redis.asyncio.Redis.from_url(valkey.url))
        for learner in learners:
            await stack.enter_async_context(following(learner))
        yield Selectors(learners, client, prefix)


def corrupt(learner: Learner) -> None:
    """Its model in memory learns what no label says."""
    for _ in range(20):
        learner.scorer.fold.model.learn_one({"amount": -1.0, "note": "cash"}, "fine")


async def test_replicas_that_learn_the_same_agree(bench: Bench, valkey: EmbeddedValkey, prefix: str) -> None:
    """At the offsets that all take digests at, and where the log rests; through corrections as well."""
    async with selectors_on(valkey, prefix, [bench.learner(), bench.learner()]) as selectors:
        end = 0
        for seed in range(3):
            end = await bench.write(*mixed_records(90, seed), retraction_record(f"{seed}/7", 2))
            await selectors.reached(end)
            await selectors.look()
        one, other = await selectors.replicas.live()
        assert one.digests == other.digests
        assert set(one.digests) <= {0, DIGEST_SPACING, 2 * DIGEST_SPACING, end}
        assert one.digests[end] == bench.digest()
        assert selectors.disagreements() == [0, 0]


async def test_the_odd_one_out_of_three_is_found_and_heals(
    bench: Bench, valkey: EmbeddedValkey, prefix: str
) -> None:
    """It folds the log anew while it goes on; the others, being more, stay as they are."""
    learners = [bench.learner() for _ in range(3)]
    async with selectors_on(valkey, prefix, learners) as selectors:
        await selectors.reached(await bench.write(*mixed_records(50)))
        corrupt(learners[1])
        await selectors.reached(await bench.write(label_record("a")))
        folds = [one.scorer.fold for one in learners]
        with structlog.testing.capture_logs() as lines:
            await selectors.look()
        assert selectors.disagreements() == [1, 2, 1]
        told = [line for line in lines if line["event"] == "replicas_disagree"]
        assert {line["offset"] for line in told} == {51}
        assert [line["log_level"] for line in told] == ["error"] * 4
        assert [one.scorer.fold is fold for one, fold in zip(learners, folds, strict=True)] == [
            True,
            False,
            True,
        ]
        assert {one.digest() for one in learners} == {bench.digest()}
        await selectors.look()
        assert selectors.disagreeing() == [0, 0, 0]
        await selectors.reached(await bench.write(*mixed_records(5, 3)))
        assert {one.digest() for one in learners} == {bench.digest()}


async def test_of_two_that_disagree_both_fold_anew(bench: Bench, valkey: EmbeddedValkey, prefix: str) -> None:
    """Neither knows which of them is wrong; afterwards both are right."""
    learners = [bench.learner(), bench.learner()]
    async with selectors_on(valkey, prefix, learners) as selectors:
        await selectors.reached(await bench.write(*mixed_records(50)))
        corrupt(learners[0])
        await selectors.reached(await bench.write(label_record("a")))
        await selectors.look()
        assert {one.digest() for one in learners} == {bench.digest()}
        await selectors.look()
        assert selectors.disagreeing() == [0, 0]


async def test_labels_that_come_during_a_refold_are_learned_once(
    bench: Bench, valkey: EmbeddedValkey, prefix: str
) -> None:
    """Corrections among them."""
    learner = bench.learner()
    async with selectors_on(valkey, prefix, [learner]):
        await learner.reached(await bench.write(*mixed_records(1_200)))
        corrupt(learner)
        fold = learner.scorer.fold

        async def write() -> int:
            end = 0
            for seed in range(2, 6):
                end = await bench.write(*mixed_records(20, seed), retraction_record(f"1/{seed}", 2))
            return end

        _, end = await asyncio.gather(learner.refold(), write())
        await learner.reached(end)
        assert learner.scorer.fold is not fold
        assert learner.digest() == bench.digest()


async def test_snapshots_of_a_model_that_was_wrong_are_discarded(bench: Bench, tmp_path: Path) -> None:
    """A start from one would be wrong again; those of a right one stay."""
    snapshots = snapshots_of(bench, tmp_path)
    learner = learner_of(bench, snapshots)
    with told("snapshot_written") as written:
        async with following(learner):
            await bench.write(*mixed_records(20))
            await written.get()
    assert not await learner.refold()
    assert offsets(tmp_path) == [20]
    corrupt(learner)
    learner.scorer.serve(learner.scorer.fold)  # its digest is not the one it had
    assert await learner.refold()
    assert offsets(tmp_path) == []


async def test_models_of_another_spec_are_not_compared(
    bench: Bench, valkey: EmbeddedValkey, prefix: str
) -> None:
    """As while a new configuration is rolled out."""
    learners = [bench.learner(), bench.learner(ModelSpec(LABELS, seed=5))]
    async with selectors_on(valkey, prefix, learners) as selectors:
        await selectors.reached(await bench.write(*mixed_records(50)))
        await selectors.look()
        assert selectors.disagreements() == [0, 0]


async def test_only_the_last_digests_are_kept(bench: Bench) -> None:
    """However long the log."""
    learner = bench.learner()
    async with following(learner):
        await learner.reached(await bench.write(*mixed_records(DIGEST_SPACING * (DIGESTS_KEPT + 2))))
    assert len(learner.digests) == DIGESTS_KEPT


class TestVerifying:
    async def test_each_replica_is_compared_where_it_stands(
        self, bench: Bench, valkey: EmbeddedValkey, prefix: str
    ) -> None:
        """Also one that is behind, across a correction; one that is wrong is named."""
        read: list[int] = []
        learners = [bench.learner(), bench.learner()]
        async with selectors_on(valkey, prefix, learners) as selectors:
            behind = await bench.write(*mixed_records(150))
            await selectors.reached(behind)
            await selectors.replicas.publish(
                Replica("behind", SPEC.spec_hash, {behind: learners[0].digest()})
            )
            end = await bench.write(retraction_record("1/3", 2), *mixed_records(20, 2))
            await selectors.reached(end)
            corrupt(learners[1])
            await selectors.reached(end := await bench.write(label_record("a")))
            for agreement in selectors.agreements:
                await agreement.publish()
            await selectors.replicas.publish(Replica("lost", SPEC.spec_hash, {end + 1: "x"}))
            found = await verify(bench.log, SPEC, selectors.replicas, SystemClock(), lambda _: read.append)
        assert (found.version, found.labels, found.digest) == (end, 170, bench.digest())
        assert {one.name: one.agrees for one in found.replicas} == {
            "behind": True,
            "lost": False,
            "selector 0": True,
            "selector 1": False,
        }
        assert not found.agree
        assert sum(read) >= 2 * end


DIGESTS = st.dictionaries(st.integers(0, 4), st.sampled_from("xy"), max_size=5)


@given(own=DIGESTS, others=st.lists(DIGESTS, max_size=4))
def test_whoever_has_the_digest_of_more_than_half_is_not_odd(
    own: dict[int, str], others: list[dict[int, str]]
) -> None:
    """Of those who were at the offset, oneself included; where others disagree, one of both sides is odd."""
    me, them = Replica("me", "", own), [Replica(str(n), "", one) for n, one in enumerate(others)]
    for offset, digest in own.items():
        there = [one[offset] for one in (own, *others) if offset in one]
        assert odd_one_out(me, them, offset) == (there.count(digest) <= len(there) / 2)
    for other in them:
        for one in disagreements(me, other):
            assert own[one.offset] != one.digest
            assert odd_one_out(me, [other], one.offset)


@pytest.mark.parametrize("own", [{}, {1: "x"}, {1: "x", 2: "y"}])
def test_replicas_that_say_the_same_do_not_disagree(own: dict[int, str]) -> None:
    """Nor do those that were never at one offset."""
    assert disagreements(Replica("a", "", own), Replica("b", "", {**own, 7: "z"})) == []
