"""A client of the desk, for programs: to review, to lead, to send events, to follow what waits.

    from streamsel.client import Client

    with Client("https://desk.example.com", api_key) as desk:
        while True:
            for claim in desk.claim(count=10, wait_seconds=20):
                if (label := my_rules(claim.query.features)) is not None:
                    desk.label(claim, label)
                else:
                    desk.escalate(claim, "no rule knows this one")

``AsyncClient`` is the same, awaited. Whatever the desk refuses is raised as ``Problem``. A desk that is away
for a moment is waited for: every call may be repeated, and is, until ``patience_seconds`` are spent.
``verify_webhook`` checks what the desk sends of its own accord.
"""

from streamsel.client.asynchronous import AsyncClient
from streamsel.client.blocking import Client
from streamsel.client.leading import Dispute, History, HistoryPoint, Opinion, Reviewer
from streamsel.client.listed import ListedQuery, QueryBrief, QueryState
from streamsel.client.problems import Problem
from streamsel.client.records import (
    Answer,
    Caller,
    Claim,
    LabelChoice,
    LabelChoices,
    Model,
    Outcome,
    PastAnswer,
    Query,
    QueueFigures,
)
from streamsel.client.webhooks import InvalidWebhook, Webhook, verify_webhook

__all__ = [
    "Answer",
    "AsyncClient",
    "Caller",
    "Claim",
    "Client",
    "Dispute",
    "History",
    "HistoryPoint",
    "InvalidWebhook",
    "LabelChoice",
    "LabelChoices",
    "ListedQuery",
    "Model",
    "Opinion",
    "Outcome",
    "PastAnswer",
    "Problem",
    "Query",
    "QueryBrief",
    "QueryState",
    "QueueFigures",
    "Reviewer",
    "Webhook",
    "verify_webhook",
]
