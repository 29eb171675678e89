"""What is remembered of a stream's points: a sample of recent events, and the latest ones asked about."""

from __future__ import annotations

import numpy as np

from streamsel.selection.candidates import Floats, Recent


class Reservoir:
    """A sample of the events so far, biased to recent ones: a uniform sample until ``capacity`` events were
    seen, then one in which an event's chance to be falls by e every ``horizon`` events.

    Once full, an event enters with probability ``capacity / horizon`` and replaces a random one. (C. C.
    Aggarwal, On Biased Reservoir Sampling in the Presence of Stream Evolution, VLDB 2006, algorithm 3.1.)
    One draw an event by ``seed``: the same sample however the stream is cut into micro-batches.
    """

    def __init__(self, capacity: int = 256, horizon: int = 2048, seed: int = 0) -> None:
        if not 1 <= capacity <= horizon:
            raise ValueError(f"capacity must be from 1 to the horizon of {horizon} events, not {capacity}")
        self._capacity = capacity
        self._chance = capacity / horizon
        self._draws = np.random.default_rng(seed)
        self._points = np.zeros((capacity, 0))
        self._probabilities = np.zeros((capacity, 0))
        self._size = 0

    def add(self, points: Floats, probabilities: Floats) -> None:
        """Events in order: points (events, dimensions) and what was predicted (events, classes).

        Points of fewer dimensions than others have zeros in the rest. Events predicted with another number
        of classes than the latest have NaN.
        """
        draws = self._draws.random(len(points))
        classes = probabilities.shape[1]
        if classes not in (0, self._probabilities.shape[1]):
            self._probabilities = np.full((self._capacity, classes), np.nan)
        self._points = widened(self._points, points.shape[1])
        filling = min(self._capacity - self._size, len(points))
        entering = draws < self._chance
        entering[:filling] = True
        (rows,) = entering.nonzero()
        # Of those that enter by chance the draw is uniform below it, and chooses the slot as well.
        slots = (draws[rows] * (self._capacity / self._chance)).astype(np.intp)
        if filling:
            slots[:filling] = np.arange(self._size, self._size + filling)
            self._size += filling
        # Of several events for one slot the last stays.
        self._points[slots] = widened(points, self._points.shape[1]).take(rows, axis=0)
        self._probabilities[slots] = probabilities.take(rows, axis=0) if classes else np.nan

    def recent(self, dimensions: int) -> Recent:
        """A copy of the sample, with points of at least ``dimensions``."""
        points = widened(self._points[: self._size], dimensions)
        return Recent(points.copy(), self._probabilities[: self._size].copy())


class Ring:
    """The latest ``capacity`` points."""

    def __init__(self, capacity: int = 256) -> None:
        if capacity < 1:
            raise ValueError(f"capacity must be at least 1 point, not {capacity}")
        self._capacity = capacity
        self._points = np.zeros((0, 0))

    def add(self, points: Floats) -> None:
        """Points (events, dimensions) in order."""
        if len(points):
            dimensions = max(points.shape[1], self._points.shape[1])
            both = widened(self._points, dimensions), widened(points, dimensions)
            self._points = np.concatenate(both)[-self._capacity :]

    def latest(self, dimensions: int) -> Floats:
        """The points, oldest first, of at least ``dimensions``."""
        return widened(self._points, dimensions)


def widened(points: Floats, dimensions: int) -> Floats:
    """``points`` with zeros in the dimensions they lack of ``dimensions``."""
    missing = dimensions - points.shape[1]
    return np.pad(points, ((0, 0), (0, missing))) if missing > 0 else points
