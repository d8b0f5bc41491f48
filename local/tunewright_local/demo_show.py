"""Shows the demo while it runs and sums it up at the end; plain lines when nobody watches."""

import time
from dataclasses import dataclass
from decimal import Decimal
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.markup import escape
from rich.text import Text

from tunewright.adapters.memory import MemoryStore
from tunewright.domain.prices import price_per_second
from tunewright.domain.space import show_range
from tunewright.domain.study import Decision, DecisionKind, Study
from tunewright.domain.trial import Trial, TrialStatus
from tunewright.domain.values import show_duration, show_money

_QUIET = frozenset({DecisionKind.NEW_BEST})
"""Decisions that the line of their trial tells already."""
_LEFT_OUT = _QUIET | {DecisionKind.ROUND_PLANNED, DecisionKind.ROUND_STARTED, DecisionKind.DEPLOYED}
"""Decisions that a summary can do without, or that the next one repeats."""


@dataclass(frozen=True)
class Scores:
    """How good the models are.

    Attributes:
        rows: Rows that were held out.
        first_trial: The best trial of round 1.
        first: Its score on the held-out rows.
        winner: The score of the endpoint's answers on the held-out rows.
        recorded: The winner's objective, as it was recorded.
        reproduced: The same, computed from its model.tar.gz by plain xgboost.
    """

    rows: int
    first_trial: str
    first: float
    winner: float
    recorded: float
    reproduced: float


class Progress:
    """Prints each trial and each decision as it comes."""

    def __init__(self, console: Console, store: MemoryStore, began: float) -> None:
        self._console = console
        self._store = store
        self._began = began
        self._trials: set[str] = set()
        self._decisions = 0
        self._best: float | None = None
        self._status = console.status("starting")

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._status.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._status.stop()

    def show(self, study: Study) -> None:
        """Print what is new."""
        for trial in self._store.of_study(study.id):
            if trial.is_ended and trial.name not in self._trials:
                self._trials.add(trial.name)
                self._console.print(self._trial_line(study, trial))
        decisions = self._store.decisions(study.id)
        for decision in decisions[self._decisions :]:
            if decision.kind not in _QUIET:
                self._console.print(self._decision_text(decision))
        self._decisions = len(decisions)
        live = study.live
        if live is not None:
            done = live.progress.finished
            self._status.update(f"round {live.plan.number}: {done} of {live.plan.trials} trials")

    def _clock(self) -> str:
        minutes, seconds = divmod(int(time.monotonic() - self._began), 60)
        return f"{minutes:2d}:{seconds:02d}"

    def _trial_line(self, study: Study, trial: Trial) -> Text:
        owner = next(each for each in study.rounds if each.plan.job == trial.tuning_job)
        number = len([name for name in self._trials if name.startswith(trial.tuning_job)])
        value = "–" if trial.objective is None else f"{trial.objective:.5f}"
        mark = "  "
        if trial.is_scored and study.spec.objective.better(trial.objective or 0.0, self._best):
            self._best, mark = trial.objective, "▲ "
        elif trial.status is not TrialStatus.COMPLETED:
            mark = {TrialStatus.STOPPED: "◦ "}.get(trial.status, "✗ ")
        values = "  ".join(
            f"{name} {_short(trial.parameters[name])}" for name in ("eta", "max_depth")
        )
        line = (
            f"{self._clock()}   r{owner.plan.number} {number:2d}/{owner.plan.trials}  "
            f"{value} {mark} {values}"
        )
        return Text(line, style="green" if mark == "▲ " else "")

    def _decision_text(self, decision: Decision) -> str:
        head, *rest = decision.reason.split("; ")
        lines = [f"{self._clock()} [bold]{decision.kind}[/bold]  {escape(head)}"]
        lines += [f"                 {escape(each)}" for each in rest]
        return "\n".join(lines)


def _short(text: str) -> str:
    try:
        return f"{float(text):.3g}"
    except ValueError:
        return text


