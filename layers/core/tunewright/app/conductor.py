"""The one writer of studies: look, decide, write, then do; safe to be woken often, late or never.

A step is written under the study's version before anything is done about it; what is done uses
computed names, so that doing it again is adopting it; what came of it is written as another step.
A crash anywhere is healed by the next wake.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import assert_never

from tunewright.app.ports import (
    Clock,
    CommandStore,
    Deploys,
    EndpointStore,
    StudyStore,
    Switch,
    TrialStore,
    Tuning,
)
from tunewright.app.recorder import Recorder
from tunewright.domain import names
from tunewright.domain.decide import decide
from tunewright.domain.errors import (
    CapacityError,
    ForeignError,
    OverBudgetError,
    RefusedError,
    StaleVersionError,
    UnknownOutcomeError,
)
from tunewright.domain.request import compile_request
from tunewright.domain.seen import Report, RoundSeen
from tunewright.domain.steps.hold import account, hold, over_budget
from tunewright.domain.steps.settle import (
    Done,
    Foreign,
    Halted,
    NoCapacity,
    Outcome,
    Outdated,
    Refused,
    claim,
    settle,
)
from tunewright.domain.steps.step import EndpointSeen, Look, Observation, Step, View
from tunewright.domain.study import (
    Action,
    DeployModel,
    Hold,
    StartRound,
    StopRound,
    Study,
)

MAX_STEPS = 40
"""Steps of one wake: enough for a study from end to end, and a bound on a mistake."""
FRESH = timedelta(seconds=30)
"""How old a study may be on whose word a round is started: who was slower may have been overtaken,
and what was owed then may have been refused, or cancelled, since."""
FOLD_AT_ONCE = 90
"""Trials of one transaction: DynamoDB takes 100 items, and study, charge and decisions are some."""


@dataclass
class _Looked:
    """What a wake has looked at since the study last changed.

    Attributes:
        since: When it loaded the study.
        at: The views that it has.
        listed: The live round as it was told before its trials were listed. What is told of it
            afterwards may count an end or an objective that came too late for the list.
        mine: The version by which this wake owes something, and has not tried it yet.
    """

    since: datetime
    at: set[View]
    listed: RoundSeen | None = None
    mine: int | None = None


class Conductor:
    """Advances studies."""

    def __init__(
        self,
        *,
        studies: StudyStore,
        trials: TrialStore,
        commands: CommandStore,
        tuning: Tuning,
        recorder: Recorder,
        endpoints: EndpointStore,
        deploys: Deploys,
        switch: Switch,
        clock: Clock,
    ) -> None:
        self._studies = studies
        self._trials = trials
        self._commands = commands
        self._tuning = tuning
        self._recorder = recorder
        self._endpoints = endpoints
        self._deploys = deploys
        self._switch = switch
        self._clock = clock

    def advance(self, study_id: str, *, look: bool) -> Study:
        """Advance a study until nothing is due.

        Args:
            study_id: The study.
            look: Whether to look at SageMaker even if the table alone would do: after the end of a
                tuning job, on schedule, and after a command.

        Returns:
            The study as it stands.

        Raises:
            NotFoundError: There is no such study.
        """
        looked = _Looked(self._clock.now(), {View.ROUND} if look else set())
        for _ in range(MAX_STEPS):
            looked.since = self._clock.now()
            study = self._studies.load(study_id)
            try:
                if not self._advance_once(study, looked):
                    now = self._studies.load(study_id)
                    if now.rev == study.rev:
                        return now
                    # What was read beside the study may have been of another moment: marks are
                    # gone that a wake beside this one has folded. Nobody else may come back.
            except StaleVersionError:
                continue  # Another wake was first: load again, decide again.
            except UnknownOutcomeError:
                return study  # Look again at the next wake; what is owed stays owed.
        return self._studies.load(study_id)

    def _advance_once(self, study: Study, looked: _Looked) -> bool:
        """Take one step, or do what is owed; False when nothing is due."""
        now, seen = self._clock.now(), self._observe(study, looked)
        step = decide(study, seen, now)
        match step:
            case Look(view):
                if view in looked.at:
                    return False  # It was looked at and did not help: leave it to the next wake.
                if view in {View.LISTING, View.EVERYTHING}:
                    self._list(study, again=view is View.EVERYTHING)
                    looked.listed = seen.round
                    looked.at.discard(View.TRIALS)  # What was read before is not all any more.
                looked.at.add(view)
                return True
            case Step():
                went_on = self._commit(study, step, now, looked)
                looked.at &= {View.ROUND}
                looked.listed = None
                return went_on
            case None:
                return self._perform(study, looked)
            case _ as never:  # pragma: no cover
                assert_never(never)

    def _commit(self, study: Study, step: Step, now: datetime, looked: _Looked) -> bool:
        """Write a step, or that the stack's budget has no room for it; False if that was told."""
        counted = account(study, step, now)
        try:
            written = self._studies.commit(counted, expected=study.version)
            looked.mine = written.version if written.owed != study.owed else None
        except OverBudgetError:
            if counted.charge is None:
                raise
            held = hold(study, Hold.BUDGET, over_budget(counted.charge), now)
            if held is None:
                return False
            self._studies.commit(held, expected=study.version)
        return True

    def _observe(self, study: Study, looked: _Looked) -> Observation:
        views = looked.at
        seen = Observation(
            unfolded=self._trials.unfolded(study.id, FOLD_AT_ONCE),
            commands=self._commands.waiting(study.id),
            listed=View.LISTING in views,
            relisted=View.EVERYTHING in views,
        )
        live = study.live
        if View.TRIALS in views:
            seen = replace(seen, trials=self._trials.of_study(study.id))
        if View.ROUND in views and live is not None and (study.doubt or not study.owed):
            told = looked.listed or self._tuning.look(live.plan.job, _owner(study))
            seen = replace(seen, round=told)
        if View.ENDPOINT in views:
            report = self._report(study)
            if report is None or report.plan_hash is not None:
                self._deploys.put(study.id)  # The deployer looks, writes what it saw, and wakes us.
            else:
                endpoint = EndpointSeen(live=report.live, fingerprint=report.fingerprint)
                seen = replace(seen, endpoint=endpoint)
        if study.phase.is_over and study.deployment is not None and View.ROUND in views:
            report = self._report(study)
            seen = replace(seen, lease=report.lease if report else None)
        return seen

    def _report(self, study: Study) -> Report | None:
        deploy = study.spec.deploy
        if deploy is None:
            return None
        return self._endpoints.load(names.endpoint(deploy.to)).reports.get(study.id)

    def _list(self, study: Study, *, again: bool) -> None:
        if again:
            for each in study.rounds:
                self._recorder.record_again(study, each.plan.job, each.plan.number)
        elif study.live is not None:
            self._recorder.catch_up(study, study.live.plan.job, study.live.plan.number)

    def _perform(self, study: Study, looked: _Looked) -> bool:
        """Do the first action that is due, and write what came of it; False if nothing did yet."""
        action = study.due(self._clock.now())
        outcome = None if action is None else self._do(study, action, looked)
        if action is None or outcome is None:
            return False
        now = self._clock.now()
        step = settle(study, action, outcome, now)
        if step is None:
            return False
        self._commit(study, step, now, looked)
        looked.at.add(View.ROUND)  # The world has changed: look at it, and list it again.
        looked.at.discard(View.LISTING)
        looked.listed = None
        return True

    def _do(self, study: Study, action: Action, looked: _Looked) -> Outcome | None:
        match action:
            case StartRound():
                return self._start(study, action, looked)
            case StopRound(job=job):
                self._tuning.stop(job, _owner(study))
                return Done()
            case DeployModel():
                return self._deployed(study)
            case _ as never:  # pragma: no cover
                assert_never(never)

    def _deployed(self, study: Study) -> Outcome | None:
        """Return what the deployer tells of the deployment; ask it to go on if that is nothing."""
        planned, report = study.deployment, self._report(study)
        if planned is None or report is None or report.plan_hash != planned.hash:
            self._deploys.put(study.id)  # It looks, even while it must not change anything.
            return Halted() if self._switch.is_thrown() else None
        match report.outcome:
            case "done":
                return Done()
            case "refused":
                return Refused(report.words)
            case "foreign":
                return Foreign(report.words)
            case "outdated":
                return Outdated()
            case _:
                return None

    def _start(self, study: Study, action: StartRound, looked: _Looked) -> Outcome | None:
        live = study.live
        if live is None:
            return None
        if self._switch.is_thrown():
            return Halted()
        request = compile_request(study.spec, study.profile, live.plan, study.tags)
        if self._clock.now() - looked.since > FRESH:
            return None  # The next wake looks again.
        if looked.mine != study.version:
            self._commit(study, claim(study, action), self._clock.now(), looked)
            return None  # What was written is loaded again, and then tried.
        looked.mine = None
        try:
            self._tuning.start(request, study.tags)
        except RefusedError as error:
            return Refused(error.words)
        except CapacityError as error:
            return NoCapacity(error.words)
        except ForeignError as error:
            return Foreign(error.words)
        return Done()


def _owner(study: Study) -> dict[str, str] | None:
    """Return the tags by which the live round's job must be known for ours; None if it is known.

    While nobody has seen that we made it, what goes by its name may be somebody else's.
    """
    live = study.live
    return study.tags if live is not None and live.began is None else None
