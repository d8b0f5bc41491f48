"""The winner keeps the limits, and among equals is the one that was asked for."""

from decimal import Decimal
from typing import Any

import pytest

from tests.support import refining
from tests.support.build import AUC, trial
from tunewright.domain.expand_winner import parse_bound
from tunewright.domain.limits import quantity
from tunewright.domain.objective import Goal, Objective
from tunewright.domain.round import Bar, Progress
from tunewright.domain.selection import Selection, knee, noise, pareto, select
from tunewright.domain.spec import Bound, Gain, Winner
from tunewright.domain.trial import Trial, TrialStatus

CHEAP = Objective(metric="cost", goal=Goal.MINIMIZE)
PROGRESS = Progress(bar=Bar(value=0.9, trial="t"), early=(0.8,))
EXACT = Gain(kind="absolute", amount=0.0)


def scored(number: int, value: float, cost: str, **metrics: float) -> Trial:
    return trial(number, value, cost=Decimal(cost), metrics={AUC.metric: value, **metrics})


def chosen(trials: list[Trial], **words: Any) -> Selection:
    found = select(trials, AUC, Winner(**words), space=refining.SPACE, progress=PROGRESS)
    assert found is not None
    return found


A, B, C = scored(1, 0.90, "5", size=9), scored(2, 0.895, "2", size=3), scored(3, 0.80, "1", size=1)


def test_without_a_word_the_best_wins() -> None:
    assert chosen([C, A, B]).trial == A.name


def test_a_limit_leaves_out_who_does_not_keep_it() -> None:
    found = chosen([A, B, C], subject_to=(Bound(quantity="size", at_most=5.0),))
    assert (found.trial, found.breaks) == (B.name, ())
    assert found.reason.endswith("is the best, of 2 trials within the limits")
    found = chosen([A, B, C], subject_to=(Bound(quantity="size", at_least=9.0),))
    assert found.trial == A.name


def test_where_none_keeps_the_limits_the_nearest_is_told_with_what_it_breaks() -> None:
    bounds = (Bound(quantity="size", at_most=0.5), Bound(quantity="cost", at_most=2.0))
    found = chosen([A, B, C], subject_to=bounds)
    assert found.trial == C.name
    assert found.breaks == ("size is 1, not <= 0.5",)
    assert found.reason.startswith("no trial keeps every limit; ")


def test_a_quantity_that_is_not_known_keeps_no_limit() -> None:
    bounds = (Bound(quantity="latency", at_most=0.5),)
    found = chosen([A, B], subject_to=bounds)
    assert (found.trial, found.breaks) == (A.name, ("latency is not known, not <= 0.5",))


def test_among_those_as_good_the_cheapest_wins() -> None:
    found = chosen([A, B, C], within=Gain(kind="absolute", amount=0.01), prefer=CHEAP)
    assert found.trial == B.name
    assert "least cost of 2 trials within 0.01 of the best: cost 2 for 5" in found.reason
    assert found.numbers == {"tolerance": 0.01, "equals": 2}
    assert chosen([A, B, C], within=EXACT, prefer=CHEAP).trial == A.name
    largest = Objective(metric="size", goal=Goal.MAXIMIZE)
    found = chosen([A, B, C], within=Gain(kind="spread", amount=10.0), prefer=largest)
    assert found.trial == A.name
    assert found.reason.endswith("and the best itself")


def test_what_no_trial_has_is_not_preferred() -> None:
    odd = Objective(metric="latency", goal=Goal.MINIMIZE)
    assert "no trial has latency" in chosen([A, B], prefer=odd).reason
    alone = scored(4, 0.5, "1", latency=1.0)
    found = chosen([A, alone], within=EXACT, prefer=odd)
    assert (found.trial, "none as good has latency" in found.reason) == (A.name, True)
    found = chosen([A, scored(5, 0.9, "1", latency=2.0)], within=EXACT, prefer=odd)
    assert "latency 2 for unknown" in found.reason


def test_the_front_holds_who_is_bettered_by_none_and_bends_at_its_knee() -> None:
    worse = scored(4, 0.79, "4")
    twin = scored(5, 0.895, "2")
    front = pareto([C, worse, twin, B, A], AUC, CHEAP)
    assert front == [A, B, C]
    assert knee(front, AUC, CHEAP) == B
    assert knee([A, B], AUC, CHEAP) == A
    assert knee([A], AUC, CHEAP) == A
    found = chosen([A, worse, B, C], within="knee", prefer=CHEAP)
    assert (found.trial, found.numbers) == (B.name, {"front": 3})


