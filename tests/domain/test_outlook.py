"""The rule about regret: what the surrogate is asked, when, and what its verdict rests on."""

import random
from typing import Any

import pytest

from tests.support.build import AUC, LOSS, START, document, plan, profile, reserved, running, trial
from tests.support.build import study as a_study
from tunewright.domain.document import document_of
from tunewright.domain.errors import SpecError
from tunewright.domain.expand import expand
from tunewright.domain.objective import Objective
from tunewright.domain.round import Bar, Progress
from tunewright.domain.space import SearchSpace
from tunewright.domain.spec import (
    All,
    Bound,
    Gain,
    NotImproving,
    Regret,
    Rule,
    StudySpec,
    Target,
    Trials,
    Winner,
)
from tunewright.domain.steps.close import judge_live
from tunewright.domain.steps.step import Look, Observation, Step, View
from tunewright.domain.stopping import Ends, Outlook, Situation, is_due, judge, look_out
from tunewright.domain.study import Study
from tunewright.domain.trial import Trial
from tunewright.domain.whatif import what_if

SPACE = plan().space
RULE = Regret(below=Gain(kind="absolute", amount=0.01), warm_up=4)
FOUR = (0.0, 0.005, 0.01, 0.5)


def tried(count: int, *, flat: bool = False) -> list[Trial]:
    """Trials of a round whose AUC is best at eta 0.1 and depth 4."""
    source, made = random.Random(3), []  # noqa: S311 - reproducible, not secret
    for number in range(count):
        eta, depth = source.uniform(0.05, 0.3), source.randint(2, 6)
        words = {"eta": repr(eta), "max_depth": str(depth), "subsample": repr(source.random() / 2)}
        words["subsample"] = repr(0.5 + float(words["subsample"]))
        value = 0.5 if flat else 0.9 - (eta - 0.1) ** 2 - 0.01 * abs(depth - 4)
        made.append(trial(number, value, parameters=words))
    return made


def outlook_of(trials: list[Trial], objective: Objective = AUC, **changes: Any) -> Outlook:
    space = SPACE.but(**changes)
    return look_out(space, trials, objective, study_id="s", round_number=1)


def judged(
    outlook: Outlook | None,
    *,
    rule: Rule = RULE,
    completed: int = 8,
    progress: Progress | None = None,
) -> Any:
    bar = Bar(value=0.75, trial="t7")
    situation = Situation(
        objective=AUC,
        progress=progress or Progress(completed=completed, bar=bar, early=(0.5, 0.25, 0.75)),
        best=0.75,
        finished=completed,
        parameters=3,
        trials=40,
        parallel=2,
        spent=0,
        began=START,
        now=START,
        outlook=outlook,
    )
    return judge(rule, situation)


def test_the_chance_is_the_share_of_the_draws_and_fires_at_its_limit() -> None:
    seen = Outlook(trials=8, regrets=FOUR, reason="as told")
    fired = judged(seen, rule=RULE.but(chance=0.75))
    assert (fired.fired, fired.ends, fired.rule) == (True, Ends.ROUND, "regret")
    assert fired.numbers == {
        "below": 0.01,
        "limit": 0.75,
        "scored": 8,
        "warm_up": 4,
        "chance": 0.75,
        "regret": 0.01,
        "trials": 8,
    }
    assert fired.reason == (
        "with a probability of 75% its ranges hold no gain above 0.01 (as told; limit 75%; "
        "8 of at least 4 seen)"
    )
    assert not judged(seen, rule=RULE.but(chance=0.76)).fired
    assert not judged(seen, rule=RULE.but(chance=0.75), completed=3).fired


def test_the_gain_may_be_a_share_of_the_spread() -> None:
    seen = Outlook(trials=8, regrets=(0.0124,), reason="as told")
    rule = Regret(warm_up=4)  # 5 % of 0.25
    assert judged(seen, rule=rule).fired
    assert not judged(Outlook(trials=8, regrets=(0.0126,), reason=""), rule=rule).fired


