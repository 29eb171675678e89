"""A micro-batch as the preset ``tree`` sees it: what ``Encoded`` makes of each event, by column."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from streamsel.learning.evidence import Evidence
from streamsel.learning.features import LARGEST_NUMBER, Parts, category, words
from streamsel.records import FeatureTable, Value

Floats = NDArray[np.float64]

_NUMBERS = frozenset({float, int, bool})


def tree_columns(table: FeatureTable, evidence: Evidence) -> tuple[Sequence[str], Floats]:
    """Names, and (names, rows) with NaN for what an event has not. Values must lie within ±1e100."""
    if table.matrix is not None:
        return table.names, _signed_logarithms(table.matrix.T)
    columns: dict[str, Floats] = {}
    spoken: dict[str, Floats] = {}
    for index, name in enumerate(table.names):
        column = [row[index] for row in table.rows]
        columns[name] = np.array([value if type(value) in _NUMBERS else math.nan for value in column], float)
        if str in set(map(type, column)):
            spoken |= _spoken(name, column, evidence)
    for name, values in spoken.items():
        # Evidence may be called what a feature is called, and then stands in its place.
        columns[name] = np.where(np.isnan(values), columns.get(name, math.nan), values)
    return list(columns), _signed_logarithms(
        np.array(list(columns.values())).reshape(len(columns), len(table.rows))
    )


def _spoken(name: str, column: Sequence[Value], evidence: Evidence) -> Mapping[str, Floats]:
    """The evidence of a column's strings: by ``feature=label``, of each row."""
    found: dict[Value, Mapping[str, float]] = {}
    for value in set(column):
        if isinstance(value, str):
            is_text = name == evidence.text
            known = Parts(
                {}, {} if is_text else {name: category(name, value)}, words(value) if is_text else []
            )
            found[value] = evidence.of(known)
    names = dict.fromkeys(name for said in found.values() for name in said)
    nothing: Mapping[str, float] = {}
    return {
        one: np.array([found.get(value, nothing).get(one, math.nan) for value in column]) for one in names
    }


def _signed_logarithms(values: Floats) -> Floats:
    """As ``SignedLogarithm``, to the last bit: numpy's own logarithm is another on some processors, and an
    event at a branch's threshold would go the other way."""
    bounded = np.clip(values, -LARGEST_NUMBER, LARGEST_NUMBER)
    logarithms = np.fromiter(map(math.log1p, np.abs(bounded).ravel().tolist()), np.float64, values.size)
    return np.copysign(logarithms.reshape(values.shape), bounded)
