"""The next round is planned within money and trials, over refined ranges, or the search ends."""

from decimal import Decimal
from typing import Any

import pytest

from tests.support.build import (
    START,
    closed,
    continuous,
    incumbent,
    integer,
    plan,
    profile,
    spec,
    study,
    trial,
)
from tunewright.domain.budget import Ledger
from tunewright.domain.round import Bar, Progress, WarmStart
from tunewright.domain.space import CategoricalRange, Scaling, SearchSpace
from tunewright.domain.steps.plan import (
    end,
    follow_scaling,
    gain_to_go_on,
    next_round,
    round_count,
    round_size,
    seed_of,
)
from tunewright.domain.steps.step import Look, Observation, Step, View
from tunewright.domain.study import DecisionKind, Hold, Phase, StartRound, Study
from tunewright.domain.trial import Trial

ANY_GAIN = {"refine": {"when": {"gain_above": 0}}}
LIMITED = "validation:logloss"


def planned(before: Study, trials: tuple[Trial, ...] | None = ()) -> Step:
    step = next_round(before, Observation(trials=trials), START)
    assert isinstance(step, Step)
    return step


def after_rounds(number: int, **changes: Any) -> Study:
    rounds = tuple(closed(each) for each in range(1, number + 1))
    ledger = Ledger(spent=Decimal("0.1") * number, used_trials=8 * number)
    return study(**{"rounds": rounds, "ledger": ledger, "incumbent": incumbent(), **changes})


def upper_end(step: Step, name: str) -> float:
    range_ = step.study.rounds[-1].plan.space[name]
    assert not isinstance(range_, CategoricalRange)
    return range_.high


def told(number: int = 12) -> tuple[Trial, ...]:
    """Trials whose objective rises with eta to an optimum inside the range."""
    made = []
    for each in range(1, number + 1):
        eta = 0.05 + 0.25 * each / number
        parameters = {
            "eta": repr(eta),
            "max_depth": str(2 + each % 5),
            "subsample": repr(0.5 + (each * 7 % 10) / 20),
        }
        made.append(trial(each, 0.9 - (eta - 0.2) ** 2, parameters=parameters))
    return tuple(made)


@pytest.mark.parametrize(
    ("rounds", "expected"),
    [
        ({"max": 3, "trials": 8, "parallel": 2, "sizes": "fixed"}, (3, 8)),
        ({"max": 1, "trials": 40, "parallel": 2, "sizes": "auto"}, (1, 40)),
        ({"max": 2, "trials": 30, "parallel": 2, "sizes": "auto"}, (3, 20)),
        (
            {"max": 2, "trials": 30, "parallel": 2, "sizes": "auto", "strategy": "random"},
            (4, 15),
        ),  # learns at the barriers alone
        (
            {"max": 2, "trials": 8, "parallel": 2, "sizes": "auto"},
            (2, 8),
        ),  # too few
        ({"max": 3, "trials": 7, "parallel": 2, "sizes": "auto"}, (3, 7)),
        ({"max": 6, "trials": 10, "parallel": 2, "sizes": "auto"}, (6, 10)),
    ],
)
def test_trials_are_cut_into_as_many_rounds_as_are_worth_launching(
    rounds: dict[str, Any], expected: tuple[int, int]
) -> None:
    assert round_count(spec(rounds=rounds)) == expected


AUTO = {"max": 3, "trials": 8, "parallel": 2, "sizes": "auto"}
TIGHT = {
    "eta": {"range": [0.001, 0.5], "never_beyond": [0.001, 0.5]},
    "booster": {"choose": ["gbtree", "dart"]},
}


@pytest.mark.parametrize(
    ("rounds", "space", "left", "expected"),
    [
        (AUTO, TIGHT, 24, 24),  # nothing could be moved at a barrier
        (AUTO, TIGHT, 5, 5),
        (AUTO, None, 24, 8),  # eta may move
        ({**AUTO, "strategy": "random"}, TIGHT, 24, 6),  # learns at the barriers alone
        ({**AUTO, "sizes": "fixed"}, TIGHT, 24, 8),  # the person's word
        ({**AUTO, "parents": ["theirs"]}, TIGHT, 24, 8),  # AMT counts the parents' trials too
        (AUTO, {"max_depth": {"range": [2, 13], "never_beyond": [2, 13]}}, 24, 12),  # all there are
    ],
)
def test_trials_that_learn_get_one_round_where_no_range_can_move(
    rounds: dict[str, Any], space: dict[str, Any] | None, left: int, expected: int
) -> None:
    made = spec(rounds=rounds, **({} if space is None else {"search_space": space}))
    assert round_size(made, made.search_space, left) == expected


