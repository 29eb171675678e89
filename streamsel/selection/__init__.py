"""Which events to ask about. Pure: no I/O, no clock, no model library."""

from streamsel.selection.capacity import CapacityFacts, CapacityPolicy, QueryRate
from streamsel.selection.draws import draws
from streamsel.selection.gate import Gate, GateDecisions
from streamsel.selection.strategy import QueryStrategy, Scored, Selected, StrategySettings

__all__ = [
    "CapacityFacts",
    "CapacityPolicy",
    "Gate",
    "GateDecisions",
    "QueryRate",
    "QueryStrategy",
    "Scored",
    "Selected",
    "StrategySettings",
    "draws",
]
