"""Acquisition functions: how much a label of each event would teach. Pure, over a whole micro-batch."""

from streamsel.selection.acquisition.custom import AcquisitionRefused, checked, custom
from streamsel.selection.acquisition.registry import ACQUISITIONS, AcquisitionInfo, resolve
from streamsel.selection.acquisition.uncertainty import normalised_entropy

__all__ = [
    "ACQUISITIONS",
    "AcquisitionInfo",
    "AcquisitionRefused",
    "checked",
    "custom",
    "normalised_entropy",
    "resolve",
]
