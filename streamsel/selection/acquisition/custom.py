"""Acquisition functions of one's own, by ``package.module:object``."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module

import numpy as np

from streamsel.selection.candidates import Acquisition, Candidates, Floats


class AcquisitionRefused(ValueError):
    """An acquisition function can't be found, or can't do its work with this model. The message names it and
    what would be right."""


def custom(path: str) -> Acquisition:
    """The function at ``path``, its results ``checked``. Raises ``AcquisitionRefused``."""
    module_name, _, object_name = path.partition(":")
    if not module_name or not object_name:
        raise AcquisitionRefused(
            f"an acquisition function must be written package.module:object, not '{path}'"
        )
    try:
        module = import_module(module_name)
    except ImportError as error:
        raise AcquisitionRefused(f"'{path}': module '{module_name}' can't be imported: {error}") from error
    if not hasattr(module, object_name):
        raise AcquisitionRefused(f"'{path}': module '{module_name}' has no '{object_name}'")
    function = getattr(module, object_name)
    if not callable(function):
        raise AcquisitionRefused(
            f"'{path}' is a {type(function).__name__}; it must be callable with Candidates"
        )
    return checked(function, path)


def checked(acquisition: Acquisition, name: str) -> Acquisition:
    """``acquisition``, its results held to one finite utility in [0, 1] an event: anything else is a
    ``ValueError`` that says what ``name`` returned."""
    return _Checked(acquisition, name)


@dataclass(frozen=True, slots=True)
class _Checked:
    """A class, not a closure, so that it can be pickled."""

    acquisition: Acquisition
    name: str

    def __call__(self, candidates: Candidates) -> Floats:
        returned = self.acquisition(candidates)
        try:
            utilities = np.asarray(returned, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise ValueError(f"'{self.name}' returned no array of numbers: {error}") from error
        if utilities.shape != (len(candidates),):
            raise ValueError(
                f"'{self.name}' returned shape {utilities.shape}; it must be one utility an event, "
                f"({len(candidates)},)"
            )
        wrong = ~((utilities >= 0.0) & (utilities <= 1.0))
        if wrong.any():
            row = int(wrong.argmax())
            raise ValueError(
                f"'{self.name}' returned {utilities[row]} for event {row}; utilities must be in [0, 1]"
            )
        return utilities
