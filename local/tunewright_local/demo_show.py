"""Shows the demo while it runs and sums it up at the end; plain lines when nobody watches."""

import time
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.markup import escape
from rich.text import Text

from tunewright.domain.prices import price_per_second
from tunewright.domain.values import show_duration, show_money
from tunewright_local.inbox import Letter
from tunewright_local.inbox_text import letter_text

_QUIET = frozenset({"new best"})
"""Decisions that the line of their trial tells already."""
_LEFT_OUT = _QUIET | {"round planned", "round started", "deployed"}
"""Decisions that a summary can do without, or that the next one repeats."""

Json = dict[str, Any]


@dataclass(frozen=True)
class Ran:
    """A study as the API shows it: itself, its trials, its decisions."""

    study: Json
    trials: list[Json]
    decisions: list[Json]


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

    def __init__(self, console: Console, began: float) -> None:
        self._console = console
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

    def show(self, ran: Ran) -> None:
        """Print what is new, in the order in which it happened."""
        ended = [each for each in ran.trials if each["ended"] and each["name"] not in self._trials]
        news = [(each["ended"], 0, each) for each in ended]
        news += [(each["at"], 1, each) for each in ran.decisions[self._decisions :]]
        for _, is_decision, each in sorted(news, key=lambda new: new[:2]):
            if not is_decision:
                self._trials.add(each["name"])
                self._console.print(self._trial_line(ran.study, each))
            elif each["kind"] not in _QUIET:
                self._console.print(self._decision_text(each))
        self._decisions = len(ran.decisions)
        rounds = ran.study["round_list"]
        if rounds:
            live = rounds[-1]
            self._status.update(
                f"round {live['number']}: {live['finished']} of {live['trials_at_most']} trials"
            )

    def _clock(self) -> str:
        minutes, seconds = divmod(int(time.monotonic() - self._began), 60)
        return f"{minutes:2d}:{seconds:02d}"

    def _trial_line(self, study: Json, trial: Json) -> Text:
        owner = next(
            each for each in study["round_list"] if each["tuning_job"] == trial["tuning_job"]
        )
        number = len([name for name in self._trials if name.startswith(trial["tuning_job"])])
        objective, mark = trial["objective"], "  "
        value = "–" if objective is None else f"{objective:.5f}"
        if trial["status"] == "Completed" and objective is not None and self._is_best(objective):
            self._best, mark = objective, "▲ "
        elif trial["status"] != "Completed":
            mark = "◦ " if trial["status"] == "Stopped" else "✗ "
        values = "  ".join(
            f"{name} {_short(trial['parameters'][name])}" for name in ("eta", "max_depth")
        )
        line = (
            f"{self._clock()}   r{owner['number']} {number:2d}/{owner['trials_at_most']}  "
            f"{value} {mark} {values}"
        )
        return Text(line, style="green" if mark == "▲ " else "")

    def _is_best(self, objective: float) -> bool:
        return self._best is None or objective > self._best  # the demo maximizes

    def _decision_text(self, decision: Json) -> str:
        head, *rest = decision["reason"].split("; ")
        lines = [f"{self._clock()} [bold]{decision['kind']}[/bold]  {escape(head)}"]
        lines += [f"                 {escape(each)}" for each in rest]
        return "\n".join(lines)


def _short(text: str) -> str:
    try:
        return f"{float(text):.3g}"
    except ValueError:
        return text


def show_letters(console: Console, letters: list[Letter]) -> None:
    """Show what people were told: one Slack message and one e-mail whole, the others by title."""
    console.rule("what people were told")
    shown: list[Letter] = []
    for kind, name in (("slack", "in Slack"), ("mail", "by e-mail")):
        of_kind = [each for each in letters if each.kind == kind]
        whole = next((each for each in of_kind if "ranges" in each.title), None)
        whole = of_kind[-1] if kind == "mail" and of_kind else whole
        if whole is not None:
            shown.append(whole)
            console.print(f"[bold]{name}[/bold], {whole.at[11:19]} UTC")
            for line in letter_text(whole):
                console.print(f"  │ {escape(line)}".rstrip())
            console.print()
    console.print("and, each by both ways:")
    titles = [each.title for each in letters if each.kind == "slack" and each not in shown]
    best = [title for title in titles if "new best" in title]
    for title in titles:
        if title not in best:
            console.print(f"  {escape(title)}")
    if best:
        console.print(f"  {len(best)} × new best, the last: {escape(best[-1])}")


