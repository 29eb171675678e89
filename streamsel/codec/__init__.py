"""Records to bytes and back: versioned JSON that a later release can still read.

Every record carries ``kind`` and ``v``. Reading ignores unknown fields and names a missing or mistyped one;
writing sorts feature names, so that every replica sees one order.
"""

from streamsel.codec.decisions import DecisionColumns, decode_decision, encode_decisions, query_of
from streamsel.codec.events import EventBatch, EventDecoder
from streamsel.codec.fields import Unreadable
from streamsel.codec.records import (
    decode_dead_letter,
    decode_log_record,
    decode_query,
    encode_dead_letter,
    encode_log_record,
    encode_query,
    query_id_of,
)

__all__ = [
    "DecisionColumns",
    "EventBatch",
    "EventDecoder",
    "Unreadable",
    "decode_dead_letter",
    "decode_decision",
    "decode_log_record",
    "decode_query",
    "encode_dead_letter",
    "encode_decisions",
    "encode_log_record",
    "encode_query",
    "query_id_of",
    "query_of",
]