def test_a_job_that_knows_nothing_of_the_winners_limits_is_cut_into_rounds() -> None:
    limited = spec(rounds=AUTO, search_space=TIGHT, winner={"subject_to": {"cost": "<= 0.01"}})
    assert round_size(limited, limited.search_space, 24) == 8


def test_a_choice_that_may_come_back_is_room_to_move() -> None:
    booster = CategoricalRange(name="b", choices=("a",), hard_choices=("a", "b"))
    assert SearchSpace(ranges=(booster,)).has_room
    assert not SearchSpace(ranges=(booster.but(choices=("a", "b")),)).has_room


def test_one_round_that_needs_no_other_gets_all_trials_and_their_money() -> None:
    step = planned(study(spec={"rounds": AUTO, "search_space": TIGHT}), None)
    assert step.study.rounds[0].plan.trials == 24
    assert step.study.ledger == Ledger(reserved=Decimal("1.104"), reserved_trials=24)


def test_what_the_month_has_no_room_for_at_once_is_tried_in_rounds() -> None:
    tight = study(spec={"rounds": AUTO, "search_space": TIGHT})
    assert planned(tight.but(held=Hold.BUDGET), None).study.rounds[0].plan.trials == 8
    assert planned(tight.but(held=Hold.PAUSED), None).study.rounds[0].plan.trials == 24


def test_the_first_round_searches_what_the_person_wrote_and_reserves_its_worst_case() -> None:
    step = planned(study(), None)
    (live,) = step.study.rounds
    assert live.plan == plan(seed=seed_of("churn-aaaaaa", 1))
    assert step.study.ledger == Ledger(reserved=Decimal("0.368"), reserved_trials=8)
    assert step.study.owed == (StartRound(job="tw-churn-aaaaaa-r01"),)
    assert live.forecast is None
    assert step.decisions[0].reason == (
        "round 1 is planned: up to 8 trials, 2 at a time; $0.37 is reserved for its worst case"
    )


def test_a_seed_is_the_persons_or_the_same_for_the_same_round_everywhere() -> None:
    given = {"rounds": {"max": 1, "trials": 8, "parallel": 2, "seed": 11}}
    assert planned(study(spec=given)).study.rounds[0].plan.seed == 11
    assert seed_of("churn-aaaaaa", 1) == 404169997
    seeds = {seed_of(each, number) for each in ("a-aaaaaa", "b-aaaaaa") for number in range(1, 7)}
    assert len(seeds) == 12
    assert all(0 <= each < 2**31 for each in seeds)


def test_a_later_round_looks_at_all_trials_first() -> None:
    assert next_round(after_rounds(1), Observation(), START) == Look(View.TRIALS)


def test_a_later_round_searches_refined_ranges_and_learns_from_those_before() -> None:
    step = planned(after_rounds(1, spec=ANY_GAIN), told())
    live = step.study.rounds[-1]
    assert live.plan.number == 2
    assert live.plan.space != plan().space
    assert live.plan.warm_start == WarmStart(parents=("tw-churn-aaaaaa-r01",))
    assert live.forecast is not None
    kinds = [each.kind for each in step.decisions]
    assert kinds == [DecisionKind.REFINED, DecisionKind.ROUND_PLANNED]
    refined = step.decisions[0]
    assert refined.reason.startswith("ranges for round 2 (surrogate: ")
    assert refined.numbers["changes"]["eta"]["before"] == "0.05–0.3"
    assert refined.numbers["expected_gain"] == live.forecast
    assert "learning from tw-churn-aaaaaa-r01" in step.decisions[1].reason


def test_the_bar_is_carried_into_the_next_round() -> None:
    before = after_rounds(1, spec=ANY_GAIN)
    shown = Progress(completed=8, since=4, bar=Bar(value=0.75, trial="t"), early=(0.5, 0.75))
    before = before.but(rounds=(closed(1, progress=shown),))
    live = planned(before, told()).study.rounds[-1]
    assert live.start == live.progress == Progress(bar=shown.bar, early=shown.early)


