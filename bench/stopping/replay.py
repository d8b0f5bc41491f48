"""Replays recorded searches under stopping rules: what each saves, and what it loses.

Our rules are judged by the domain's own what-if, AMT's by the local AMT. Beside them stands who
knows the end: he stops at the first trial that is within a tolerance of the search's best. No rule
can do better, so he tells what there is to save at all.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.search.families import load
from bench.search.results import RESULTS
from bench.stopping.tables import table
from bench.stopping.traces import study_of
from sagemaker_local.suggest.completion import not_improving
from tunewright.domain.spec import All, Gain, NotImproving, Regret, Rule
from tunewright.domain.stopping import Ends
from tunewright.domain.whatif import what_if

if TYPE_CHECKING:
    from bench.search.problem import Problem
    from tunewright.domain.study import Study
    from tunewright.domain.trial import Trial

ENGINE = "bayesian"
LOSES_MUCH = 0.02
AMT_GAIN = 0.01


@dataclass(frozen=True)
class Line:
    """One rule on all traces of an engine.

    Attributes:
        engine: Whose traces.
        rule: The rule, in words.
        saved: The share of the trials that it saves.
        lost: How much greater the normalised regret is than at the end, on average.
        lost_much: The share of the runs that lose more than 0.02.
        fired: The share of the runs that it ended.
        runs: How many there are.
    """

    engine: str
    rule: str
    saved: float
    lost: float
    lost_much: float
    fired: float
    runs: int


Stop = Callable[["Study", "list[Trial]"], "tuple[int, int] | None"]
"""Trials that have ended and trials launched when a rule fires; None if it never does."""


def ours(*rules: Rule) -> Stop:
    """Our own rules, as they stand in the domain; any of them may fire."""

    def stop(study: Study, trials_: list[Trial]) -> tuple[int, int] | None:
        found = what_if(study, trials_, rules)
        if not found.firings:
            return None
        fired = found.firings[0]
        assert fired.ends is Ends.ROUND  # noqa: S101 - all of them end it
        return sum((t.ended or fired.at) <= fired.at for t in trials_), found.trials

    return stop


def amt(trials: int) -> Stop:
    """AMT's MaxNumberOfTrainingJobsNotImproving, with its documented one per cent."""

    def stop(_: Study, trials_: list[Trial]) -> tuple[int, int] | None:
        values = [trial.objective or 0.0 for trial in trials_]
        for count in range(2, len(values)):
            if not_improving(values[:count], "Minimize", AMT_GAIN) >= trials:
                return count, _launched(trials_, count)
        return None

    return stop


def foresight(tolerance: float, scale: float) -> Stop:
    """Who knows the end."""

    def stop(_: Study, trials_: list[Trial]) -> tuple[int, int] | None:
        best = np.minimum.accumulate([trial.objective or 0.0 for trial in trials_])
        count = int(np.argmax(best <= best[-1] + tolerance * scale)) + 1
        return count, count

    return stop


def _launched(trials: list[Trial], ended: int) -> int:
    when = trials[ended - 1].ended
    return sum(when is None or trial.created <= when for trial in trials)


def rules(problem: Problem) -> dict[str, Stop]:
    """Return all rules by name."""
    scale = problem.measured.typical - problem.measured.best
    found: dict[str, Stop] = {}
    for count in (10, 15, 20, 25):
        default = " (default)" if count == NotImproving().trials else ""
        found[f"not_improving, {count} trials, 2 % of spread{default}"] = ours(
            NotImproving(trials=count)
        )
    for count in (15, 20):
        found[f"not_improving, {count} trials, 2 % of spread, from 15 on"] = ours(
            NotImproving(trials=count, warm_up=15)
        )
    high_bar = Gain(kind="spread", amount=0.05)
    found["not_improving, 15 trials, 5 % of spread"] = ours(NotImproving(min_gain=high_bar))
    any_gain = Gain(kind="absolute", amount=0.0)
    found["not_improving, 15 trials, any gain"] = ours(NotImproving(min_gain=any_gain))
    found["regret, below 5 % of spread at 90 % (its default)"] = ours(Regret())
    loose = Regret(below=Gain(kind="spread", amount=0.2))
    found["not_improving, 10 trials, and regret, below 20 % at 90 %; or 25 trials"] = ours(
        All(rules=(NotImproving(trials=10), loose)), NotImproving(trials=25)
    )
    found |= {f"AMT, {count} trials": amt(count) for count in (10, 20, 30)}
    found |= {f"who knows the end, within {t}": foresight(t, scale) for t in (0.005, 0.01, 0.02)}
    return found


def replay(traces: list[dict[str, Any]]) -> list[Line]:
    """Replay every rule on every trace of a search that learns, on all cores."""
    learning = [trace for trace in traces if trace["engine"] == ENGINE]
    found: dict[str, list[tuple[float, float, bool]]] = {}
    with ProcessPoolExecutor() as pool:
        for told in pool.map(replayed, learning):
            for name, row in told.items():
                found.setdefault(name, []).append(row)
    return [_line(ENGINE, name, np.array(rows)) for name, rows in found.items()]


def replayed(trace: dict[str, Any]) -> dict[str, tuple[float, float, bool]]:
    """Return for each rule what it saves and loses on a trace, and whether it fired."""
    problem = _problem(trace["problem"])
    study, trials = study_of(problem, trace)
    end = min(trial.objective or 0.0 for trial in trials)
    found = {}
    for name, stop in rules(problem).items():
        fired = stop(study, trials)
        ended, launched = fired or (len(trials), len(trials))
        best = min(trial.objective or 0.0 for trial in trials[:ended])
        lost = problem.regret(best) - problem.regret(end)
        found[name] = (1 - launched / len(trials), lost, fired is not None)
    return found


_problem = cache(load)


def _line(engine: str, name: str, rows: np.ndarray) -> Line:
    saved, lost, fired = rows.mean(axis=0)
    much = float(np.mean(rows[:, 1] > LOSES_MUCH))
    return Line(engine, name, float(saved), float(lost), much, float(fired), len(rows))


def main() -> None:
    """Print the table, and write it as JSON."""
    for line in table(__doc__, RESULTS / "stopping.json", replay):
        print(
            f"{line.engine:<10} {line.rule:<48} saved {line.saved:4.0%}  lost {line.lost:.4f}  "
            f"lost > 0.02 {line.lost_much:4.0%}  fired {line.fired:4.0%}  n {line.runs}"
        )


if __name__ == "__main__":
    main()
