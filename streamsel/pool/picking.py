"""From a pool to the events picked of it: learn what is labelled, score the rest, pick a batch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from streamsel.adapters.label_file import BadFile
from streamsel.learning.applied import Outcome
from streamsel.learning.fold import Fold
from streamsel.learning.serving import ServingModel
from streamsel.learning.spec import ModelSpec
from streamsel.pool.table import Pool
from streamsel.records import Experience, FeatureTable, Label, Lane
from streamsel.selection import Scored, StrategySettings, rank_pool
from streamsel.selection.acquisition import resolve

AT_ONCE = 500
"""Events scored at once."""


@dataclass(frozen=True, slots=True)
class Pick:
    """An event worth a label."""

    row: int
    """In the pool."""
    utility: float
    lane: Lane
    """``rule`` when it was picked ahead of others, else ``uncertain``."""
    probabilities: Mapping[str, float]
    """Empty where the model has no opinion."""
    rules: tuple[str, ...]


def steps(pool: Pool, count: int) -> int:
    """How many steps ``pick`` tells of: labels learned, events scored, ranked and picked."""
    labelled = int(pool.labelled.sum())
    return labelled + 2 * len(pool) + min(count, len(pool) - labelled)


def pick(
    pool: Pool,
    count: int,
    settings: StrategySettings,
    spec: ModelSpec | None,
    progress: Callable[[int], None],
) -> list[Pick]:
    """The batch, in the order to ask in; fewer than ``count`` where there are no more.

    ``spec`` is the model that learns the labels there are; ``None`` where these tell no two classes apart.
    ``progress`` is told how many more of the ``steps`` are done. Raises ``AcquisitionRefused``, ``BadFile``
    for a label that can't be learned, and as ``presets.build`` does.
    """
    committee = "members" in resolve(settings.strategy).uses
    scored = _unscored(pool, progress) if spec is None else _scored(pool, spec, committee, progress)
    batch = rank_pool(scored, count, settings, pool.labelled, progress)
    known = np.isfinite(scored.probabilities).all(axis=1) & (scored.probabilities.shape[1] > 1)
    picks = []
    for row in batch.rows.tolist():
        shares = zip(scored.labels, scored.probabilities[row].tolist(), strict=False)
        rules = batch.reasons.get(row, ())
        picks.append(
            Pick(
                row=row,
                utility=float(batch.utilities[row]),
                lane="rule" if rules else "uncertain",
                probabilities=dict(shares) if known[row] else {},
                rules=rules,
            )
        )
    return picks


def _unscored(pool: Pool, progress: Callable[[int], None]) -> Scored:
    labelled = int(pool.labelled.sum())
    progress(labelled + len(pool))
    return Scored(
        ids=pool.ids,
        table=FeatureTable.of(pool.events),
        labels=(),
        probabilities=np.zeros((len(pool), 0)),
        segments=pool.segments,
        # A committee that has yet to learn.
        members=np.zeros((1, len(pool), 0)),
        experience=Experience((labelled,) if labelled else ()),
    )


def _scored(pool: Pool, spec: ModelSpec, committee: bool, progress: Callable[[int], None]) -> Scored:
    model = ServingModel(Fold(spec))
    for row in np.flatnonzero(pool.labelled).tolist():
        _learn(model.fold, pool, row)
        progress(1)
    said = []
    for start in range(0, len(pool), AT_ONCE):
        part = pool.events[start : start + AT_ONCE]
        said.append(model.opinions(FeatureTable.of(part)))
        progress(len(part))
    members = [opinions.members for opinions in said if opinions.members is not None]
    wanted = committee and len(members) == len(said)
    return Scored(
        ids=pool.ids,
        table=FeatureTable.of(pool.events),
        labels=spec.labels,
        probabilities=_joined([opinions.probabilities for opinions in said], len(spec.labels)),
        segments=pool.segments,
        members=np.concatenate(members, axis=1) if wanted else None,
        weights=said[0].weights if wanted else None,
        experience=model.experience,
    )


def _learn(fold: Fold, pool: Pool, row: int) -> None:
    label = Label(
        label_id=pool.ids[row],
        revision=1,
        event_id=pool.ids[row],
        label=pool.answers[row] or "",
        source="seed",
        labelled_by="pool",
        labelled_at=0.0,
        features=pool.events[row],
    )
    applied = fold.apply(fold.version, label)
    if applied.outcome is not Outcome.LEARNED:
        raise BadFile(f"{pool.path}: row {pool.numbers[row]}: {applied.detail}")


def _joined(parts: Sequence[NDArray[np.float64]], labels: int) -> NDArray[np.float64]:
    """Of some parts nothing may be known, and then (rows, 0) is said of them."""
    if not any(part.shape[1] for part in parts):
        return np.concatenate(parts)
    return np.concatenate([part if part.shape[1] else np.full((len(part), labels), np.nan) for part in parts])
