"""``streamsel model set|challenge|promote|withdraw|roll-back|freeze|thaw|course``: the model's life."""

from __future__ import annotations

import asyncio
import getpass
import secrets
import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from streamsel.cli.options import AsJson, ConfigFile, load_config, print_json
from streamsel.records import Directive, DirectiveAction, ModelChoice, PromotionMetric, PromotionRule

if TYPE_CHECKING:
    from streamsel.config import Config
    from streamsel.services.directing import Directing, Given

Reason = Annotated[str, typer.Option(help="Why; kept in the label log.", show_default=False)]
Preset = Annotated[str, typer.Argument(help="logistic, tree, forest, portfolio or text.")]
Seed = Annotated[int, typer.Option(min=0, help="As model.seed in the configuration.")]
Copies = Annotated[int, typer.Option(min=0, help="As model.copies in the configuration.")]
ChallengeId = Annotated[str, typer.Argument(help="As `streamsel model course` names it.")]


def register(app: typer.Typer) -> None:
    """Adds the commands to ``streamsel model``."""
    app.command("course", epilog="Example: streamsel model course")(course)
    app.command("set", epilog="Example: streamsel model set portfolio --reason 'better in the backtest'")(
        set_spec
    )
    app.command(
        "challenge",
        epilog="Example: streamsel model challenge tree --metric accuracy --reason 'new merchants'",
    )(challenge)
    app.command("promote", epilog="Example: streamsel model promote 9f2c4e1ab3d05c77 --reason 'agreed'")(
        promote
    )
    app.command("withdraw", epilog="Example: streamsel model withdraw 9f2c4e1ab3d05c77 --reason 'too slow'")(
        withdraw
    )
    app.command("roll-back", epilog="Example: streamsel model roll-back 4100 --reason 'wrong labels since'")(
        roll_back
    )
    app.command("freeze", epilog="Example: streamsel model freeze --reason 'audit'")(freeze)
    app.command("thaw", epilog="Example: streamsel model thaw --reason 'audit is over'")(thaw)


def set_spec(
    preset: Preset,
    reason: Reason,
    seed: Seed = 1,
    copies: Copies = 0,
    path: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Another model in the champion's place. Every selector refolds it from the label log while the champion
    goes on serving, and then serves it."""
    _give("set_spec", reason, path, as_json, model=ModelChoice(preset, seed, copies))


def challenge(
    preset: Preset,
    reason: Reason,
    seed: Seed = 1,
    copies: Copies = 0,
    metric: Annotated[PromotionMetric, typer.Option(help="What the two are compared by.")] = "log_loss",
    least_labels: Annotated[
        int, typer.Option(min=1, help="Compared explore labels before which nothing is decided.")
    ] = 100,
    margin: Annotated[
        float, typer.Option(help="Share of right answers, or nats, it must be better by.")
    ] = 0.0,
    error_rate: Annotated[
        float, typer.Option(help="Most likely one that is no better is promoted, ever.")
    ] = 0.05,
    path: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Another model beside the champion, in shadow. It is promoted once it has proved to be better on labels
    of the explore lane, by the rule declared here."""
    rule = PromotionRule(metric, least_labels, margin, error_rate)
    _give("challenge", reason, path, as_json, model=ModelChoice(preset, seed, copies), rule=rule)


def promote(challenge: ChallengeId, reason: Reason, path: ConfigFile = None, as_json: AsJson = False) -> None:
    """A challenger into the champion's place, whatever its rule says."""
    _give("promote", reason, path, as_json, challenge=challenge)


def withdraw(
    challenge: ChallengeId, reason: Reason, path: ConfigFile = None, as_json: AsJson = False
) -> None:
    """A challenger away."""
    _give("withdraw", reason, path, as_json, challenge=challenge)


def roll_back(
    version: Annotated[int, typer.Argument(min=0, help="A model version: an offset of the label log.")],
    reason: Reason,
    path: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """The model of an earlier version. What the label log got since then does not count any more."""
    _give("roll_back", reason, path, as_json, version=version)


def freeze(reason: Reason, path: ConfigFile = None, as_json: AsJson = False) -> None:
    """No more learning, until `streamsel model thaw`. Labels are taken on, and learned then."""
    _give("freeze", reason, path, as_json)


def thaw(reason: Reason, path: ConfigFile = None, as_json: AsJson = False) -> None:
    """Learning goes on, with what came meanwhile."""
    _give("thaw", reason, path, as_json)


def course(path: ConfigFile = None, as_json: AsJson = False) -> None:
    """What is in force: the champion and its challengers; and every directive ever given."""
    directing = asyncio.run(_read(load_config(path)))
    if as_json:
        from streamsel.api.directive_views import CourseView

        print_json(CourseView.of(directing).model_dump())
        return
    now = directing.course.now
    typer.echo(f"champion    {now.spec.factory or now.spec.preset}, seed {now.spec.seed}")
    if now.frozen:
        typer.echo(f"frozen      since offset {now.gaps[-1].start}")
    for name, one in now.challenges.items():
        typer.echo(f"challenger  {one.spec.preset}, seed {one.spec.seed}, since offset {one.since} ({name})")
    for given in directing.given:
        typer.echo(_line(given))


def _line(given: Given) -> str:
    directive = given.directive
    refused = f" – refused: {given.refused}" if given.refused else ""
    return f"{given.offset:>10}  {directive.action:<10} by {directive.issued_by}: {directive.reason}{refused}"


def _give(action: DirectiveAction, reason: str, path: ConfigFile, as_json: bool, **needed: Any) -> None:
    directive = Directive(
        secrets.token_hex(8), action, f"cli:{getpass.getuser()}", time.time(), reason, **needed
    )
    given = asyncio.run(_given(load_config(path), directive))
    if as_json:
        print_json({"directive_id": directive.directive_id, "offset": given.offset})
    else:
        typer.echo(
            f"{action} is in the label log at offset {given.offset}, as {directive.directive_id}; "
            "every selector obeys it from there on."
        )


async def _given(settings: Config, directive: Directive) -> Given:
    from streamsel import wiring  # brings every server's client: --help should not wait

    async with wiring.opened_label_log(settings) as log:
        return await wiring.directing(settings, log).give(directive)


async def _read(settings: Config) -> Directing:
    from streamsel import wiring

    async with wiring.opened_label_log(settings) as log:
        directing = wiring.directing(settings, log)
        await directing.read()
        return directing
