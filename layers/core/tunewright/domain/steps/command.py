"""Answers a person's word: pause, resume, stop, cancel, approve, reject, resync."""

from dataclasses import replace
from datetime import datetime

from tunewright.domain.steps.choose import finish, owe_deployment
from tunewright.domain.steps.close import stop_live
from tunewright.domain.steps.step import Look, Observation, Step, View
from tunewright.domain.study import (
    Command,
    CommandKind,
    DecisionKind,
    Phase,
    Study,
)


def answer(study: Study, seen: Observation, now: datetime) -> Step | Look | None:
    """Answer the oldest command; one that no longer applies is consumed and told as such."""
    if not seen.commands:
        return None
    command = seen.commands[0]
    if command.kind is CommandKind.RESYNC:
        return Look(View.EVERYTHING)  # `resync` answers it, once that was looked at.
    step = replace(_answer(study, command, now), consumed=(command,))
    if step.decisions:
        return step
    why = f"while the study is {study.phase}"
    if study.ending is not None and not study.phase.is_over:
        why = f"any more: {study.ending}"
    reason = f"{command.by} said {command.kind}, which does nothing {why}"
    return step.tell(DecisionKind.COMMANDED, reason, now)


def _answer(study: Study, command: Command, now: datetime) -> Step:
    if study.phase.is_over:
        return Step(study)
    match command.kind:
        case CommandKind.PAUSE if not study.paused:
            what = "paused it: no new round is started, the running one goes on"
            return _told(study.but(paused=True), command, what, now)
        case CommandKind.RESUME if study.paused or study.phase is Phase.NEEDS_PERSON:
            after = study.but(paused=False)
            if study.phase is Phase.NEEDS_PERSON:
                after = after.but(phase=study.resume_to or Phase.SEARCHING, resume_to=None)
            return _told(after, command, "resumed it", now)
        case CommandKind.STOP if _may_stop(study):
            return _stop(study, command, now)
        case CommandKind.CANCEL:
            return _cancel(study, command, now)
        case CommandKind.APPROVE | CommandKind.REJECT:
            return _approval(study, command, now)
        case _:
            return Step(study)


def _may_stop(study: Study) -> bool:
    """A search that is ending stays so: after a cancel, a stop would deploy its best."""
    return study.ending is None and study.phase in {Phase.SEARCHING, Phase.NEEDS_PERSON}


def _told(study: Study, command: Command, what: str, now: datetime) -> Step:
    return Step(study).tell(DecisionKind.COMMANDED, f"{command.by} {what}", now)


def _stop(study: Study, command: Command, now: datetime) -> Step:
    ending = f"{command.by} stopped it"
    after = _stopping(study.but(ending=ending, phase=Phase.SEARCHING, resume_to=None), now)
    return _told(after, command, "stopped the search: the best so far is taken", now)


def _cancel(study: Study, command: Command, now: datetime) -> Step:
    if study.phase is Phase.DEPLOYING:
        return Step(study)  # what goes live is past cancelling; the endpoint can be deleted
    after = study.but(ending="cancelled", phase=Phase.SEARCHING, resume_to=None)
    what = "cancelled it: everything is stopped and nothing is deployed"
    return _told(_stopping(after, now), command, what, now)


def _stopping(study: Study, now: datetime) -> Study:
    """Owe the stop of the live round, if there is one; what was owed to it is owed no more."""
    live = study.live
    if live is None:
        return study.but(owed=())
    return stop_live(study, live, "a person", now)


def _approval(study: Study, command: Command, now: datetime) -> Step:
    planned = study.deployment
    if study.phase is not Phase.AWAITING_APPROVAL or planned is None:
        return Step(study)
    if command.plan_hash != planned.hash:
        reason = f"{command.by} answered for another plan than {planned.hash}; it is still open"
        return Step(study).tell(DecisionKind.COMMANDED, reason, now)
    study = study.but(deployment=planned.but(answer=command))
    if command.kind is CommandKind.APPROVE:
        step = _told(study, command, f"approved {planned.trial} for {planned.endpoint}", now)
        return owe_deployment(step, planned, f"{command.by} approved it", now)
    step = _told(study, command, f"rejected {planned.trial} for {planned.endpoint}", now)
    return finish(step, f"{planned.trial} is not deployed: {command.by} rejected it", now)
