"""The section ``[evaluation]``: how the model's quality is told."""

from __future__ import annotations

from collections.abc import Collection

from pydantic import Field

from streamsel.config.base import Section, nearest


class Evaluation(Section):
    """How the model's quality is told."""

    costs: dict[str, dict[str, float]] = Field(
        {},
        description="What an event costs, by what it was predicted as and what it is; not named is nothing. "
        "With it, the mean cost of an event is told.",
    )

    def check(self, names: Collection[str]) -> None:
        """Raises ``ValueError`` for a label there is not."""
        for predicted, row in self.costs.items():
            for label in (predicted, *row):
                if label not in names:
                    raise ValueError(
                        f"evaluation.costs names '{label}', which is no label{nearest(label, names)}"
                    )
