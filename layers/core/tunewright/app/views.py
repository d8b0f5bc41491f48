"""Shows studies, trials and decisions as plain values for those who ask; it changes nothing."""

from decimal import Decimal
from typing import Any

from tunewright.domain.document import document_of
from tunewright.domain.profile import Profile
from tunewright.domain.round import Round
from tunewright.domain.space import show_range
from tunewright.domain.study import Decision, Study
from tunewright.domain.trial import Trial
from tunewright.domain.whatif import WhatIf


def study_line(study: Study) -> dict[str, Any]:
    """Show a study in a list: what it is doing, its best, and what it has spent."""
    best = study.incumbent
    limit = study.profile.budget(study.spec)
    return {
        "id": study.id,
        "study": study.spec.study,
        "phase": study.phase.value,
        "paused": study.paused,
        "submitted": study.submitted.isoformat(),
        "submitted_by": study.submitted_by,
        "metric": study.spec.objective.metric,
        "goal": study.spec.objective.goal.value,
        "best": best.value if best else None,
        "best_breaks": list(best.breaks) if best else [],
        "rounds": len(study.rounds),
        "trials": sum(each.progress.finished for each in study.rounds),
        "spent": money(study.spent),
        "budget": None if limit is None else money(limit),
    }


def study_whole(study: Study) -> dict[str, Any]:
    """Show everything of a study but its trials and decisions."""
    best, planned = study.incumbent, study.deployment
    return {
        **study_line(study),
        "version": study.version,
        "ending": study.ending,
        "incumbent": best.model_dump(mode="json") if best else None,
        "ledger": {
            "spent": money(study.ledger.spent),
            "reserved": money(study.ledger.reserved),
            "set_aside": money(study.ledger.set_aside),
            "trials_used": study.ledger.used_trials,
            "trials_reserved": study.ledger.reserved_trials,
        },
        "owed": [action.model_dump(mode="json") for action in study.owed],
        "deployment": planned.model_dump(mode="json") if planned else None,
        "round_list": [_round(each) for each in study.rounds],
        "spec": document_of(study.spec),
    }


def _round(each: Round) -> dict[str, Any]:
    progress = each.progress
    return {
        "number": each.plan.number,
        "attempt": each.plan.attempt,
        "tuning_job": each.plan.job,
        "status": each.status.value,
        "ranges": {range_.name: show_range(range_) for range_ in each.plan.space.ranges},
        "parents": list(each.plan.warm_start.parents) if each.plan.warm_start else [],
        "trials_at_most": each.plan.trials,
        "finished": progress.finished,
        "completed": progress.completed,
        "stopped": progress.stopped,
        "failed": progress.failed + progress.unlucky,
        "without_metric": progress.silent,
        "best": progress.best,
        "spent": money(progress.spent),
        "stopped_by": each.stopped_by,
        "began": each.began.isoformat() if each.began else None,
        "ended": each.ended.isoformat() if each.ended else None,
        "forecast": each.forecast,
    }


def trial_line(trial: Trial) -> dict[str, Any]:
    """Show a trial."""
    shown = trial.model_dump(mode="json", exclude={"study_id", "rev", "cost"})
    return {**shown, "cost": money(trial.cost)}


def profile_line(profile: Profile) -> dict[str, Any]:
    """Show what a submitter may use, and where their own files go; roles and keys are not told."""
    most = profile.max_budget
    return {
        "name": profile.name,
        "region": profile.region,
        "instances": list(profile.instances),
        "images": list(profile.images),
        "data": list(profile.data),
        "max_budget": None if most is None else money(most),
        "uploads": profile.uploads,
    }


def decision_line(decision: Decision) -> dict[str, Any]:
    """Show a decision: the why, with its numbers."""
    shown = decision.model_dump(mode="json", exclude={"study_id", "standing"})
    return {**shown, "id": decision.id}


def what_if_line(found: WhatIf, metric: str) -> dict[str, Any]:
    """Show what other stopping rules would have come to, with a sentence that says it."""
    shown = found.model_dump(mode="json", exclude={"spent", "recorded_spent"})
    spent, recorded = money(found.spent), money(found.recorded_spent)
    return {**shown, "spent": spent, "recorded_spent": recorded, "sentence": found.sentence(metric)}


def money(amount: Decimal) -> str:
    """Write an amount exactly, without an exponent.

    >>> money(Decimal("40.000000")), money(Decimal("0.0000010"))
    ('40', '0.000001')
    """
    text = f"{amount:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
