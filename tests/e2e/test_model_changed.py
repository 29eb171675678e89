"""The model changed while two selectors are at work."""

from __future__ import annotations

import pytest

from loadtest.lifecycle.living import Options, living


@pytest.mark.slow
async def test_a_model_set_and_rolled_back_under_load_leaves_no_event_undecided() -> None:
    """Each event has one decision, labels go on being learned, and both selectors' digests are equal."""
    figures = await living(Options(events_per_second=200.0, seconds=4.0, labels=500), lambda _: None)
    assert figures["events_undecided"] == 0
    assert figures["replicas_agree"]
    assert figures["labels_followed"] > 0
