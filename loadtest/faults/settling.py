"""A rig brought to rest, and all of it counted."""

from __future__ import annotations

import asyncio

from confluent_kafka import KafkaException

from loadtest.faults.rig import Rig
from loadtest.outside import counting
from loadtest.outside.counts import Counts, answered_twice, became, lost


async def counted(rig: Rig) -> Counts:
    """No more events come, all are committed, reviewers finish what they hold; then it is counted. Raises
    ``TimeoutError`` when it does not come to rest."""
    rig.producer.stopping = True
    await rig.producing
    await rig.until(lambda: _committed(rig), "all committed")
    for reviewer in rig.reviewers:
        reviewer.stopping = True
    await asyncio.gather(*rig.reviewing)
    events, decisions, letters, labels = [
        await rig.streams.records(log) for log in ("events", "decisions", "dead-letters", "labels")
    ]
    found = became(events, decisions, letters)
    states, broken = await _states(rig)
    log = [record.content for record in labels]
    models = [await counting.learned(selector, rig.secrets["ann"], rig.streams) for selector in rig.selectors]
    unbroken = await counting.uninterrupted(rig.streams, rig.configuration)
    answers = [record for record in log if record["kind"] == "label"]
    distinct = len({label["label_id"] for label in answers})
    return Counts(
        events=len(events),
        queries=len(found.asked),
        labels=len(rig.acknowledged),
        digests=len(models),
        events_undecided=len(found.undecided),
        events_doubled=len(found.doubled),
        queries_lost=len(found.asked.keys() - states),
        queries_doubled=len(found.shared) + len(states - found.asked.keys()),
        labels_lost=len(lost(log, rig.acknowledged)),
        labels_doubled=max(0, unbroken["labels_learned"] - distinct) + len(answered_twice(answers)),
        digest_divergences=sum(model != unbroken for model in models),
        invariants_broken=len(found.contradictory) + broken,
    )


async def _states(rig: Rig) -> tuple[set[str], int]:
    """The queries at the desk, and 1 if its sets contradict each other."""
    try:
        return set(await asyncio.to_thread(rig.desk_store.states)), 0
    except AssertionError:
        return set(), 1


async def _committed(rig: Rig) -> bool:
    try:
        return await rig.streams.fully_committed()
    except KafkaException:
        return False
