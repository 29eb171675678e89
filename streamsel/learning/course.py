"""What is in force at each offset of the label log: which model, learning from which records, and what runs
beside it. A fold over the log's directives alone.

    action      refused when                        from the next record on
    set_spec    the model is no model               the model named, having learned all that counts
    challenge   as above, or it is the champion     the model named runs in shadow
    promote     no such challenge is open           as set_spec, with the challenger; the challenge ends
    withdraw    no such challenge is open           the challenge ends
    roll_back   the version is not behind it        all is as it was then: what came between never was
    freeze      it is frozen                        records do not count until ...
    thaw        it is not frozen                    ... they all do

A directive that is refused, or was given before under the same id, changes nothing, everywhere alike. When
the champion changes, open challenges stay and are compared anew: evidence against one model is none against
another.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Self

from streamsel.learning.gaps import Gap, clipped
from streamsel.learning.spec import ModelSpec
from streamsel.records import Directive, ModelChoice, PromotionRule

if TYPE_CHECKING:
    # A desk knows what is in force without the models.
    from streamsel.learning.fold import Fold


class DirectiveRefused(ValueError):
    """A directive that can't be obeyed. The message names the field, its value and what would be right."""


class DirectiveMistaken(DirectiveRefused):
    """One that no log could make right: it names no model, or a rule that can't be."""


@dataclass(frozen=True, slots=True)
class Challenge:
    """A model in shadow, and when it is to be promoted."""

    spec: ModelSpec
    rule: PromotionRule
    since: int
    """Labels from this offset on are compared."""


@dataclass(frozen=True, slots=True)
class InForce:
    """What holds for the records from some offset on, and how the model is made from those before it."""

    spec: ModelSpec
    gaps: tuple[Gap, ...] = ()
    challenges: Mapping[str, Challenge] = field(default_factory=dict)
    """By the id of the directive that was the challenge."""

    @classmethod
    def of(cls, fold: Fold) -> Self:
        """What a fold goes by."""
        return cls(fold.spec, tuple(fold.gaps))

    @property
    def frozen(self) -> bool:
        """Whether the model stands still."""
        return bool(self.gaps) and self.gaps[-1].stop is None

    def counts(self, offset: int) -> bool:
        """Whether the record at this offset is one the model learns from."""
        return not any(offset in gap for gap in self.gaps)

    def left_out(self, offset: int) -> tuple[tuple[int, int], ...]:
        """The stretches of records before ``offset`` that do not count. Models of one spec are the same at an
        offset when these are."""
        return clipped(self.gaps, offset)

    def makes(self, fold: Fold) -> bool:
        """Whether the fold has become what a fold under this would be at its version."""
        return fold.spec == self.spec and clipped(fold.gaps, fold.version) == self.left_out(fold.version)


