"""Which events to ask about. Pure: no I/O, no clock, no model library."""

from streamsel.selection.capacity import CapacityFacts, CapacityPolicy, QueryRate
from streamsel.selection.draws import draws
from streamsel.selection.gate import Gate, GateDecisions
from streamsel.selection.utility import UTILITIES, Utility

__all__ = [
    "UTILITIES",
    "CapacityFacts",
    "CapacityPolicy",
    "Gate",
    "GateDecisions",
    "QueryRate",
    "Utility",
    "draws",
]