def show_summary(
    console: Console,
    study: Study,
    trials: tuple[Trial, ...],
    decisions: tuple[Decision, ...],
    scores: Scores,
    seconds: float,
) -> None:
    """Sum a study up in words: what was tried, decided, reached, what it would have cost."""
    console.rule("what was tried")
    _show_rounds(console, study, decisions)
    console.rule("what was decided, and why")
    for decision in decisions:
        if decision.kind not in _LEFT_OUT:
            head, *rest = decision.reason.split("; ")
            console.print(f"#{decision.seq:<3} [bold]{decision.kind}[/bold]: {escape(head)}")
            for each in rest:
                console.print(f"     {escape(each)}")
    console.rule("how good it is")
    _show_scores(console, scores)
    console.rule("what it would have cost on AWS")
    _show_cost(console, study, trials)
    console.rule("what to type next")
    console.print(
        "  .venv/bin/tunewright plan examples/demo/study.yaml     what a study would do\n"
        "  .venv/bin/tunewright explain examples/demo/study.yaml  every default written out\n"
        "  .venv/bin/python -m sagemaker_local --dir /tmp/sm      a SageMaker for your clients\n"
        "  make test                                              see that it is sound"
    )
    console.print(f"\nDone in {show_duration(seconds)}, with nobody touching it.")


def _show_rounds(console: Console, study: Study, decisions: tuple[Decision, ...]) -> None:
    metric = study.spec.objective.metric
    why = {
        each.round_number: each.numbers["changes"]
        for each in decisions
        if each.kind is DecisionKind.REFINED
    }
    for each in study.rounds:
        progress = each.progress
        best = "no objective" if progress.best is None else f"best {metric} {progress.best:.5f}"
        took = (each.ended - each.began).total_seconds() if each.ended and each.began else 0
        console.print(
            f"[bold]round {each.plan.number}[/bold]  {each.launched} of {each.plan.trials} trials, "
            f"{best}, {show_money(progress.spent)}, {show_duration(took)}; "
            f"ended by {each.stopped_by or 'its last trial'}"
        )
        changes = why.get(each.plan.number, {})
        for name in study.spec.search_space.names:
            told = changes.get(name, {"after": show_range(each.plan.space[name]), "why": ""})
            before = told.get("before", "").removesuffix(" (log)")  # the scaling is told once
            moved = told["kind"] != "unchanged" if told["why"] else False
            note = f"{told['kind']}, {told['why']}" if told["why"] else ""
            row = f"         {name:<16}  {f'{before} → ' if moved else ''}{told['after']}"
            console.print(f"{row:<66}  {note}".rstrip())


def _show_scores(console: Console, scores: Scores) -> None:
    console.print(
        f"On {scores.rows} rows that nobody trained on or chose by:\n"
        f"  round 1's best ({scores.first_trial})  AUC {scores.first:.5f}\n"
        f"  the winner, by the endpoint's own answers   AUC {scores.winner:.5f}  "
        f"({scores.winner - scores.first:+.5f})\n"
        f"The winner's model.tar.gz in plain xgboost gives {scores.reproduced:.5f} on the\n"
        f"validation rows; recorded was {scores.recorded:.5f}."
    )


def _show_cost(console: Console, study: Study, trials: tuple[Trial, ...]) -> None:
    seconds = sum(trial.billable_seconds or 0 for trial in trials)
    spent = sum((trial.cost for trial in trials), Decimal(0))
    training, deploy = study.spec.training, study.spec.deploy
    limit = study.profile.budget(study.spec)
    console.print(
        f"  {len(trials)} trials billed for {show_duration(seconds)} of {training.instance}: "
        f"{show_money(spent)}"
        + (f" of the {show_money(limit)} allowed" if limit is not None else "")
    )
    if deploy is not None and study.deployment is not None:
        price = study.deployment.price_per_hour
        console.print(
            f"  the endpoint on {deploy.instance}: {show_money(price)} an hour, "
            f"{show_money(study.ledger.set_aside)} for its lease of {show_duration(deploy.lease)}"
        )
    console.print(
        "  Seconds are those measured here; an instance of AWS's takes longer or shorter, and the\n"
        f"  price of {show_money(price_per_second(training.instance, {}) * 3600)} an hour is our "
        "table's, not AWS's word."
    )
