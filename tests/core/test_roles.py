"""What the roles include."""

from __future__ import annotations

from typing import get_args

from streamsel.review.roles import Role, highest, includes


def test_each_role_includes_those_below_it_and_itself() -> None:
    """Producers are no reviewers, and leads no producers; an admin is all of it."""
    included = {
        role: {needed for needed in get_args(Role) if includes(role, needed)} for role in get_args(Role)
    }
    assert included == {
        "reviewer": {"reviewer"},
        "producer": {"producer"},
        "lead": {"reviewer", "lead"},
        "admin": {"reviewer", "lead", "admin", "producer"},
    }


def test_of_several_roles_the_one_that_may_do_most_counts() -> None:
    """Whatever their order; none of them is none."""
    assert highest(["reviewer", "admin", "lead"]) == "admin"
    assert highest(["lead", "reviewer"]) == "lead"
    assert highest([]) is None