def test_a_forecast_below_what_is_worth_it_ends_the_search_with_its_numbers() -> None:
    before = after_rounds(1, spec={"refine": {"when": {"gain_above": 0.5}}})
    step = planned(before, told())
    assert step.study.phase is Phase.CHOOSING
    assert len(step.study.rounds) == 1
    (decision,) = step.decisions
    assert decision.kind is DecisionKind.SEARCH_ENDED
    assert "8 more trials are expected to gain" in decision.reason
    assert "and less than 0.5 is not worth a round" in decision.reason
    assert decision.reason.endswith("after 8 trials in 1 round for $0.10")
    assert decision.numbers == {"trials": 8, "rounds": 1, "spent": "0.1"}


def test_where_nothing_is_to_be_gained_the_search_ends_however_little_would_be_worth_a_round() -> (
    None
):
    same = tuple(each.but(objective=0.9) for each in told())
    (decision,) = planned(after_rounds(1, spec=ANY_GAIN), same).decisions
    assert decision.kind is DecisionKind.SEARCH_ENDED
    assert "all 12 trials have the same value: nothing shows where to go; best" in decision.reason
    whatever = {"refine": {"when": {"gain_above": -1}}}
    assert len(planned(after_rounds(1, spec=whatever), same).study.rounds) == 2


def test_what_breaks_the_winners_limits_is_no_good_part_of_the_next_rounds_ranges() -> None:
    spent = tuple(each.but(metrics={LIMITED: float(each.parameters["eta"])}) for each in told())
    limited = {"winner": {"subject_to": {LIMITED: "<= 0.12"}}, **ANY_GAIN}
    step = planned(after_rounds(1, spec=limited), spent)
    free = planned(after_rounds(1, spec=ANY_GAIN), spent)
    assert "9 of them beyond the winner's limits" in step.decisions[0].reason
    assert upper_end(step, "eta") < 0.25
    assert upper_end(free, "eta") >= 0.3
    none = {"winner": {"subject_to": {LIMITED: "<= 0.01"}}, **ANY_GAIN}
    decision = planned(after_rounds(1, spec=none), spent).decisions[0]
    assert "distances to the limits, which none keeps" in decision.reason
    assert "no trial keeps the limits yet" in decision.reason
    assert decision.numbers["expected_gain"] is None


def test_where_nothing_can_be_foreseen_the_search_goes_on() -> None:
    step = planned(after_rounds(1), told(2))
    assert step.study.rounds[-1].plan.space == plan().space
    assert step.study.rounds[-1].forecast is None
    assert "too few for a forecast" in step.decisions[0].reason


def test_the_gain_to_go_on_is_the_persons_or_that_of_patience() -> None:
    shown = Progress(bar=Bar(value=0.75, trial="t"), early=(0.25, 0.5, 0.75))
    before = after_rounds(1).but(rounds=(closed(progress=shown),))
    assert gain_to_go_on(before) == 0.02 * 0.25
    assert gain_to_go_on(before.but(spec=spec(**ANY_GAIN))) == 0.0
    stop = [{"failures": {"after": 3}}, {"not_improving": {"min_gain": 0.125, "trials": 4}}]
    assert gain_to_go_on(before.but(spec=spec(stop=stop))) == 0.125


def test_when_all_rounds_are_done_the_search_ends() -> None:
    assert "all 3 rounds are done" in planned(after_rounds(3)).decisions[0].reason


def test_when_too_few_trials_are_left_the_search_ends() -> None:
    before = after_rounds(2, ledger=Ledger(used_trials=20))
    assert "4 trials are left, too few for another round" in planned(before).decisions[0].reason


def test_the_last_round_takes_the_trials_that_are_left() -> None:
    before = after_rounds(2, spec=ANY_GAIN, ledger=Ledger(used_trials=18))
    assert planned(before, told(2)).study.rounds[-1].plan.trials == 6