def test_a_share_is_of_the_best_and_not_of_the_bar_of_another_rule() -> None:
    """A rule that waits for great gains leaves its bar where the first trial was."""
    seen = Outlook(trials=8, regrets=FOUR, reason="")
    behind = Progress(completed=8, bar=Bar(value=0.5, trial="t1"), early=(0.5, 0.5, 0.75))
    for gain, bound in (("relative", 0.75 * 0.02), ("spread", 0.25 * 0.02)):
        rule = RULE.but(below=Gain.model_validate({"kind": gain, "amount": 0.02}))
        assert judged(seen, rule=rule, progress=behind).numbers["below"] == bound


def test_without_a_look_or_a_surrogate_it_does_not_fire() -> None:
    assert judged(None).reason == "the surrogate is not asked at each trial"
    nothing = judged(Outlook(trials=2, regrets=(), reason="2 trials are too few"))
    assert (nothing.fired, nothing.reason) == (False, "2 trials are too few")


def test_a_quantile_is_the_least_that_as_many_of_the_draws_do_not_pass() -> None:
    seen = Outlook(trials=8, regrets=FOUR, reason="")
    assert [seen.quantile(share) for share in (0.0, 0.25, 0.5, 1.0)] == [0.0, 0.0, 0.005, 0.5]
    for share in (0.1, 0.25, 0.3, 0.5, 0.75, 0.9, 1.0):
        for gain in (0.0, 0.005, 0.007, 0.01, 0.5):
            assert (seen.chance_below(gain) >= share) is (seen.quantile(share) <= gain)


@pytest.mark.parametrize(
    ("ended", "judged_at", "due"),
    [
        (4, 0, False),
        (5, 0, True),
        (9, 5, False),
        (10, 5, True),
        (209, 200, False),
        (210, 200, True),
    ],
)
def test_the_surrogate_is_asked_after_five_trials_or_a_twentieth(
    ended: int, judged_at: int, due: bool
) -> None:
    assert is_due([NotImproving(), RULE], ended, judged_at) is due
    assert is_due([All(rules=(RULE, Trials(limit=3)))], ended, judged_at) is due
    assert not is_due([NotImproving(), Target(value=1.0)], ended, judged_at)


def test_what_is_known_narrows_what_may_be_left() -> None:
    few, many = outlook_of(tried(10)), outlook_of(tried(60))
    assert few.regrets == tuple(sorted(few.regrets))
    assert min(few.regrets) >= 0
    assert few.quantile(0.9) > 3 * many.quantile(0.9)
    assert (few.trials, many.trials) == (10, 60)
    assert many.reason == "as a surrogate fitted to 60 trials sees it"
    assert many == outlook_of(tried(60))


def test_nothing_is_left_beyond_what_a_metric_can_reach() -> None:
    best = max(each.objective or 0 for each in tried(12))
    ends = AUC.but(best_possible=best + 0.001)
    assert max(outlook_of(tried(12)).regrets) > 0.001
    assert max(outlook_of(tried(12), ends).regrets) == pytest.approx(0.001)


def test_a_loss_and_a_score_are_told_alike() -> None:
    downwards = [each.but(objective=-(each.objective or 0)) for each in tried(12)]
    assert outlook_of(downwards, LOSS).regrets == pytest.approx(outlook_of(tried(12)).regrets)


