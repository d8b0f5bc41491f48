"""How long the surrogate's work takes on one core, and the memory: printed as a table.

Run it with `make bench`, which holds BLAS to one thread: two that wait for each other would be
counted twice. What a Lambda has for a decision is a fraction of a second.
"""

import resource
import statistics
import time
from collections.abc import Callable
from decimal import Decimal

import numpy as np

from gp_surrogate import GaussianProcess
from sagemaker_local.suggest.bayesian import Observed, suggest_bayesian
from sagemaker_local.suggest.space import Space
from tests.support.build import START, trial
from tunewright.domain.forecast import forecast
from tunewright.domain.objective import Goal, Objective
from tunewright.domain.refinement import refine
from tunewright.domain.round import Bar, Progress
from tunewright.domain.space import ContinuousRange, SearchSpace
from tunewright.domain.spec import DEFAULT_RULES
from tunewright.domain.stopping import Situation, judge, look_out
from tunewright.domain.trial import Trial

RUNS = 7
OBJECTIVE = Objective(metric="m", goal=Goal.MAXIMIZE)


def measure(work: Callable[[], object]) -> tuple[float, float, float]:
    """Return minimum, median and maximum of the CPU seconds of several runs, after one to warm."""
    work()
    spent = []
    for _ in range(RUNS):
        before = time.process_time()
        work()
        spent.append(time.process_time() - before)
    return min(spent), statistics.median(spent), max(spent)


def points(count: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Return points of shape (count, size) in the unit cube and a smooth value for each."""
    drawn = np.random.default_rng(7).random((count, size))
    return drawn, -((drawn - 0.4) ** 2).sum(axis=1)


def fit(count: int, size: int) -> Callable[[], object]:
    """Fit a Gaussian process."""
    x, y = points(count, size)
    return lambda: GaussianProcess.fit(x, -y)


def study(count: int, size: int) -> tuple[SearchSpace, list[Trial]]:
    """Return a space and the trials of a study in it."""
    names = [f"x{index}" for index in range(size)]
    space = SearchSpace(
        ranges=tuple(
            ContinuousRange(name=name, low=0.0, high=1.0, hard_low=-1.0, hard_high=2.0)
            for name in names
        )
    )
    x, y = points(count, size)
    trials = [
        trial(
            number,
            float(value),
            name=f"t{number}",
            parameters={name: repr(float(each)) for name, each in zip(names, row, strict=True)},
        )
        for number, (row, value) in enumerate(zip(x, y, strict=True))
    ]
    return space, trials


def refinement(count: int, size: int) -> Callable[[], object]:
    """Refine ranges."""
    space, trials = study(count, size)
    return lambda: refine(space, trials, OBJECTIVE, study_id="bench", round_number=2)


def forecasting(count: int, size: int) -> Callable[[], object]:
    """Forecast a round."""
    space, trials = study(count, size)
    return lambda: forecast(
        space,
        trials,
        OBJECTIVE,
        trials_ahead=20,
        adaptive=True,
        study_id="bench",
        round_number=2,
    )


def outlook(count: int, size: int) -> Callable[[], object]:
    """Ask how much a round's ranges may still hold, for the rule about regret."""
    space, trials = study(count, size)
    return lambda: look_out(space, trials, OBJECTIVE, study_id="bench", round_number=1)


def verdicts(count: int) -> Callable[[], object]:
    """Let the default rules judge a round of a study of so many trials."""
    progress = Progress(completed=count, bar=Bar(value=0.5, trial="t"), early=(0.1,) * 20)
    situation = Situation(
        objective=OBJECTIVE,
        progress=progress,
        best=0.5,
        finished=count,
        parameters=10,
        trials=count + 1,
        parallel=5,
        spent=Decimal(1),
        began=START,
        now=START,
    )
    return lambda: [judge(rule, situation) for rule in DEFAULT_RULES]


def suggestion(count: int, size: int) -> Callable[[], object]:
    """Suggest a trial, with five pending."""
    ranges = [{"Name": f"x{n}", "MinValue": "0", "MaxValue": "1"} for n in range(size)]
    space = Space.parse({"ContinuousParameterRanges": ranges})
    x, y = points(count + 5, size)
    rows = [{f"x{n}": repr(float(each)) for n, each in enumerate(row)} for row in x]
    seen = [
        Observed(parameters=row, value=float(value), own=True)
        for row, value in zip(rows[:count], y, strict=False)
    ]
    return lambda: suggest_bayesian(space, "Maximize", seen, rows[count:], seed=1, index=count)


def main() -> None:
    """Measure everything and print it."""
    print(f"{'':<34}{'min':>8}{'median':>9}{'max':>8}   CPU milliseconds, {RUNS} runs")
    for name, work in (
        ("fit 100 × 10", fit(100, 10)),
        ("fit 300 × 10", fit(300, 10)),
        ("refine 100 trials × 10", refinement(100, 10)),
        ("forecast 100 trials × 10", forecasting(100, 10)),
        ("regret, 100 trials × 10", outlook(100, 10)),
        ("regret, 400 trials × 10", outlook(400, 10)),
        ("default rules, 750 trials", verdicts(750)),
        ("refine 750 trials × 20", refinement(750, 20)),
        ("suggest at 100 trials × 7", suggestion(100, 7)),
        ("suggest at 400 trials × 7", suggestion(400, 7)),
    ):
        low, middle, high = (1000 * each for each in measure(work))
        print(f"{name:<34}{low:>8.0f}{middle:>9.0f}{high:>8.0f}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{'most memory, of all the above':<34}{peak:>8.0f} MiB")


if __name__ == "__main__":
    main()