def test_a_round_is_shrunk_to_the_money_and_given_up_where_the_least_is_too_dear() -> None:
    before = study(ledger=Ledger(spent=Decimal("19.75")))
    live = planned(before).study.rounds[-1]
    assert (live.plan.trials, live.plan.reserved) == (5, Decimal("0.23"))
    step = planned(study(ledger=Ledger(spent=Decimal("19.78"))))
    assert step.study.phase is Phase.CHOOSING
    assert (
        "$0.22 is left, and the least round of 5 trials can cost $0.23; nothing found after 0 "
        "trials in 0 rounds" in step.decisions[0].reason
    )


def test_the_profiles_money_is_the_limit_where_the_study_names_none() -> None:
    bare = spec().but(budget=None)
    poor = study(spec=bare, profile=profile(max_budget=Decimal("0.1")))
    assert planned(poor).study.phase is Phase.CHOOSING
    assert planned(study(spec=bare)).study.rounds[-1].plan.trials == 8


def test_parents_from_outside_are_learned_from_in_the_first_round_already() -> None:
    rounds = {"max": 2, "trials": 8, "parallel": 2, "parents": ["earlier"]}
    warm = planned(study(spec={"rounds": rounds})).study.rounds[-1].plan.warm_start
    assert warm == WarmStart(parents=("earlier",), kind="TransferLearning")


def test_a_warm_start_that_the_rules_forbid_is_left_out_and_told() -> None:
    other = plan(1, space=SearchSpace(ranges=(integer(1, 9),)))
    before = after_rounds(2, spec=ANY_GAIN).but(rounds=(closed(1, plan=other), closed(2)))
    step = planned(before, told())
    assert step.study.rounds[-1].plan.warm_start is None
    assert "without warm start (ParameterRanges: " in step.decisions[-1].reason


@pytest.mark.parametrize(
    ("changes", "scaling"),
    [
        ({"low": 0.01}, Scaling.LOGARITHMIC),
        ({"high": 0.4}, Scaling.LOGARITHMIC),
        ({"low": 0.06, "high": 0.2}, Scaling.LINEAR),  # it has not left what the person gave
        ({"low": 0.01, "auto_scaling": False}, Scaling.LINEAR),  # the person's word
        ({"low": 0.01, "hard_low": 0.0}, Scaling.LINEAR),  # 0 has no logarithm
        ({"low": 0.01, "hard_low": 0.01}, Scaling.LINEAR),  # its limits do not span decades
        ({"low": 0.01, "scaling": Scaling.REVERSE_LOGARITHMIC}, None),
    ],
)
def test_a_range_that_leaves_what_was_given_goes_over_to_a_log_scale_where_that_is_ours(
    changes: dict[str, Any], scaling: Scaling | None
) -> None:
    given = continuous(0.05, 0.3, hard_low=0.001, hard_high=0.5, auto_scaling=True)
    range_ = given.but(**changes)
    words = CategoricalRange(name="w", choices=("a", "b"), hard_choices=("a", "b"))
    whole = SearchSpace(ranges=(given, words))
    after, names = follow_scaling(SearchSpace(ranges=(range_, words)), whole)
    assert after["x"] == range_.but(scaling=scaling or range_.scaling)
    assert after["w"] == words
    assert names == (("x",) if scaling is Scaling.LOGARITHMIC else ())


def test_a_range_that_goes_over_to_a_log_scale_is_told() -> None:
    wide = continuous(0.001, 0.5, name="eta", hard_low=0.0005, auto_scaling=True)
    space = SearchSpace(ranges=(wide, *plan().space.ranges[1:]))
    before = after_rounds(1, spec=ANY_GAIN)
    before = before.but(rounds=(closed(1, plan=plan(space=space)),))
    step = planned(before, told(2))
    assert "eta on a log scale from now on: its limits span decades" in step.decisions[0].reason


def test_a_random_search_is_refined_too() -> None:
    rounds = {"max": 3, "trials": 8, "parallel": 2, "strategy": "random"}
    step = planned(after_rounds(1, spec={**ANY_GAIN, "rounds": rounds}), told())
    assert step.decisions[0].kind is DecisionKind.REFINED


def test_the_end_of_a_search_is_told_in_the_singular_and_the_plural() -> None:
    assert "in 1 round for" in end(after_rounds(1), "why", START).decisions[0].reason
    assert "in 2 rounds for" in end(after_rounds(2), "why", START).decisions[0].reason
