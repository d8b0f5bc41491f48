"""Takes in that the lease of a study's endpoint has ended."""

from datetime import datetime

from tunewright.domain.seen import LeaseEnd
from tunewright.domain.steps.step import Step
from tunewright.domain.study import DecisionKind, Study
from tunewright.domain.values import show_money


def end_lease(study: Study, lease: LeaseEnd | None, now: datetime) -> Step | None:
    """Tell once that the lease has ended; None if it has not, or was told."""
    planned = study.deployment
    if lease is None or planned is None or planned.lease_ended is not None:
        return None
    what = f"{planned.endpoint} is deleted" if lease.deleted else lease.words
    reason = (
        f"the lease of {planned.endpoint} has ended: {what}; from the day it went live it cost "
        f"{show_money(lease.cost)}"
    )
    after = study.but(deployment=planned.but(lease_ended=lease.at))
    return Step(after).tell(
        DecisionKind.LEASE_ENDED, reason, now, numbers={"cost": f"{lease.cost:f}"}
    )
