"""Makes the selected trial the incumbent of its study."""

from collections.abc import Iterable

from tunewright.domain.limits import beyond
from tunewright.domain.selection import Selection, select
from tunewright.domain.study import Incumbent, Study
from tunewright.domain.trial import Trial


def winner_of(study: Study, trials: Iterable[Trial]) -> tuple[Incumbent, Selection] | None:
    """Return the trial that wins by the study's own words, with why; None if none has a value."""
    jobs = {each.plan.job: each.plan for each in study.rounds}
    own = {each.name: each for each in trials if each.tuning_job in jobs}
    if not own:
        return None
    found = select(
        own.values(),
        study.spec.objective,
        study.spec.winner,
        space=study.rounds[-1].plan.space,
        progress=study.progress,
    )
    if found is None:
        return None
    trial = own[found.trial]
    incumbent = Incumbent(
        trial=trial.name,
        round_number=jobs[trial.tuning_job].number,
        value=trial.objective or 0.0,
        parameters=trial.parameters,
        model=trial.model,
        breaks=found.breaks,
        beyond=beyond(trial, study.spec.winner.subject_to),
    )
    return incumbent, found
