"""Categories and words as numbers: how much each speaks for a label, by the labels learned before."""

from __future__ import annotations

import math
from collections import OrderedDict

from streamsel.learning.features import Parts

MOST_MEMBERS, MOST_COUNTS = 2**18, 2**22
"""Categories and words that are remembered, and what they may hold together: at the most some 150 MB."""
_PRIOR_LABELS = 2.0
"""How many labels' worth of the overall shares are mixed into every category's own."""


class Evidence:
    """Ordered target statistics: for each label, the log-odds of the label given the category less the
    log-odds overall; 0 for a category never seen. The words of a text are summed, as naive Bayes would.

    Only labels learned before an event count, so a label never explains itself. (L. Prokhorenkova et al.,
    CatBoost, NeurIPS 2018, section 3.2.) Memory grows with the labelled categories and words alone, of which
    those not labelled for longest are forgotten beyond 2^18, or fewer of many labels.
    """

    def __init__(self, labels: tuple[str, ...], text: str | None) -> None:
        self.text = text
        # Of two labels, the evidence for one is that against the other.
        self._scored = [(index, label) for index, label in enumerate(labels) if index > 0 or len(labels) > 2]
        self._totals = [0] * len(labels)
        self._counts: OrderedDict[str, list[int]] = OrderedDict()
        """By category or word, how often it came with each label; the latest last."""
        self._most_members = max(min(MOST_MEMBERS, MOST_COUNTS // max(len(labels), 1)), 1)

    def of(self, known: Parts) -> dict[str, float]:
        """``feature=label`` to the evidence of that feature for that label."""
        found: dict[str, float] = {}
        groups = {name: [category] for name, category in known.categories.items()}
        if known.words and self.text is not None:
            groups[self.text] = _distinct(known.words)
        for index, label in self._scored:
            share = (self._totals[index] + 1) / (sum(self._totals) + len(self._totals))
            for name, members in groups.items():
                found[f"{name}={label}"] = sum(self._evidence(member, index, share) for member in members)
        return found

    def learn(self, known: Parts, label: int) -> None:
        """Counts one event's categories and words for the label of this index."""
        self._totals[label] += 1
        for member in (*known.categories.values(), *_distinct(known.words)):
            self._counts.setdefault(member, [0] * len(self._totals))[label] += 1
            self._counts.move_to_end(member)
        while len(self._counts) > self._most_members:
            self._counts.popitem(last=False)

    def _evidence(self, member: str, index: int, share: float) -> float:
        counts = self._counts.get(member)
        if counts is None:
            return 0.0
        own = (counts[index] + _PRIOR_LABELS * share) / (sum(counts) + _PRIOR_LABELS)
        return math.log(own / (1.0 - own)) - math.log(share / (1.0 - share))


def _distinct(words: list[str]) -> list[str]:
    """In order of appearance: the order of a set would differ between processes, and with it a sum's end."""
    return list(dict.fromkeys(words))
