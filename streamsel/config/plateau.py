"""The section ``[select.plateau]``: when the budget is lowered to exploration alone."""

from __future__ import annotations

from pydantic import Field

from streamsel.config.base import Section


class PlateauTable(Section):
    """While the model has stopped to get better, only the share to explore is asked about; a change found in
    the stream brings the whole budget back."""

    labels: int = Field(
        1_000, ge=100, description="The accuracy of so many labels is held against as many before."
    )
    margin: float = Field(0.01, ge=0.0, le=1.0, description="A smaller gain in accuracy is none.")
