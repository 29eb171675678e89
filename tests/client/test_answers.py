"""How the client reads answers: pure."""

from __future__ import annotations

import httpx
import pytest

from streamsel.client import Answer, Problem
from streamsel.client.problems import Patience


def test_fields_of_a_newer_desk_are_left_out() -> None:
    """A program goes on working when the desk learns to say more."""
    known = {"query_id": "1", "label": "fraud", "labelled_by": "ana", "offset": 3}
    known |= {"model_version": 4, "revision": 1}
    assert Answer.of({**known, "news": "of tomorrow"}) == Answer.of(known)


def test_an_answer_that_is_no_problem_details_is_a_problem_all_the_same() -> None:
    """As a proxy gives it: RFC 9457's ``about:blank``, by its status."""
    problem = Problem.in_place_of(httpx.Response(502, text="<h1>Bad gateway</h1>"))
    assert (problem.type, problem.title, problem.status) == ("about:blank", "Bad Gateway", 502)
    assert problem.detail == ""
    assert problem.retry_after is None


@pytest.mark.parametrize(
    ("status", "said", "pause"),
    [
        (503, "7", 7.0),
        (429, "7", 7.0),
        (503, "0", 1.0),
        (503, "Wed, 21 Oct 2026 07:28:00 GMT", 1.0),
        (503, None, 1.0),
        (409, "7", None),
        (500, None, None),
    ],
)
def test_only_what_will_pass_is_waited_out(status: int, said: str | None, pause: float | None) -> None:
    """For as long as the desk says, a second at least."""
    headers = {} if said is None else {"Retry-After": said}
    assert Problem.in_place_of(httpx.Response(status, headers=headers)).retry_after == pause


def test_patience_is_for_all_pauses_together() -> None:
    """What does not fit into what is left of it is raised at once."""
    patience = Patience(10.0)
    away = Problem.in_place_of(httpx.Response(503, headers={"Retry-After": "4"}))
    assert [patience.pause_after(away), patience.pause_after(away)] == [4.0, 4.0]
    with pytest.raises(Problem):
        patience.pause_after(away)
    assert patience.pause_after(httpx.ConnectError("gone")) == 1.0
