"""Records trials as facts: one look at SageMaker, one write; it decides nothing."""

from tunewright.app.ports import StudyStore, TrialStore, Tuning
from tunewright.domain import names
from tunewright.domain.budget import trial_cost
from tunewright.domain.errors import NotFoundError
from tunewright.domain.limits import beyond
from tunewright.domain.seen import TrainingJobSeen
from tunewright.domain.spec import Bound
from tunewright.domain.study import Study
from tunewright.domain.trial import Trial, TrialStatus


class Recorder:
    """Turns training jobs into the trials of their studies."""

    def __init__(self, studies: StudyStore, trials: TrialStore, tuning: Tuning) -> None:
        self._studies = studies
        self._trials = trials
        self._tuning = tuning

    def record(self, training_job: str) -> str | None:
        """Record what SageMaker says now of a training job.

        Returns:
            The study that it belongs to; None if it belongs to none of ours.

        Raises:
            UnknownOutcomeError: SageMaker does not answer now.
        """
        parts = names.parse_training_job(training_job)
        owner = names.parse_tuning_job(parts.tuning_job) if parts else None
        if parts is None or owner is None:
            return None
        try:
            study = self._studies.load(owner.study_id)
        except NotFoundError:
            return None
        seen = self._tuning.trial(training_job)
        if seen is None or seen.tuning_job not in {None, parts.tuning_job}:
            return None
        self._trials.record(trial_of(study, seen, parts.tuning_job, owner.round_number))
        return study.id

    def catch_up(self, study: Study, tuning_job: str, round_number: int) -> None:
        """Record every training job of a tuning job that is not recorded to its end.

        A completed one without an objective, or without what a limit is on, is looked at again:
        these may come after its end.

        Raises:
            UnknownOutcomeError: SageMaker does not answer now.
        """
        limits = study.spec.winner.subject_to
        whole = {
            trial.name
            for trial in self._trials.of_study(study.id)
            if trial.is_ended
            and (trial.status is not TrialStatus.COMPLETED or _is_measured(trial, limits))
        }
        self._record_all(study, tuning_job, round_number, whole)

    def record_again(self, study: Study, tuning_job: str, round_number: int) -> None:
        """Record every training job of a tuning job of which more could be told than is known.

        Records only grow: of one without a gap nothing is asked, so that a great study is done in
        one wake, and what died goes on where it was. If SageMaker has no such job, it does nothing.

        Raises:
            UnknownOutcomeError: SageMaker does not answer now.
        """
        if self._tuning.look(tuning_job).exists:
            known = self._trials.of_study(study.id)
            limits = study.spec.winner.subject_to
            whole = {trial.name for trial in known if _has_no_gap(trial, limits)}
            self._record_all(study, tuning_job, round_number, whole)

    def _record_all(
        self, study: Study, tuning_job: str, round_number: int, whole: set[str]
    ) -> None:
        for name in self._tuning.trial_names(tuning_job):
            seen = None if name in whole else self._tuning.trial(name)
            if seen is not None:
                self._trials.record(trial_of(study, seen, tuning_job, round_number))


def _is_measured(trial: Trial, limits: tuple[Bound, ...]) -> bool:
    """Say whether the objective of a trial is known, and all that there are limits on."""
    unknown, _ = beyond(trial, limits)
    return trial.is_scored and not unknown


def _has_no_gap(trial: Trial, limits: tuple[Bound, ...]) -> bool:
    if not trial.is_ended or trial.billable_seconds is None:
        return False
    match trial.status:
        case TrialStatus.COMPLETED:
            return _is_measured(trial, limits) and trial.model is not None
        case TrialStatus.STOPPED:
            return trial.objective is not None
        case _:
            return True


def trial_of(study: Study, seen: TrainingJobSeen, tuning_job: str, round_number: int) -> Trial:
    """Write a training job as a trial of its study, with what it cost."""
    searched = study.spec.search_space.names
    billable = seen.billable_seconds
    return Trial(
        name=seen.name,
        study_id=study.id,
        tuning_job=tuning_job,
        round_number=round_number,
        parameters={
            name: seen.hyperparameters[name] for name in searched if name in seen.hyperparameters
        },
        status=seen.status,
        objective=seen.metrics.get(study.spec.objective.metric),
        metrics=seen.metrics,
        created=seen.created,
        started=seen.started,
        ended=seen.ended,
        billable_seconds=billable,
        cost=trial_cost(study.spec, study.profile.prices, billable or 0),
        failure_reason=seen.failure_reason,
        model=seen.model,
    )
