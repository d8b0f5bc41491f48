"""Where a winner must keep limits, what breaks them is no good part of the ranges and no gain."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from tests.support.build import closed, study
from tests.support.refining import LOSS, trial
from tunewright.domain.forecast import forecast
from tunewright.domain.lessons import learn
from tunewright.domain.refinement import refine
from tunewright.domain.space import CategoricalRange, ContinuousRange, SearchSpace
from tunewright.domain.spans import span_of
from tunewright.domain.spec import Bound
from tunewright.domain.steps.fold import best_of
from tunewright.domain.stopping.outlook import look_out
from tunewright.domain.trial import Trial, TrialStatus

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tunewright.domain.refinement import Refinement

SPACE = SearchSpace(
    ranges=(
        ContinuousRange(name="width", low=0.0, high=1.0, hard_low=0.0, hard_high=1.0),
        ContinuousRange(name="rate", low=0.0, high=1.0, hard_low=0.0, hard_high=1.0),
    )
)
TOLD = "validation:logloss"  # a spec may only limit what its algorithm emits
QUICK = (Bound(quantity="latency", at_most=40.0),)
SECONDS = (Bound(quantity="seconds", at_most=100.0),)


def served(number: int, loss: float, latency: float | None, **more: object) -> Trial:
    metrics = {} if latency is None else {"latency": latency}
    parameters = {"width": f"{number / 50}", "rate": "0.5"}
    return trial(number, parameters, loss, metrics=metrics, **more)


def wider_is_better_and_slower(count: int = 40) -> list[Trial]:
    """The loss falls all the way with the width; the limit on latency is at a width of 0.4."""
    source = random.Random(3)  # noqa: S311 - reproducible, not secret
    made = []
    for number in range(count):
        width, rate = source.random(), source.random()
        loss = 1.0 - width + (rate - 0.3) ** 2
        point = {"width": f"{width:.6f}", "rate": f"{rate:.6f}"}
        made.append(trial(number, point, loss, metrics={"latency": 100 * width}))
    return made


def refined(
    trials: Sequence[Trial], limits: tuple[Bound, ...], *, adaptive: bool = False
) -> Refinement:
    return refine(
        SPACE, trials, LOSS, study_id="s", round_number=2, adaptive=adaptive, limits=limits
    )


def width_of(found: Refinement) -> ContinuousRange:
    range_ = found.space["width"]
    assert isinstance(range_, ContinuousRange)
    return range_


def test_what_breaks_a_limit_is_no_better_than_the_best_that_keeps_it() -> None:
    trials = [
        served(1, 0.5, 40.0),  # the best that keeps it
        served(2, 0.9, 20.0),
        served(3, 0.1, 48.0),  # as far beyond as the median of those whose latency is known
        served(4, 0.1, 80.0),  # five times as far
        served(5, 0.8, 44.0),  # bad enough as it is
        served(6, 0.1, None),  # not known to keep it
    ]
    lessons = learn(SPACE, trials, LOSS, QUICK)
    yardstick = 0.3 - 0.1  # the median of the losses as they are, over the best of them
    assert [each.loss for each in lessons.lessons] == pytest.approx(
        [0.5, 0.9, 0.5 + yardstick, 0.5 + 5 * yardstick, 0.8, 0.5 + yardstick]
    )
    assert [each.scored for each in lessons.lessons] == [True, True, False, False, False, False]
    assert lessons.best is lessons.lessons[0]
    assert (lessons.breaking, lessons.by_limits, lessons.led_astray) == (4, False, True)


def test_where_none_keeps_the_limits_their_distance_is_what_is_learned() -> None:
    trials = [
        served(1, 0.1, 80.0),
        served(2, 0.9, 44.0),
        served(3, 0.2, None),
        served(4, 0.3, None, status=TrialStatus.STOPPED),  # says nothing of the limit
        trial(5, {"width": "0.5", "rate": "0.5"}, None, status=TrialStatus.FAILED),
    ]
    lessons = learn(SPACE, trials, LOSS, QUICK)
    assert [each.loss for each in lessons.lessons] == pytest.approx(
        [40 / 22, 4 / 22, 1.0, 40 / 22]  # by the median, 22; the last one failed
    )
    assert lessons.best is lessons.lessons[1]
    assert (lessons.breaking, lessons.by_limits, lessons.led_astray) == (3, True, True)
    assert lessons.spread == pytest.approx(1.0 - 4 / 22)


def test_where_all_are_as_far_beyond_the_objective_is_what_is_learned() -> None:
    trials = [served(1, 0.1, None), served(2, 0.9, None)]
    lessons = learn(SPACE, trials, LOSS, QUICK)
    assert [each.loss for each in lessons.lessons] == [0.1, 0.9]
    assert lessons.best is lessons.lessons[0]
    assert (lessons.breaking, lessons.by_limits, lessons.led_astray) == (2, False, False)


def test_limits_that_all_keep_change_nothing() -> None:
    trials = wider_is_better_and_slower()
    assert learn(SPACE, trials, LOSS, SECONDS) == learn(SPACE, trials, LOSS)
    assert refined(trials, SECONDS) == refined(trials, ())


def test_a_random_search_is_narrowed_to_what_may_win() -> None:
    trials = wider_is_better_and_slower()
    free, limited = width_of(refined(trials, ())), width_of(refined(trials, QUICK))
    assert free.low > 0.4  # nothing of what it searched next could have won
    assert span_of(limited).low < 0.4 < span_of(limited).high
    assert span_of(limited).middle < 0.5
    beyond = sum(each.metrics["latency"] > 40 for each in trials)
    assert f"{beyond} of them beyond the winner's limits" in refined(trials, QUICK).reason


def test_a_search_that_follows_the_objective_beyond_the_limits_is_narrowed_too() -> None:
    trials = wider_is_better_and_slower()
    free, limited = refined(trials, (), adaptive=True), refined(trials, QUICK, adaptive=True)
    assert free.space == SPACE
    assert limited.space == refined(trials, QUICK).space


def test_a_search_whose_best_keeps_the_limits_narrows_by_itself() -> None:
    trials = wider_is_better_and_slower()
    slow = (Bound(quantity="latency", at_least=20.0),)  # what breaks it is worse all the same
    assert learn(SPACE, trials, LOSS, slow).breaking > 0
    assert refined(trials, slow, adaptive=True).space == SPACE


def test_a_round_of_which_none_keeps_the_limits_halves_the_trust_region() -> None:
    first = [each for each in wider_is_better_and_slower(6) if each.metrics["latency"] < 40]
    second = [served(40, 0.1, 80.0, round_number=2), served(45, 0.05, 90.0, round_number=2)]
    best = min(first, key=lambda each: each.objective or 0.0)
    found, free = refined([*first, *second], QUICK), refined([*first, *second], ())
    assert found.method == free.method == "trust region"
    assert free.space == SPACE  # the best was bettered, only that it could not win
    assert width_of(found).low <= float(best.parameters["width"]) <= width_of(found).high < 0.9


def test_the_choice_of_the_nearest_to_the_limits_is_kept() -> None:
    """By shares of the limits a comes nearest; by what is usual beyond them, some of b and c."""
    limits = (*QUICK, Bound(quantity="memory", at_most=1.0))
    words = ("a", "b", "c")
    kinds = CategoricalRange(name="kind", choices=words, hard_choices=words)
    space = SearchSpace(ranges=(SPACE.ranges[0], kinds))
    trials = []
    for number in range(40):
        kind = "a" if number % 10 == 0 else "bc"[number % 2]
        known = (41.0, 1.0) if kind == "a" else (40.0, 1.05 + (number + 1) / 200)
        trials.append(
            trial(
                number,
                {"width": f"{number * 7 % 40 / 40}", "kind": kind},
                0.5,
                metrics=dict(zip(("latency", "memory"), known, strict=True)),
            )
        )
    found = refine(space, trials, LOSS, study_id="s", round_number=2, adaptive=False, limits=limits)
    kept = found.space["kind"]
    assert found.method == "surrogate"
    assert isinstance(kept, CategoricalRange)
    assert "a" in kept.choices


def test_ranges_move_towards_the_limits_where_no_trial_keeps_them() -> None:
    trials = [each for each in wider_is_better_and_slower(80) if each.metrics["latency"] > 45]
    found = refined(trials, QUICK)
    assert width_of(found).low < 0.4
    assert width_of(found).high < 0.7
    assert "trials' distances to the limits, which none keeps, of whose" in found.reason


def test_neither_the_unit_of_what_is_limited_nor_its_zero_matters() -> None:
    trials = wider_is_better_and_slower()
    shifted = [each.but(metrics={"latency": 1000 + 7 * each.metrics["latency"]}) for each in trials]
    within = (Bound(quantity="latency", at_most=1000 + 7 * 40.0),)
    assert refined(shifted, within).space == refined(trials, QUICK).space
    recall = [each.but(metrics={"recall": 1 - each.metrics["latency"] / 1e3}) for each in trials]
    enough = (Bound(quantity="recall", at_least=0.96),)
    assert refined(recall, enough).space == refined(trials, QUICK).space


def test_a_metric_that_explodes_beyond_the_limit_is_taken_as_it_is() -> None:
    trials = wider_is_better_and_slower()
    wild = [
        each.but(metrics={"latency": 1e200}) if each.metrics["latency"] > 80 else each
        for each in trials
    ]
    assert span_of(width_of(refined(wild, QUICK))).middle < 0.5


def test_limits_are_learned_from_where_nearly_all_trials_reach_the_same_value() -> None:
    trials = [served(number, 0.2, 20.0) for number in range(3)]
    trials += [served(number, 0.01, 40.0 + number) for number in range(3, 12)]
    losses = [each.loss for each in learn(SPACE, trials, LOSS, QUICK).lessons]
    assert losses[:3] == [0.2] * 3
    assert min(losses[3:]) > 0.2
    assert losses[3:] == sorted(losses[3:])


def test_what_was_stopped_beyond_the_limits_is_no_better_than_the_best_that_keeps_them() -> None:
    trials = [served(number, 0.5 + number / 100, 30.0) for number in range(5)]
    trials += [served(number, 0.1, 60.0 + number) for number in range(5, 12)]
    trials += [served(number, 0.3, 70.0, status=TrialStatus.STOPPED) for number in range(12, 15)]
    assert min(each.loss for each in learn(SPACE, trials, LOSS, QUICK).lessons) == 0.5


@pytest.mark.parametrize("latencies", [(80.0, 44.0, None), (60.0, 60.0, 60.0), (90.0, None, 41.0)])
def test_the_best_of_those_that_break_the_limits_is_the_studys_own(
    latencies: tuple[float | None, ...],
) -> None:
    before = study(spec={"winner": {"subject_to": {TOLD: "<= 40"}}}, rounds=(closed(),))
    space = SearchSpace(ranges=(SPACE.ranges[0],))
    trials = [
        trial(
            number,
            {"width": f"0.{number}"},
            0.9 - number / 10,
            tuning_job=before.rounds[0].plan.job,
            metrics={} if latency is None else {TOLD: latency},
        )
        for number, latency in enumerate(latencies, 1)
    ]
    best = best_of(before, trials, None)
    lessons = learn(space, trials, before.spec.objective, before.spec.winner.subject_to)
    assert best is not None
    assert lessons.best is not None
    assert lessons.best.place == (float(best.parameters["width"]),)


def test_a_search_within_ranges_that_all_keep_the_limits_narrows_by_itself() -> None:
    trials = wider_is_better_and_slower()
    narrow = SearchSpace(ranges=(SPACE.ranges[0].but(high=0.38), SPACE.ranges[1]))
    assert learn(SPACE, trials, LOSS, QUICK).led_astray
    assert not learn(narrow, trials, LOSS, QUICK).led_astray


def test_what_few_trials_keep_is_not_foretold_from_as_if_all_did() -> None:
    lessons = learn(SPACE, wider_is_better_and_slower(), LOSS, QUICK)
    assert (lessons.keeping, lessons.breaking) == (11, 29)
    assert lessons.able(20) == round(20 * 11 / 40)
    assert lessons.able(1) == 1
    assert learn(SPACE, wider_is_better_and_slower(), LOSS).able(20) == 20


def test_a_gain_is_foretold_from_as_many_trials_as_will_keep_the_limits() -> None:
    """One in ten keeps the limit, and each of these betters the one before by 0.1."""
    source = random.Random(5)  # noqa: S311 - reproducible, not secret
    trials = []
    for number in range(40):
        keeps = number % 10 == 9
        width = source.uniform(0.0, 0.4) if keeps else source.uniform(0.4, 1.0)
        point = {"width": f"{width:.4f}", "rate": f"{source.random():.4f}"}
        loss, latency = (0.9 - number / 100, 30.0) if keeps else (0.1, 80.0)
        trials.append(trial(number, point, loss, metrics={"latency": latency}))
    told = forecast(
        SPACE,
        trials,
        LOSS,
        trials_ahead=10,
        adaptive=False,
        study_id="s",
        round_number=2,
        limits=QUICK,
    )
    assert told.gain is not None
    assert 0 < told.gain < 0.1


@pytest.mark.parametrize("metrics", [{}, {"another": 1.0}])
def test_no_gain_is_foretold_and_nothing_ruled_out_before_a_trial_keeps_the_limits(
    metrics: dict[str, float],
) -> None:
    trials = [each for each in wider_is_better_and_slower() if each.metrics["latency"] > 45]
    trials = [each.but(metrics=metrics or each.metrics) for each in trials]
    told = forecast(
        SPACE,
        trials,
        LOSS,
        trials_ahead=10,
        adaptive=True,
        study_id="s",
        round_number=2,
        limits=QUICK,
    )
    assert told.gain is None
    assert "no trial keeps the limits yet" in told.reason
    seen = look_out(SPACE, trials, LOSS, study_id="s", round_number=2, limits=QUICK)
    assert seen.regrets == ()
    assert seen.reason == "no trial keeps the limits yet"


def test_what_lies_beyond_the_limits_is_no_gain() -> None:
    """The loss still falls at the end of what was tried, but not within the limit."""
    trials = [each for each in wider_is_better_and_slower(80) if each.metrics["latency"] < 60]
    free = look_out(SPACE, trials, LOSS, study_id="s", round_number=2)
    held = look_out(SPACE, trials, LOSS, study_id="s", round_number=2, limits=QUICK)
    assert free.quantile(0.1) > 0.1
    assert held.quantile(0.9) < 0.05
