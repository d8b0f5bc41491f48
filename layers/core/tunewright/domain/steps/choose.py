"""Takes the winner of an ended search through the gate: deploy it, ask a person, or leave it."""

import hashlib
from datetime import datetime
from typing import assert_never

from tunewright.domain import names
from tunewright.domain.gates import Gate, GateVerdict, judge_deployment
from tunewright.domain.prices import price_per_second
from tunewright.domain.request import training_image
from tunewright.domain.spec import Deploy, Winner
from tunewright.domain.steps.step import EndpointSeen, Look, Observation, Step, View
from tunewright.domain.steps.winner import winner_of
from tunewright.domain.study import (
    DecisionKind,
    Deployment,
    DeployModel,
    Incumbent,
    Phase,
    Study,
)
from tunewright.domain.trial import Trial
from tunewright.domain.values import show_duration, show_money, show_number

MODEL_VERSION = 1


def choose(study: Study, seen: Observation, now: datetime) -> Step | Look:
    """Choose what becomes of the incumbent."""
    best, deploy = study.incumbent, study.spec.deploy
    if best is not None and study.spec.winner != Winner() and not study.selected:
        return Look(View.TRIALS) if seen.trials is None else _select(study, seen.trials, now)
    if best is None:
        reason = f"no trial gave {study.spec.objective.metric}; there is nothing to deploy"
        step = Step(study.but(phase=Phase.FAILED))
        return step.tell(DecisionKind.FAILED, reason, now)
    if deploy is None:
        return finish(Step(study), f"{_best(study, best)}; the study deploys nothing", now)
    if best.model is None:
        reason = f"{best.trial} left no model, so that nothing can be deployed"
        return finish(Step(study).tell(DecisionKind.NOT_DEPLOYED, reason, now), reason, now)
    if seen.endpoint is None:
        return Look(View.ENDPOINT)
    return _through_gate(study, best, best.model, deploy, seen.endpoint, now)


def _select(study: Study, trials: tuple[Trial, ...], now: datetime) -> Step:
    """Let what the person asked of a winner decide, in place of the objective alone."""
    found = winner_of(study, trials)
    if found is None:
        return Step(study.but(selected=True))
    incumbent, why = found
    step = Step(study.but(incumbent=incumbent, selected=True))
    numbers = {"trial": incumbent.trial, "value": incumbent.value, **why.numbers}
    return step.tell(DecisionKind.SELECTED, why.reason, now, numbers=numbers)


def _best(study: Study, best: Incumbent) -> str:
    metric = study.spec.objective.metric
    but = f", but {', '.join(best.breaks)}" if best.breaks else ""
    return f"the best model is that of {best.trial} ({metric} {show_number(best.value)}{but})"


def finish(step: Step, reason: str, now: datetime) -> Step:
    """End the study."""
    return step.with_study(phase=Phase.DONE, owed=()).tell(DecisionKind.DONE, reason, now)


def _through_gate(
    study: Study, best: Incumbent, model: str, deploy: Deploy, seen: EndpointSeen, now: datetime
) -> Step:
    verdict = judge_deployment(
        deploy, study.spec.objective, best.value, seen.fingerprint, seen.live
    )
    if best.breaks and verdict.gate is not Gate.KEEP:  # Who is asked anyway must know of it, too.
        reason = f"{', '.join(best.breaks)}; {verdict.reason}"
        verdict = verdict.but(gate=Gate.ASK, reason=reason)
    replaces = seen.live.model if seen.live else None
    planned = plan_deployment(study, best, model, deploy, replaces).but(why=verdict.reason)
    match verdict.gate:
        case Gate.KEEP:
            reason = f"{_best(study, best)}; what is live at {deploy.to} stays: {verdict.reason}"
            step = Step(study).tell(DecisionKind.NOT_DEPLOYED, reason, now, numbers=verdict.numbers)
            return finish(step, reason, now)
        case Gate.ASK:
            return _ask(study, planned, verdict, now)
        case Gate.DEPLOY:
            step = Step(study.but(deployment=planned))
            return owe_deployment(step, planned, verdict.reason, now)
        case _ as never:  # pragma: no cover
            assert_never(never)


def plan_deployment(
    study: Study, best: Incumbent, model: str, deploy: Deploy, replaces: str | None
) -> Deployment:
    """Plan exactly what would go live; its hash is what a person approves.

    A plan that is judged again is another plan, even if everything in it is the same: the answer
    to the first must not be taken for an answer to the second.
    """
    price = price_per_second(deploy.instance, study.profile.prices) * 3600 * deploy.count
    environment = {}
    if study.spec.training.script is not None:
        environment = {
            "SAGEMAKER_PROGRAM": study.spec.training.script.entry_point,
            "SAGEMAKER_SUBMIT_DIRECTORY": study.spec.training.script.source_dir,
        }
    name, endpoint = names.model(study.id, MODEL_VERSION), names.endpoint(deploy.to)
    parts = (
        *(name, endpoint, best.trial, model, deploy.instance, str(deploy.count), str(replaces)),
        str(study.decisions),
    )
    return Deployment(
        model=name,
        endpoint=endpoint,
        trial=best.trial,
        value=best.value,
        artifact=model,
        image=training_image(study.spec.training, study.profile),
        environment=environment,
        price_per_hour=price,
        replaces=replaces,
        hash=hashlib.sha256("\x00".join(parts).encode()).hexdigest()[:16],
    )


def _ask(study: Study, planned: Deployment, verdict: GateVerdict, now: datetime) -> Step:
    after = study.but(phase=Phase.AWAITING_APPROVAL, deployment=planned)
    reason = (
        f"may {planned.trial} go live at {planned.endpoint} for "
        f"{show_money(planned.price_per_hour * 24)} a day? {verdict.reason}"
    )
    numbers = {**verdict.numbers, "plan_hash": planned.hash}
    return Step(after).tell(DecisionKind.APPROVAL_NEEDED, reason, now, numbers=numbers)


def owe_deployment(step: Step, planned: Deployment, why: str, now: datetime) -> Step:
    """Owe a planned deployment."""
    deploy = step.study.spec.deploy
    lease = f", until its lease of {show_duration(deploy.lease)} ends" if deploy else ""
    reason = (
        f"{planned.trial} goes live at {planned.endpoint}: {why}; it costs "
        f"{show_money(planned.price_per_hour * 24)} a day{lease}"
    )
    owing = step.with_study(
        phase=Phase.DEPLOYING,
        owed=(DeployModel(model=planned.model, endpoint=planned.endpoint),),
    )
    numbers = {"trial": planned.trial, "value": planned.value, "plan_hash": planned.hash}
    return owing.tell(DecisionKind.DEPLOY_PLANNED, reason, now, numbers=numbers)
