"""What directives make of the model's life: every action obeyed, and refused with the reason."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamsel.codec.directives import ACTIONS
from streamsel.learning.course import Course, DirectiveRefused, InForce
from streamsel.learning.gaps import Gap, clipped
from streamsel.learning.spec import ModelSpec
from streamsel.records import Directive, DirectiveAction, ModelChoice, PromotionRule

CONFIGURED = ModelSpec(("fine", "fraud"), text="note")
TREE = ModelSpec(("fine", "fraud"), preset="tree", text="note")
FOREST = ModelSpec(("fine", "fraud"), preset="forest", seed=3, text="note")


def directive(directive_id: str, action: DirectiveAction, **needed: Any) -> Directive:
    return Directive(directive_id, action, "ada", 1.0, **needed)


def tree_in_shadow() -> Course:
    """Challenged at offset 4."""
    course = Course(CONFIGURED)
    course.take(4, directive("c", "challenge", model=ModelChoice("tree")))
    return course


class TestActions:
    """Each in turn."""

    def test_the_configured_model_is_in_force_until_another_is_set(self) -> None:
        """From the record behind the directive on."""
        course = Course(CONFIGURED)
        course.take(7, directive("s", "set_spec", model=ModelChoice("forest", seed=3)))
        assert [course.at(offset).spec for offset in (0, 7, 8)] == [CONFIGURED, CONFIGURED, FOREST]
        assert course.directives == 1

    def test_a_factory_comes_back_by_its_place_in_the_configuration(self) -> None:
        """What names the configured model gives just that; what names another has no factory."""
        made = ModelSpec(("a", "b"), preset="logistic", factory="their.module:model")
        course = Course(made)
        assert course.take(0, directive("s", "set_spec", model=ModelChoice("tree"))).spec.factory is None
        assert course.take(1, directive("b", "set_spec", model=ModelChoice("logistic"))).spec == made

    def test_a_challenger_is_compared_from_the_next_record_on(self) -> None:
        """By the rule declared with it."""
        rule = PromotionRule("accuracy", 50, 0.01, 0.1)
        course = Course(CONFIGURED)
        now = course.take(4, directive("c", "challenge", model=ModelChoice("tree"), rule=rule))
        challenge = now.challenges["c"]
        assert (challenge.spec, challenge.rule, challenge.since) == (TREE, rule, 5)
        assert now.spec == CONFIGURED

    def test_a_promoted_challenger_is_the_champion(self) -> None:
        """And challenges no more; others are compared anew, against it."""
        course = tree_in_shadow()
        course.take(5, directive("d", "challenge", model=ModelChoice("forest", seed=3)))
        now = course.take(9, directive("p", "promote", challenge="c"))
        assert now.spec == TREE
        assert {name: one.since for name, one in now.challenges.items()} == {"d": 10}

    def test_a_model_that_is_set_challenges_no_more(self) -> None:
        """Nothing is compared with itself."""
        assert not (
            tree_in_shadow().take(5, directive("s", "set_spec", model=ModelChoice("tree"))).challenges
        )

    def test_a_withdrawn_challenger_is_gone(self) -> None:
        """The champion stays."""
        assert tree_in_shadow().take(5, directive("w", "withdraw", challenge="c")) == InForce(CONFIGURED)

    def test_a_rollback_leaves_out_what_came_between(self) -> None:
        """The model of then is back, and so are its challengers."""
        course = tree_in_shadow()
        course.take(6, directive("p", "promote", challenge="c"))
        now = course.take(20, directive("r", "roll_back", version=6))
        assert now.spec == CONFIGURED
        assert list(now.challenges) == ["c"]
        assert [offset for offset in range(25) if not now.counts(offset)] == list(range(6, 20))

    def test_a_rollback_can_be_rolled_back(self) -> None:
        """To the version just before it, as if it had not been."""
        course = Course(CONFIGURED)
        course.take(20, directive("r", "roll_back", version=6))
        now = course.take(30, directive("b", "roll_back", version=20))
        assert [offset for offset in range(35) if not now.counts(offset)] == list(range(20, 30))

    def test_a_frozen_model_learns_nothing_until_it_is_thawed(self) -> None:
        """What came meanwhile counts then."""
        course = Course(CONFIGURED)
        frozen = course.take(3, directive("f", "freeze"))
        assert frozen.frozen
        assert [frozen.counts(offset) for offset in (2, 3, 1000)] == [True, False, False]
        thawed = course.take(9, directive("t", "thaw"))
        assert not thawed.frozen
        assert thawed.counts(5)

    def test_what_was_frozen_stays_out_of_a_version_rolled_back_to(self) -> None:
        """The model is as it was while it stood still, and moves again."""
        course = Course(CONFIGURED)
        course.take(3, directive("f", "freeze"))
        course.take(9, directive("t", "thaw"))
        now = course.take(12, directive("r", "roll_back", version=5))
        assert not now.frozen
        assert [offset for offset in range(15) if now.counts(offset)] == [0, 1, 2, 12, 13, 14]


@pytest.mark.parametrize(
    ("given_directive", "said"),
    [
        (directive("x", "set_spec"), "preset is missing"),
        (directive("x", "set_spec", model=ModelChoice("oracle")), "preset must be one of .*, not 'oracle'"),
        (directive("x", "set_spec", model=ModelChoice("tree", copies=1)), "copies must be 0 or from 2"),
        (directive("x", "challenge", model=ModelChoice("logistic")), "is the champion already"),
        (
            directive("x", "challenge", model=ModelChoice("forest"), rule=PromotionRule(least_labels=0)),
            "least_labels is 0",
        ),
        (
            directive("x", "challenge", model=ModelChoice("forest"), rule=PromotionRule(margin=1.0)),
            r"margin is 1\.0",
        ),
        (
            directive("x", "challenge", model=ModelChoice("forest"), rule=PromotionRule(error_rate=0.0)),
            r"error_rate is 0\.0",
        ),
        (directive("x", "promote", challenge="d"), "challenge is 'd'; open ones are: c"),
        (directive("x", "withdraw"), "challenge is 'None'"),
        (directive("x", "roll_back"), "version is None"),
        (directive("x", "roll_back", version=9), "version is 9; .* from 0 to 8"),
        (directive("x", "thaw"), "not frozen"),
        (directive("c", "freeze"), "'c' was given before, at offset 4"),
    ],
)
def test_a_refused_directive_changes_nothing(given_directive: Directive, said: str) -> None:
    """The reason names the field, its value and what would be right."""
    course = tree_in_shadow()
    before = course.now
    with pytest.raises(DirectiveRefused, match=said):
        course.take(9, given_directive)
    assert course.now is before


def test_freezing_twice_is_refused() -> None:
    """It says since when."""
    course = Course(CONFIGURED)
    course.take(3, directive("f", "freeze"))
    with pytest.raises(DirectiveRefused, match="frozen since offset 3"):
        course.take(4, directive("g", "freeze"))


@given(st.data())
def test_a_course_is_a_fold_of_its_directives(data: st.DataObject) -> None:
    """Whatever is given in whatever order: read again, in one go or in two, it is the same, and at every
    offset what was in force then."""
    actions = st.sampled_from(ACTIONS)
    log: list[Directive] = [
        directive(
            f"d{data.draw(st.integers(0, 30))}",
            data.draw(actions),
            model=ModelChoice(data.draw(st.sampled_from(("logistic", "tree", "forest")))),
            challenge=f"d{data.draw(st.integers(0, 12))}",
            version=data.draw(st.integers(0, 14)),
        )
        for _ in range(data.draw(st.integers(0, 14)))
    ]

    def read(records: list[Directive], course: Course) -> Course:
        for record in records:
            offset = log.index(record)
            try:
                course.take(offset, record)
            except DirectiveRefused:
                continue
        return course

    unique = [record for place, record in enumerate(log) if record not in log[:place]]
    whole = read(unique, Course(CONFIGURED))
    for prefix in range(len(unique)):
        part = read(unique[:prefix], Course(CONFIGURED))
        offset = log.index(unique[prefix])
        assert part.now == whole.at(offset)
        assert read(unique[prefix:], part).now == whole.now


def test_gaps_end_before_their_stop() -> None:
    """From the start, up to what is before the stop."""
    assert [offset in Gap(2, 4) for offset in range(6)] == [False, False, True, True, False, False]


extents = st.tuples(st.integers(0, 12), st.none() | st.integers(0, 14))


@given(st.lists(extents, max_size=6), st.integers(0, 14))
def test_what_is_left_out_is_told_in_one_way_only(gaps: list[tuple[int, int | None]], offset: int) -> None:
    """However gaps lie: the stretches cover just what they do before the offset, and are apart."""
    found = clipped([Gap(*gap) for gap in gaps], offset)
    left_out = [place for place in range(offset) if any(place in Gap(*gap) for gap in gaps)]
    assert [place for start, stop in found for place in range(start, stop)] == left_out
    assert all(one[1] < other[0] for one, other in itertools.pairwise(found))
