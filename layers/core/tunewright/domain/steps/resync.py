"""Recounts a study from nothing, once every training job of it was recorded anew."""

from datetime import datetime
from decimal import Decimal

from tunewright.domain import budget
from tunewright.domain.steps.fold import best_of, foldable, recount
from tunewright.domain.steps.step import Look, Observation, Step, View
from tunewright.domain.steps.winner import winner_of
from tunewright.domain.study import CommandKind, DecisionKind, Incumbent, Study
from tunewright.domain.values import show_money, show_number


def resync(study: Study, seen: Observation, now: datetime) -> Step | Look | None:
    """Answer a resync after everything was looked at; None while there is nothing to answer.

    It goes before folding: what was recorded anew is counted here, so that it can be told.
    """
    command = seen.commands[0] if seen.commands else None
    if not seen.relisted or command is None or command.kind is not CommandKind.RESYNC:
        return None
    if seen.trials is None:
        return Look(View.TRIALS)
    trials = list(seen.trials)
    after = _recounted(recount(study, trials))
    best = best_of(after, trials, None)
    if study.selected and (found := winner_of(after, trials)) is not None:
        best = found[0]
    after = after.but(incumbent=best)
    differed = "; ".join(_differences(study, after)) or "nothing differed"
    reason = f"{command.by} had every trial looked at again and recounted: {differed}"
    step = Step(after, folded=foldable(study, seen), consumed=(command,))
    return step.tell(DecisionKind.RESYNCED, reason, now)


def _recounted(study: Study) -> Study:
    """Count the ledger from the closed rounds alone; what cannot be found costs what it might."""
    spent, used = Decimal(0), 0
    for each in study.closed:
        spent += budget.round_cost(study.spec, study.profile.prices, each)
        used += each.launched
    return study.but(ledger=study.ledger.but(spent=spent, used_trials=used))


def _differences(before: Study, after: Study) -> list[str]:
    told = []
    trials = _finished(after) - _finished(before)
    if trials:
        count, were = abs(trials), "were" if abs(trials) != 1 else "was"
        noun = "trials" if count != 1 else "trial"
        how = "missing" if trials > 0 else "too many"
        told.append(f"{count} {noun} {were} {how}")
    money = after.spent - before.spent
    if money:
        told.append(f"spend was {show_money(abs(money))} too {'low' if money > 0 else 'high'}")
    if _name(after.incumbent) != _name(before.incumbent):
        told.append(f"the best is {_best(after.incumbent)}, and was {_best(before.incumbent)}")
    if not told and [each.progress for each in after.rounds] != [
        each.progress for each in before.rounds
    ]:
        told.append("how the trials of its rounds ended was counted wrongly")
    return told


def _finished(study: Study) -> int:
    return sum(each.progress.finished for each in study.rounds)


def _name(best: Incumbent | None) -> str | None:
    return None if best is None else best.trial


def _best(best: Incumbent | None) -> str:
    return "none" if best is None else f"{best.trial} with {show_number(best.value)}"
