"""Which events to ask about. Pure: no I/O, no clock, no model library.

``Sampler``, for the users of River, is the one part that needs River; it is imported when first asked for.
"""

from typing import TYPE_CHECKING, Any

from streamsel.selection.batch import Batch, rank_pool
from streamsel.selection.capacity import CapacityFacts, CapacityPolicy, QueryRate
from streamsel.selection.constraints import ConstraintSettings
from streamsel.selection.draws import draws
from streamsel.selection.gate import Gate, GateDecisions
from streamsel.selection.strategy import QueryStrategy, Scored, Selected, StrategySettings

if TYPE_CHECKING:
    from streamsel.selection.sampler import Choice, Sampler

__all__ = [
    "Batch",
    "CapacityFacts",
    "CapacityPolicy",
    "Choice",
    "ConstraintSettings",
    "Gate",
    "GateDecisions",
    "QueryRate",
    "QueryStrategy",
    "Sampler",
    "Scored",
    "Selected",
    "StrategySettings",
    "draws",
    "rank_pool",
]


def __getattr__(name: str) -> Any:
    # PEP 562.
    if name in ("Choice", "Sampler"):
        from streamsel.selection import sampler

        return getattr(sampler, name)
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
