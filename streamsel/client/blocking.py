"""The client for programs that wait for each call."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Self, TypeVar

import httpx

from streamsel.client import calls
from streamsel.client.calls import Call
from streamsel.client.figures import PATH, SILENT_SECONDS, figures_in
from streamsel.client.leading import Dispute, History, Reviewer
from streamsel.client.listed import ListedQuery, QueryState
from streamsel.client.problems import Patience, Problem
from streamsel.client.records import (
    Answer,
    Caller,
    Claim,
    LabelChoices,
    Model,
    Outcome,
    PastAnswer,
    QueueFigures,
)

T = TypeVar("T")


class Client:
    """Calls to one desk under one API key. ``options`` are httpx's, e.g. ``verify`` or ``proxy``.

    Calls may raise ``Problem``, or ``httpx.TransportError`` when there is no answer; both only once
    ``patience_seconds`` of pauses did not help.
    """

    def __init__(self, url: str, api_key: str, *, patience_seconds: float = 30.0, **options: Any) -> None:
        headers = {"Authorization": f"Bearer {api_key}"}
        self._http = httpx.Client(base_url=url, headers=headers, **options)
        self._patience_seconds = patience_seconds

    def claim(self, queue: str | None = None, count: int = 1, wait_seconds: float = 0.0) -> list[Claim]:
        """Up to ``count`` queries of one queue, or of all that are the caller's, the most useful first; waits
        up to ``wait_seconds``, 30 at most, for the first one."""
        return self._send(calls.claim(queue, count, wait_seconds))

    def label(self, claim: Claim, label: str, *, idempotency_key: str | None = None) -> Answer:
        """Answers a query; on return the label log has it. A program that may die in between gives a key
        of its own, and repeats the call with it."""
        return self._send(calls.label(claim, label, idempotency_key))

    def label_many(self, answers: Iterable[tuple[Claim, str]]) -> list[Outcome]:
        """Answers 1 to 100 queries, each for itself; one outcome for each, in their order. While one of them
        cannot be recorded yet all are sent again, and in the end its ``Problem`` is raised; whoever calls
        anew is told of those that were recorded."""
        return self._send(calls.label_many(answers))

    def extend(self, claim: Claim) -> Claim:
        """A sign of life: the lease begins anew."""
        return self._send(calls.extend(claim))

    def release(self, claim: Claim) -> None:
        """Gives the query back to its queue."""
        self._send(calls.release(claim))

    def skip(self, claim: Claim, reason: str) -> None:
        """Gives the query back, never to get it again."""
        self._send(calls.skip(claim, reason))

    def escalate(self, claim: Claim, reason: str) -> None:
        """Hands the query on to those who know more."""
        self._send(calls.escalate(claim, reason))

    def answers(self) -> list[PastAnswer]:
        """The caller's last ten answers, the newest first."""
        return self._send(calls.answers())

    def correct(self, answer: Answer | PastAnswer, label: str) -> Answer:
        """Puts another label in place of one of the caller's last ten, or of anybody's for leads."""
        return self._send(calls.correct(answer, label))

    def undo(self, answer: Answer | PastAnswer) -> Claim:
        """Takes an answer back; the query is the caller's to answer anew."""
        return self._send(calls.undo(answer))

    def queries(self, state: str | None = None, queue: str | None = None) -> Iterator[ListedQuery]:
        """Those in a state, or in any, and in a queue, or in any; asked for a page at a time. One that moves
        meanwhile may be missed or come twice."""
        cursor: str | None = None
        while True:
            page = self._send(calls.page(state, queue, cursor))
            yield from page.items
            cursor = page.next_cursor
            if cursor is None:
                return

    def query(self, query_id: str) -> QueryState:
        """One query and where it stands."""
        return self._send(calls.query(query_id))

    def label_choices(self) -> LabelChoices:
        """The labels to choose from."""
        return self._send(calls.label_choices())

    def who(self) -> Caller:
        """Whom the API key stands for."""
        return self._send(calls.who())

    def model(self) -> Model:
        """The model that scores events now."""
        return self._send(calls.model())

    def queue(self) -> QueueFigures:
        """The desk at a glance."""
        return self._send(calls.queue())

    def live(self) -> Iterator[QueueFigures]:
        """The figures now and at every change, until the desk ends the stream: then call again."""
        patience = Patience(self._patience_seconds)
        while True:
            with self._http.stream("GET", PATH, timeout=SILENT_SECONDS) as response:
                if response.is_success:
                    for line in response.iter_lines():
                        if figures := figures_in(line):
                            yield figures
                    return
                response.read()
            time.sleep(patience.pause_after(Problem.in_place_of(response)))

    def reviewers(self) -> list[Reviewer]:
        """For leads: how all reviewers fare."""
        return self._send(calls.reviewers())

    def pause(self, reviewer: str, reason: str) -> None:
        """For leads: no more claims for this reviewer, who is told the reason."""
        self._send(calls.pause(reviewer, reason))

    def resume(self, reviewer: str) -> None:
        """For leads: claims again, whoever or whatever had paused them."""
        self._send(calls.resume(reviewer))

    def disputes(self) -> list[Dispute]:
        """For leads: what reviewers disagree about, 100 at most, the longest so first. Whoever claims it from
        its queue and labels it settles it."""
        return self._send(calls.disputes())

    def reassign(self, query_id: str) -> list[str]:
        """For leads: takes a query back to its queue from all who have it in hand; returns their names."""
        return self._send(calls.reassign(query_id))

    def evidence(self, query_id: str) -> Mapping[str, Any]:
        """For leads: how a query came about and what its label was used for, as the description of the API
        has it."""
        return self._send(calls.evidence(query_id))

    def history(self, hours: float = 8.0) -> History:
        """For leads: the desk over the last hours, 24 at most."""
        return self._send(calls.history(hours))

    def send(self, events: Iterable[Mapping[str, Any]]) -> int:
        """Puts up to 1,000 events into the stream; returns how many, once they are there for good."""
        return self._send(calls.send(events))

    def close(self) -> None:
        """Ends the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _send(self, call: Call[T]) -> T:
        patience = Patience(self._patience_seconds)
        while True:
            try:
                return call.result(self._http.request(**call.request))
            except (Problem, httpx.TransportError) as error:
                time.sleep(patience.pause_after(error))
