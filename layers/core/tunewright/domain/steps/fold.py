"""Folds what trials have shown into the study; the order of their arrival does not matter."""

from datetime import datetime

from tunewright.domain.budget import round_cost
from tunewright.domain.limits import Beyond, beyond, broken
from tunewright.domain.objective import Objective
from tunewright.domain.round import Progress, Round, RoundStatus, count
from tunewright.domain.steps.step import Look, Observation, Step, View
from tunewright.domain.steps.winner import winner_of
from tunewright.domain.study import DecisionKind, Incumbent, Phase, Study
from tunewright.domain.trial import Trial
from tunewright.domain.values import show_change, show_number


def fold(study: Study, seen: Observation, now: datetime) -> Step | Look | None:
    """Fold all trials that carry news.

    A trial that ended after all folded ones of the live round is simply added. Any other (a late
    one, one of a closed round, one whose objective came later) makes its rounds be recounted from
    all trials: the result is what it would have been, had everything arrived in order.
    """
    held = foldable(study, seen)
    news = [trial for trial in held if _round_of(study, trial) is not None]
    if not held:
        return None
    if not news:
        return Step(study, folded=held)
    if _is_simple(study, news):
        after = _add(study, news)
    elif seen.trials is None:
        return Look(View.TRIALS)
    else:
        after = recount(study, _with_news(seen.trials, news))
    if after.phase is Phase.CHOOSING:
        after = after.but(selected=False)  # The winner is selected again, with the news.
    step = Step(_with_incumbent(after, news, seen), folded=held)
    return _tell_new_best(study, step, now)


def foldable(study: Study, seen: Observation) -> tuple[Trial, ...]:
    """Return the trials whose news a study can hold now, or never will.

    A study that was restored from a backup lags behind its own trials: those of a round, or of
    another attempt at its last one, that it has still to plan and will adopt, keep their marks
    until then.
    """
    passed = len(study.rounds)
    return tuple(
        each
        for each in seen.unfolded
        if study.phase.is_over or each.round_number < passed or _round_of(study, each) is not None
    )


def _round_of(study: Study, trial: Trial) -> Round | None:
    for each in study.rounds:
        if each.plan.job == trial.tuning_job:
            return each
    return None


def _is_simple(study: Study, news: list[Trial]) -> bool:
    live = study.live
    return live is not None and all(
        trial.tuning_job == live.plan.job and trial.is_ended and not live.progress.comes_late(trial)
        for trial in news
    )


def _add(study: Study, news: list[Trial]) -> Study:
    live = study.rounds[-1]
    progress = count_from(live.progress, news, study)
    return study.with_live(live.but(progress=progress))


def count_from(start: Progress, trials: list[Trial], study: Study) -> Progress:
    """Fold trials that come after everything in `start`."""
    limits = study.spec.winner.subject_to
    return count(trials, start, study.spec.objective, study.gain, limits)


def _with_news(trials: tuple[Trial, ...], news: list[Trial]) -> list[Trial]:
    """Take the newer record where both hold one: the table may be read just before the mark."""
    known = {trial.name: trial for trial in trials}
    known.update({trial.name: trial for trial in news})
    return list(known.values())


def recount(study: Study, trials: list[Trial]) -> Study:
    """Recount every round from its beginning, each from what the round before it left."""
    rounds: list[Round] = []
    start = Progress()
    spent, used = study.ledger.spent, study.ledger.used_trials
    for each in study.rounds:
        own = [trial for trial in trials if trial.tuning_job == each.plan.job]
        progress = count_from(start, own, study)
        launched = each.launched
        if each.status is RoundStatus.CLOSED:
            launched = max(launched, progress.finished)
            used += launched - each.launched
        counted = each.but(start=start, progress=progress, launched=launched)
        if each.status is RoundStatus.CLOSED:  # new minus old
            prices = study.profile.prices
            spent += round_cost(study.spec, prices, counted) - round_cost(study.spec, prices, each)
        rounds.append(counted)
        start = carry(progress)
    ledger = study.ledger.but(spent=spent, used_trials=used)
    return study.but(rounds=tuple(rounds), ledger=ledger)


def carry(progress: Progress) -> Progress:
    """Return what the next round begins with: the bar and the first trials stay, patience anew."""
    return Progress(bar=progress.bar, early=progress.early)


def _with_incumbent(study: Study, news: list[Trial], seen: Observation) -> Study:
    """Take the best trial: of the news, or of everything if it was looked at.

    Where the winner was chosen by the spec's own words, late news is no reason to forget them.
    """
    if seen.trials is None:
        return study.but(incumbent=best_of(study, news, study.incumbent))
    pool = _with_news(seen.trials, news)
    found = winner_of(study, pool) if study.selected else None
    return study.but(incumbent=found[0] if found else best_of(study, pool, None))


def best_of(study: Study, pool: list[Trial], best: Incumbent | None) -> Incumbent | None:
    """Return the best of these trials and of what was the best before: first by the limits."""
    limits = study.spec.winner.subject_to
    for trial in sorted(pool, key=lambda each: (each.ended or each.created, each.name)):
        owner = _round_of(study, trial)
        far = beyond(trial, limits)
        if owner is not None and _beats(study.spec.objective, trial, far, best):
            best = Incumbent(
                trial=trial.name,
                round_number=owner.plan.number,
                value=trial.objective or 0.0,
                parameters=trial.parameters,
                model=trial.model,
                breaks=broken(trial, limits),
                beyond=far,
            )
    return best


def _beats(objective: Objective, trial: Trial, far: Beyond, best: Incumbent | None) -> bool:
    value = trial.objective
    if value is None or not trial.is_scored:
        return False
    if best is None:
        return True
    if far != best.beyond:
        return far < best.beyond
    return objective.better(value, best.value)


def _tell_new_best(before: Study, step: Step, now: datetime) -> Step:
    """Tell of a new best only when it raised the bar: smaller gains are noise to a reader."""
    bar, old = step.study.progress.bar, before.progress.bar
    if bar is None or (old is not None and not before.spec.objective.better(bar.value, old.value)):
        return step  # A late, earlier trial may even lower the bar.
    live = step.study.rounds[-1]
    metric = before.spec.objective.metric
    gained = ""
    if old is not None:
        gained = f" ({show_change(bar.value - old.value)})"
    reason = f"{metric} {show_number(bar.value)}{gained} by {bar.trial} is the new best"
    return step.tell(
        DecisionKind.NEW_BEST,
        reason,
        now,
        round_number=live.plan.number,
        numbers={"value": bar.value, "trial": bar.trial, "before": old.value if old else None},
    )