def show_summary(console: Console, ran: Ran, scores: Scores, seconds: float) -> None:
    """Sum a study up in words: what was tried, decided, reached, what it would have cost."""
    console.rule("what was tried")
    _show_rounds(console, ran)
    console.rule("what was decided, and why")
    for decision in ran.decisions:
        if decision["kind"] not in _LEFT_OUT:
            head, *rest = decision["reason"].split("; ")
            console.print(f"#{decision['seq']:<3} [bold]{decision['kind']}[/bold]: {escape(head)}")
            for each in rest:
                console.print(f"     {escape(each)}")
    console.rule("how good it is")
    _show_scores(console, scores)
    console.rule("what it would have cost on AWS")
    _show_cost(console, ran)
    console.rule("what to type next")
    console.print(
        "  .venv/bin/tunewright plan examples/demo/study.yaml     what a study would do\n"
        "  .venv/bin/tunewright explain examples/demo/study.yaml  every default written out\n"
        "  .venv/bin/tunewright local up                          this cloud, for your studies\n"
        "  make test                                              see that it is sound"
    )
    console.print(f"\nDone in {show_duration(seconds)}, with nobody touching it.")


def _show_rounds(console: Console, ran: Ran) -> None:
    metric = ran.study["metric"]
    why = {
        each["round_number"]: each["numbers"]["changes"]
        for each in ran.decisions
        if each["kind"] == "ranges refined"
    }
    for each in ran.study["round_list"]:
        launched = sum(trial["tuning_job"] == each["tuning_job"] for trial in ran.trials)
        best = "no objective" if each["best"] is None else f"best {metric} {each['best']:.5f}"
        began, ended = (datetime.fromisoformat(each[name]) for name in ("began", "ended"))
        console.print(
            f"[bold]round {each['number']}[/bold]  {launched} of {each['trials_at_most']} trials, "
            f"{best}, {show_money(Decimal(each['spent']))}, "
            f"{show_duration((ended - began).total_seconds())}; "
            f"ended by {each['stopped_by'] or 'its last trial'}"
        )
        changes = why.get(each["number"], {})
        for name, shown in each["ranges"].items():
            told = changes.get(name, {"after": shown, "why": ""})
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


def _show_cost(console: Console, ran: Ran) -> None:
    seconds = sum(trial["billable_seconds"] or 0 for trial in ran.trials)
    spent = sum((Decimal(trial["cost"]) for trial in ran.trials), Decimal(0))
    spec, study = ran.study["spec"], ran.study
    instance, deploy = spec["training"]["instance"], spec.get("deploy")
    limit = study["budget"]
    console.print(
        f"  {len(ran.trials)} trials billed for {show_duration(seconds)} of {instance}: "
        f"{show_money(spent)}"
        + (f" of the {show_money(Decimal(limit))} allowed" if limit is not None else "")
    )
    if deploy is not None and study["deployment"] is not None:
        price = Decimal(study["deployment"]["price_per_hour"])
        set_aside = Decimal(study["ledger"]["set_aside"])
        console.print(
            f"  the endpoint on {deploy['instance']}: {show_money(price)} an hour, "
            f"{show_money(set_aside)} for its lease of {deploy['lease']}"
        )
    console.print(
        "  Seconds are those measured here; an instance of AWS's takes longer or shorter, and the\n"
        f"  price of {show_money(price_per_second(instance, {}) * 3600)} an hour is our "
        "table's, not AWS's word."
    )
