"""Shows a plan, or what is wrong with a spec, to a person."""

from collections.abc import Iterable

import click

from tunewright.domain.outline import Outline
from tunewright.domain.refinement import needed_trials
from tunewright.domain.space import CategoricalRange, IntegerRange, Range, show_range
from tunewright.domain.spec import Strategy, StudySpec
from tunewright.domain.values import show_duration, show_money
from tunewright_client.spec_file import Complaint


def show_complaints(complaints: tuple[Complaint, ...]) -> None:
    """Print each problem with its line, and the line itself, on standard error."""
    for each in complaints:
        where = f"{each.where}: " if each.where else ""
        place = click.style(f"{each.file}:{each.line}:", bold=True)
        click.echo(f"{place} {where}{each.message}", err=True)
        if each.source:
            click.echo(click.style(f"  {each.line:>4} | {each.source}", dim=True), err=True)
    count = len(complaints)
    noun = "problem" if count == 1 else "problems"
    click.echo(f"{count} {noun}. Nothing was launched.", err=True)


def show_plan(spec: StudySpec, whole: Outline, uploads: tuple[str, ...] = ()) -> None:
    """Print what a study would do, and what would be uploaded for it."""
    tick = click.style("✓", fg="green")
    click.echo(f" {tick} {spec.study}: {spec.objective.goal} {spec.objective.metric}")
    click.echo(f" {tick} {_trial_text(spec)}")
    for each in uploads:
        click.echo(f" {click.style('↑', fg='cyan')} would upload {each}")
    for where, message in whole.notes:
        click.echo(f" {click.style('!', fg='yellow')} {f'{where}: ' if where else ''}{message}")
    click.echo()
    ranges = spec.search_space
    learns = spec.rounds.strategy is Strategy.BAYESIAN and not spec.winner.subject_to
    uncut = learns and whole.first_trials >= needed_trials(ranges)
    for line in _table(_range_row(each, uncut=uncut) for each in ranges.ranges):
        click.echo(f"   {line}")
    click.echo()
    for name, text in _money_rows(spec, whole):
        click.echo(f" ~ {name:<9} {text}")
    count = len(whole.notes)
    noun = "note" if count == 1 else "notes"
    click.echo(f"\n   0 problems, {count} {noun}. Nothing was launched.")


def _trial_text(spec: StudySpec) -> str:
    training = spec.training
    what = training.algorithm or training.image
    if training.script is not None:
        what = f"{training.script.entry_point} on {training.script.framework}"
    spot = "" if training.spot_max_wait is None else ", on spot"
    inputs = ", ".join(training.inputs)
    return (
        f"each trial runs {what} on {training.count} × {training.instance}{spot} for at most "
        f"{show_duration(training.max_run)}, with {inputs}"
    )


def _range_row(range_: Range, *, uncut: bool) -> tuple[str, str, str]:
    """Say how a range may change: of a Bayesian search none is cut, unless limits ask for it."""
    if isinstance(range_, CategoricalRange):
        return range_.name, show_range(range_), ""
    low, high = f"{range_.hard_low:g}", f"{range_.hard_high:g}"
    whole = ", whole numbers" if isinstance(range_, IntegerRange) else ""
    if (range_.hard_low, range_.hard_high) == (range_.low, range_.high):
        change = "stays as it is" if uncut else "may be narrowed"
        return range_.name, show_range(range_), f"{change}{whole}"
    change = "may be widened to" if uncut else "may move within"
    return range_.name, show_range(range_), f"{change} {low}–{high}{whole}"


def _table(rows: Iterable[tuple[str, str, str]]) -> list[str]:
    held = list(rows)
    widths = [max((len(row[column]) for row in held), default=0) for column in range(2)]
    return [
        f"{name:<{widths[0]}}  {range_:<{widths[1]}}  {note}".rstrip()
        for name, range_, note in held
    ]


def _money_rows(spec: StudySpec, whole: Outline) -> list[tuple[str, str]]:
    rounds = "round" if whole.rounds == 1 else "rounds"
    rows = [
        (
            "search",
            f"up to {whole.rounds} {rounds} and {whole.trials} trials, {spec.rounds.parallel} at a "
            f"time ({spec.rounds.strategy}); worst {show_money(whole.search_cost)}",
        ),
        (
            "round 1",
            f"{whole.first_trials} trials × ≤ {show_duration(spec.training.max_run)}; "
            f"worst {show_money(whole.round_cost)}, reserved before it starts",
        ),
    ]
    if spec.deploy is not None:
        asks = " after your approval" if spec.deploy.approve else ""
        rows.append(
            (
                "endpoint",
                f"{spec.deploy.to} on {spec.deploy.count} × {spec.deploy.instance}{asks}, for "
                f"{show_duration(spec.deploy.lease)}; {show_money(whole.reserve)} set aside",
            )
        )
    if whole.limit is not None:
        rows.append(("budget", f"{show_money(whole.limit)}, never exceeded"))
    return rows