def test_nothing_is_chosen_of_nothing() -> None:
    failed = trial(1, status=TrialStatus.FAILED)
    words = Winner()
    assert select([failed], AUC, words, space=refining.SPACE, progress=PROGRESS) is None


def test_quantities_are_metrics_money_and_seconds() -> None:
    one = scored(1, 0.5, "0.25", size=3)
    assert [quantity(one, name) for name in ("cost", "size", "what")] == [0.25, 3, None]
    assert quantity(one.but(billable_seconds=7), "seconds") == 7
    unbilled = one.but(billable_seconds=None, cost=Decimal(0))
    assert [quantity(unbilled, name) for name in ("cost", "seconds")] == [None, None]


def test_what_is_not_billed_yet_is_not_the_cheapest() -> None:
    unbilled = A.but(name="unbilled", billable_seconds=None, cost=Decimal(0))
    found = chosen([A, B, unbilled], within=Gain(kind="absolute", amount=0.01), prefer=CHEAP)
    assert found.trial == B.name
    assert chosen([B, unbilled], subject_to=(Bound(quantity="cost", at_most=2.0),)).trial == B.name


def test_noise_is_what_the_surrogate_cannot_explain(monkeypatch: pytest.MonkeyPatch) -> None:
    trials = refining.sample(refining.SPACE)
    smooth = noise(refining.SPACE, trials, refining.LOSS)
    jitter = [(-1) ** index * 0.5 for index in range(len(trials))]
    rough = [
        each.but(objective=(each.objective or 0.0) + by)
        for each, by in zip(trials, jitter, strict=True)
    ]
    shaken = noise(refining.SPACE, rough, refining.LOSS)
    assert 0 <= smooth < shaken
    assert 0.1 < shaken < 2
    assert noise(refining.SPACE, trials[:4], refining.LOSS) == 0.0
    words = Winner(within="noise", prefer=CHEAP)
    found = select(rough, refining.LOSS, words, space=refining.SPACE, progress=Progress())
    assert found is not None
    assert found.numbers["tolerance"] == pytest.approx(shaken)
    few = Bound(quantity="size", at_most=2.0)
    sized = [each.but(metrics={"size": float(number)}) for number, each in enumerate(rough)]
    words = Winner(subject_to=(few,), within="noise", prefer=CHEAP)
    found = select(sized, refining.LOSS, words, space=refining.SPACE, progress=Progress())
    assert found is not None
    assert found.numbers["tolerance"] == pytest.approx(shaken)  # three are too few to tell it
    monkeypatch.setitem(__import__("sys").modules, "gp_surrogate.region", None)
    assert noise(refining.SPACE, rough, refining.LOSS) == 0.0


@pytest.mark.parametrize("text", ["0.3", "< 0.3", "<= much", "<= nan", "<= 1e999", "<= 1e"])
def test_what_is_no_limit_is_told(text: str) -> None:
    with pytest.raises(ValueError, match="is no limit: write one such as"):
        parse_bound("cost", text)


def test_a_limit_on_what_no_trial_has_leaves_the_other_limits_their_say() -> None:
    bounds = (Bound(quantity="latency", at_most=0.5), Bound(quantity="size", at_most=5.0))
    found = chosen([A, B], subject_to=bounds)
    assert (found.trial, found.breaks) == (B.name, ("latency is not known, not <= 0.5",))


def test_what_is_as_good_is_measured_by_the_best_and_not_by_the_bar_of_a_rule() -> None:
    """A rule that waits for great gains leaves its bar where the first trial was."""
    calm = Progress(bar=Bar(value=0.5, trial="t"), early=(0.5, 0.6, 0.7))
    trials = [scored(1, 0.9, "5"), scored(2, 0.897, "1"), scored(3, 0.85, "0.1")]
    share = Gain(kind="relative", amount=0.01)
    for within, tolerance in ((share, 0.009), (Gain(kind="spread", amount=0.02), 0.02 * 0.3)):
        words = Winner(within=within, prefer=CHEAP)
        found = select(trials, AUC, words, space=refining.SPACE, progress=calm)
        assert found is not None
        assert found.numbers == {"tolerance": pytest.approx(tolerance), "equals": 2}
        assert found.trial == trials[1].name
    # Of those within the limits 0.85 is the best: 1 % of that, but the study's own spread.
    limit = (Bound(quantity="cost", at_most=0.5),)
    for within, tolerance in ((share, 0.0085), (Gain(kind="spread", amount=0.02), 0.02 * 0.3)):
        words = Winner(subject_to=limit, within=within, prefer=CHEAP)
        found = select(trials, AUC, words, space=refining.SPACE, progress=calm)
        assert found is not None
        assert found.numbers["tolerance"] == pytest.approx(tolerance)
        assert "of 1 trial within" in found.reason