def test_where_no_surrogate_can_be_fitted_the_outlook_says_why(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert outlook_of(tried(7)) == Outlook(
        trials=7, regrets=(), reason="7 trials are too few for a surrogate, which takes 8"
    )
    assert outlook_of([]).reason == "0 trials are too few for a surrogate, which takes 8"
    assert outlook_of(tried(9, flat=True)).reason == "all 9 trials have the same value"
    monkeypatch.setattr("gp_surrogate.region.GaussianProcess.fit", fails)
    assert outlook_of(tried(9)).reason == "no surrogate: nothing fits"


def fails(*_: object, **__: object) -> None:
    raise ValueError("nothing fits")


def live(count: int, **changes: Any) -> Study:
    rule = {"regret": {"below": 0.5, "chance": 0.5, "warm_up": 4}}
    round_ = running(progress=Progress(completed=count), plan=plan(trials=60), **changes)
    return a_study(spec={"stop": [rule]}, rounds=(round_,), ledger=reserved())


def step_of(before: Study, seen: Observation) -> Step | Look | None:
    assert before.live is not None
    return judge_live(before, before.live, seen, START)


def test_the_trials_are_read_only_when_the_surrogate_is_to_be_asked() -> None:
    assert step_of(live(4), Observation()) is None
    assert step_of(live(10), Observation()) == Look(View.TRIALS)
    assert step_of(live(10, judged=6), Observation()) is None


def test_a_verdict_that_does_not_fire_is_not_asked_for_again() -> None:
    step = step_of(live(5), Observation(trials=tuple(tried(5))))  # too few to fit
    assert isinstance(step, Step)
    assert step.decisions == ()
    assert step.study.rounds[0].judged == 5
    assert step.study == live(5, judged=5)
    assert step_of(step.study, Observation()) is None


def test_a_verdict_that_fires_stops_the_round() -> None:
    step = step_of(live(10), Observation(trials=tuple(tried(10))))
    assert isinstance(step, Step)
    assert step.study.rounds[0].stopped_by == "regret"
    (decision,) = step.decisions
    assert "hold no gain above 0.5" in decision.reason
    assert decision.numbers["chance"] == 1.0
    assert decision.reason.endswith("the round ends")


def test_a_round_is_not_stopped_before_a_trial_keeps_the_winners_limits() -> None:
    before = live(10)
    step = step_of(before.but(spec=within(before.spec)), Observation(trials=tuple(tried(10))))
    assert isinstance(step, Step)
    assert step.study.rounds[0].stopped_by is None


def test_only_the_live_rounds_trials_make_it_due() -> None:
    first = running(1, progress=Progress(completed=8))
    second = running(2, progress=Progress(completed=4), plan=plan(2, trials=60))
    before = live(4).but(rounds=(first, second))
    assert step_of(before, Observation()) is None


def test_a_record_is_replayed_under_the_rule() -> None:
    made = live(0)
    found = what_if(made, tried(30), [RULE.but(chance=0.5, below=Gain(kind="absolute", amount=1))])
    (fired,) = found.firings
    assert (fired.rule, fired.ends, found.unknown_after) == ("regret", Ends.ROUND, ())
    assert fired.trials == 11  # judged at the tenth, while the eleventh ran
    limited = made.but(spec=within(made.spec))
    rule = RULE.but(chance=0.5, below=Gain(kind="absolute", amount=1))
    assert what_if(limited, tried(30), [rule]).firings == ()


def within(spec: StudySpec) -> StudySpec:
    """The same study, with a limit that no trial is known to keep."""
    limit = Bound(quantity="validation:logloss", at_most=0.1)
    return spec.but(winner=Winner(subject_to=(limit,)))


def stop(**regret: Any) -> dict[str, Any]:
    return document(stop=[{"regret": regret}])


def test_a_person_writes_it_like_other_rules() -> None:
    spec = expand(stop(below="3% of spread", chance=0.8, warm_up=7))
    rule = Regret(below=Gain(kind="spread", amount=0.03), chance=0.8, warm_up=7)
    assert spec.stop == (rule,)
    assert expand(document_of(spec)) == spec
    assert expand(stop()).stop == (Regret(),)
    assert expand(document_of(expand(stop()))).stop == (Regret(),)
    profile().check(spec)


@pytest.mark.parametrize(
    ("regret", "path", "words"),
    [
        ({"below": "a lot"}, "stop[0].regret.below", "1%"),
        ({"chance": 1.5}, "stop[0].regret.chance", "1"),
        ({"warm_up": 8}, "stop[0].regret.warm_up", "may fire; 4 would"),
    ],
)
def test_what_is_wrong_with_it_is_told(regret: dict[str, Any], path: str, words: str) -> None:
    with pytest.raises(SpecError) as caught:
        expand(stop(**regret))
    assert path in str(caught.value)
    assert words in str(caught.value)


def test_the_space_is_that_of_the_round() -> None:
    narrow = SearchSpace(ranges=(SPACE.ranges[0].but(low=0.09, high=0.11), *SPACE.ranges[1:]))
    wide, small = outlook_of(tried(12)), outlook_of(tried(12), ranges=narrow.ranges)
    assert small.quantile(0.9) < wide.quantile(0.9)
