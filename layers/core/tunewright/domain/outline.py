"""Counts what a study may come to, before anything is launched: rounds, trials, money, notes."""

from collections.abc import Mapping
from decimal import Decimal

from tunewright.domain import budget
from tunewright.domain.checks import notes
from tunewright.domain.errors import Problem
from tunewright.domain.spec import StudySpec
from tunewright.domain.steps.plan import round_count, round_size
from tunewright.domain.values import Value


class Outline(Value):
    """What a study may come to.

    Attributes:
        rounds: How many rounds there may be.
        first_trials: Trials of the first round at most; 0 if the budget does not pay for it.
        trials: Trials of all rounds at most.
        round_cost: What the first round can cost at worst, in US dollars.
        search_cost: What all rounds can cost at worst, if money were no limit.
        reserve: What is kept for the endpoint until its lease ends.
        limit: The limit on search and endpoint together; None for no limit.
        notes: What is not wrong, but may not be meant: where, and what.
    """

    rounds: int
    first_trials: int
    trials: int
    round_cost: Decimal
    search_cost: Decimal
    reserve: Decimal
    limit: Decimal | None
    notes: tuple[tuple[str, str], ...]


def outline(spec: StudySpec, prices: Mapping[str, Decimal], limit: Decimal | None) -> Outline:
    """Outline a study.

    Raises:
        KeyError: No price is known of an instance type.
    """
    rounds, size = round_count(spec)
    most = spec.rounds.max * spec.rounds.trials
    reserve = budget.deployment_reserve(spec, prices)
    money = None if limit is None else limit - reserve
    wanted = round_size(spec, spec.search_space, most)
    first = budget.affordable_trials(spec, prices, wanted, money)
    trials = min(rounds * size, most)
    cost = budget.worst_case(spec, prices, trials)
    found = list(notes(spec))
    if money is not None and cost > money:
        message = (
            "does not pay for all rounds at their worst: later ones will be smaller, or left out; "
            "trials that end before max_run give their money back"
        )
        found.append(Problem(("budget",), message))
    return Outline(
        rounds=rounds,
        first_trials=first,
        trials=trials,
        round_cost=budget.worst_case(spec, prices, first),
        search_cost=cost,
        reserve=reserve,
        limit=limit,
        notes=tuple((note.where, note.message) for note in found),
    )