class Course:
    """What was in force when. Two that took the same directives at the same offsets are equal."""

    def __init__(self, configured: ModelSpec) -> None:
        """``configured`` is in force until a directive says otherwise."""
        self._configured = configured
        self._past: list[tuple[int, InForce]] = [(0, InForce(configured))]
        self._taken: dict[str, int] = {}

    @property
    def now(self) -> InForce:
        """After all directives taken."""
        return self._past[-1][1]

    @property
    def directives(self) -> int:
        """Directives obeyed so far."""
        return len(self._past) - 1

    def at(self, offset: int) -> InForce:
        """What was in force for the record at ``offset``."""
        return next(then for since, then in reversed(self._past) if since <= offset)

    def offset_of(self, directive_id: str) -> int | None:
        """Where the directive of this id was first met; ``None`` if it was not."""
        return self._taken.get(directive_id)

    def take(self, offset: int, directive: Directive) -> InForce:
        """The directive at ``offset``, behind all others taken. Returns what is in force after it. Raises
        ``DirectiveRefused``; it then changes nothing."""
        known = self._taken.setdefault(directive.directive_id, offset)
        if known != offset:
            raise DirectiveRefused(
                f"directive_id '{directive.directive_id}' was given before, at offset {known}"
            )
        then = self._obeyed(offset, directive)
        self._past.append((offset + 1, then))
        return then

    def check(self, offset: int, directive: Directive) -> InForce:
        """What would be in force after it, at this offset and behind all others taken. Raises
        ``DirectiveRefused``."""
        if directive.directive_id in self._taken:
            raise DirectiveRefused(
                f"directive_id '{directive.directive_id}' was given before, "
                f"at offset {self._taken[directive.directive_id]}"
            )
        return self._obeyed(offset, directive)

    def _obeyed(self, offset: int, directive: Directive) -> InForce:
        now = self.now
        match directive.action:
            case "set_spec":
                return _under(now, self._spec(directive.model), offset)
            case "challenge":
                spec = self._spec(directive.model)
                if spec == now.spec:
                    raise DirectiveRefused(
                        f"model '{spec.preset}' with seed {spec.seed} is the champion already; "
                        "a challenger must be another"
                    )
                challenge = Challenge(spec, _checked(directive.rule), offset + 1)
                return replace(now, challenges={**now.challenges, directive.directive_id: challenge})
            case "promote":
                challenge = self._open(directive)
                without = _without(now, directive.challenge)
                return _under(without, challenge.spec, offset)
            case "withdraw":
                self._open(directive)
                return _without(now, directive.challenge)
            case "roll_back":
                version = directive.version
                if version is None or not 0 <= version < offset:
                    raise DirectiveRefused(
                        f"version is {version}; to roll back to, it must be from 0 to {offset - 1}, "
                        "an offset of the label log before the directive"
                    )
                then = self.at(version)
                # What was frozen then stays as it was, and goes on from here.
                kept = tuple(gap if gap.stop is not None else Gap(gap.start, offset) for gap in then.gaps)
                return replace(then, gaps=(*kept, Gap(version, offset)))
            case "freeze":
                if now.frozen:
                    raise DirectiveRefused(f"the model is frozen since offset {now.gaps[-1].start}")
                return replace(now, gaps=(*now.gaps, Gap(offset)))
            case "thaw":
                if not now.frozen:
                    raise DirectiveRefused("the model is not frozen")
                return replace(now, gaps=now.gaps[:-1])

    def _spec(self, model: ModelChoice | None) -> ModelSpec:
        if model is None:
            raise DirectiveMistaken("preset is missing; it must name a model")
        if model == ModelChoice(
            self._configured.preset or "", self._configured.seed, self._configured.copies
        ):
            return self._configured
        try:
            return replace(
                self._configured, preset=model.preset, factory=None, seed=model.seed, copies=model.copies
            )
        except ValueError as error:
            raise DirectiveMistaken(str(error)) from None

    def _open(self, directive: Directive) -> Challenge:
        challenge = self.now.challenges.get(directive.challenge or "")
        if challenge is None:
            known = ", ".join(sorted(self.now.challenges)) or "none"
            raise DirectiveRefused(f"challenge is '{directive.challenge}'; open ones are: {known}")
        return challenge


def _under(now: InForce, spec: ModelSpec, offset: int) -> InForce:
    """Another champion. What already is one is no challenger any more; other comparisons begin anew."""
    if spec == now.spec:
        return now
    challenges = {
        name: replace(one, since=offset + 1) for name, one in now.challenges.items() if one.spec != spec
    }
    return replace(now, spec=spec, challenges=challenges)


def _without(now: InForce, challenge: str | None) -> InForce:
    return replace(now, challenges={name: one for name, one in now.challenges.items() if name != challenge})


def _checked(rule: PromotionRule | None) -> PromotionRule:
    rule = rule or PromotionRule()
    if rule.least_labels < 1:
        raise DirectiveMistaken(f"least_labels is {rule.least_labels}; it must be 1 or more")
    if not 0.0 <= rule.margin < 1.0:
        raise DirectiveMistaken(f"margin is {rule.margin}; it must be from 0 to less than 1")
    if not 0.0 < rule.error_rate < 1.0:
        raise DirectiveMistaken(f"error_rate is {rule.error_rate}; it must be between 0 and 1")
    return rule
