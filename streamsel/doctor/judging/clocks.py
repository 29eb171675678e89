"""Clocks: leases go by Redis's alone, but what people and reports read goes by all of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from streamsel.doctor.finding import Finding, ok, warn

TOLERABLE_SECONDS = 2.0
_SYNCHRONISE = "run an NTP client such as chrony on both machines: chronyc tracking"


def judge_clocks(redis_ahead: float | None, events_ahead: Mapping[str, float]) -> Iterator[Finding]:
    """Seconds by which Redis's clock is ahead of ours (``None``: it could not be read), and the newest
    event's timestamp, by topic."""
    if redis_ahead is not None:
        if abs(redis_ahead) > TOLERABLE_SECONDS:
            yield warn(
                "clocks.redis",
                f"Redis's clock is {redis_ahead:+.1f} seconds off ours: ages and times of labels are off too",
                _SYNCHRONISE,
            )
        else:
            yield ok("clocks.redis", "Redis's clock agrees with ours")
    for topic, ahead in events_ahead.items():
        if ahead > TOLERABLE_SECONDS:
            yield warn(
                "clocks.events",
                f"the newest record of {topic} is {ahead:.1f} seconds in the future: the clock of its"
                " producer or broker is ahead, or ours behind",
                _SYNCHRONISE,
            )
        else:
            yield ok("clocks.events", f"no record of {topic} is from the future")
