"""Tends endpoints: looks at them and changes them, one idempotent step at a time, on others' word.

It is the only one with rights to models and endpoints that have an owner. It reads what a study
asks for, writes what it saw and did to the endpoint's own record, and wakes the study; studies it
never writes.
"""

import logging
from datetime import datetime, timedelta

from tunewright.app.ports import (
    Clock,
    EndpointStore,
    Hosting,
    StudyStore,
    Switch,
    Wake,
    Wakes,
)
from tunewright.domain import names
from tunewright.domain.errors import (
    CapacityError,
    RefusedError,
    StaleVersionError,
    UnknownOutcomeError,
)
from tunewright.domain.gates import Live
from tunewright.domain.seen import Champion, Endpoint, HostedSeen, Report
from tunewright.domain.spec import Deploy
from tunewright.domain.study import Deployment, DeployModel, Phase, Study
from tunewright.domain.values import show_duration

_LOG = logging.getLogger(__name__)
_VALIDATION = "validation"
FRESH = timedelta(seconds=30)
"""How old a look may be on which an endpoint is moved: SageMaker does not know a late move."""
_BROKEN = frozenset({"Failed", "UpdateRollbackFailed"})
"""States of an endpoint that cannot be updated any more."""
PATIENCE = timedelta(minutes=60)
"""How long a study may hold an endpoint: what does not answer by then keeps others waiting."""


class Deployer:
    """Looks at endpoints, and moves them."""

    def __init__(
        self,
        *,
        studies: StudyStore,
        endpoints: EndpointStore,
        hosting: Hosting,
        wakes: Wakes,
        switch: Switch,
        clock: Clock,
    ) -> None:
        self._studies = studies
        self._endpoints = endpoints
        self._hosting = hosting
        self._wakes = wakes
        self._switch = switch
        self._clock = clock

    def tend(self, study_id: str) -> None:
        """Do what a study asks for at its endpoint: look, or bring its model a step nearer.

        Nothing is lost if this fails anywhere: the study still asks, and the next call goes on.

        Raises:
            NotFoundError: There is no such study.
        """
        study = self._studies.load(study_id)
        deploy, planned = study.spec.deploy, study.deployment
        if deploy is None:
            return
        endpoint = self._endpoints.load(names.endpoint(deploy.to))
        try:
            if study.phase is Phase.CHOOSING:
                told = self._look(study, endpoint)
            elif planned is not None and any(isinstance(each, DeployModel) for each in study.owed):
                told = self._deploy(study, planned, deploy, endpoint)
            else:
                return
            if told:
                self._wakes.put(Wake(study_id, look=True))
        except (StaleVersionError, UnknownOutcomeError):
            return  # Somebody else was first, or AWS does not answer: the next call looks again.

    def _look(self, study: Study, endpoint: Endpoint) -> bool:
        """Write what is live for a study that has to judge it, once that stands still."""
        if endpoint.holder is not None:
            return False  # Another study is changing it: judge what comes of that.
        hosted = self._hosting.look(endpoint.name, study.stack)
        report = Report(live=_live(hosted, endpoint.champion), fingerprint=self._fingerprint(study))
        self._save(endpoint, study, report)
        return True

    def _deploy(
        self, study: Study, planned: Deployment, deploy: Deploy, endpoint: Endpoint
    ) -> bool:
        """Bring a deployment a step nearer; True once there is an outcome to tell of."""
        known = endpoint.reports.get(study.id)
        if known is not None and known.plan_hash == planned.hash:
            return True  # It was told before; the study has only not heard of it.
        if endpoint.holder not in {None, study.id}:
            return False  # Another study is changing it: wait for the end of that.
        since = endpoint.held_since or self._clock.now()
        if endpoint.holder is None or endpoint.held_since is None:
            endpoint = self._endpoints.save(endpoint.but(holder=study.id, held_since=since))
        looked = self._clock.now()
        hosted = self._hosting.look(planned.endpoint, study.stack)
        report = Report(
            live=_live(hosted, endpoint.champion),
            fingerprint=self._fingerprint(study),
            plan_hash=planned.hash,
        )
        late = self._clock.now() - since >= PATIENCE
        begun = hosted is not None and hosted.config == planned.model
        told = None  # Nothing is begun so late: whoever gives up on it would leave it behind.
        if begun or not late:
            told = self._one_step(study, planned, deploy, hosted, report, looked)
        freed = endpoint.but(holder=None, held_since=None)
        if told is None and not late:
            return False
        if told is None:
            freed, told = self._give_up(freed, study, planned, hosted, report)
        elif told.outcome == "done":
            self._clear(endpoint.champion, planned)
            lease = timedelta(seconds=deploy.lease)
            freed = freed.but(champion=self._champion(study, planned, report, lease))
        self._save(freed, study, told)
        return True

    def _clear(self, former: Champion | None, planned: Deployment) -> None:
        """Delete the model that this deployment has replaced: nothing serves it any more.

        Whoever took our tag off it wants to keep it. That is no reason to hold up what is live.
        """
        if former is None or former.model != planned.replaces or former.model == planned.model:
            return
        try:
            self._hosting.delete_model(former.model)
        except RefusedError as error:
            _LOG.warning("the replaced model %s stays: %s", former.model, error)

    def _give_up(
        self,
        freed: Endpoint,
        study: Study,
        planned: Deployment,
        hosted: HostedSeen | None,
        report: Report,
    ) -> tuple[Endpoint, Report]:
        """Let go of a deployment that takes too long; what it may still become is not paid for.

        An endpoint that this deployment made gets a lease that is over: it is deleted as soon as
        SageMaker lets it be.
        """
        status = hosted.status if hosted else "not there"
        words = f"it did not answer within {show_duration(PATIENCE.total_seconds())} ({status})"
        ours = hosted is not None and hosted.ours and hosted.config == planned.model
        if ours and planned.replaces is None:
            words += "; it is deleted as soon as SageMaker lets it be"
            freed = freed.but(champion=self._champion(study, planned, report, timedelta(0)))
        return freed, report.but(outcome="refused", words=words)

    def _one_step(
        self,
        study: Study,
        planned: Deployment,
        deploy: Deploy,
        hosted: HostedSeen | None,
        report: Report,
        looked: datetime,
    ) -> Report | None:
        if hosted is not None and not hosted.ours:
            words = f"{planned.endpoint} does not carry this stack's tags"
            return report.but(outcome="foreign", words=words)
        if hosted is not None and hosted.config == planned.model:
            return _outcome(report, hosted)
        if hosted is not None and hosted.status in _BROKEN:
            said = hosted.words or "SageMaker gives no reason"
            words = f"{planned.endpoint} is {hosted.status}, delete it first: {said}"
            return report.but(outcome="refused", words=words)
        if hosted is not None and hosted.status not in {"InService", "OutOfService"}:
            return None  # It is changing: wait for the end of that.
        if (hosted.config if hosted else None) != planned.replaces:
            return report.but(outcome="outdated")
        return self._go_live(study, planned, deploy, hosted, report, looked)

    def _go_live(
        self,
        study: Study,
        planned: Deployment,
        deploy: Deploy,
        hosted: HostedSeen | None,
        report: Report,
        looked: datetime,
    ) -> Report | None:
        if self._switch.is_thrown():
            return None  # The stack is paused: the next call looks again.
        try:
            is_new = self._hosting.make_model(planned, deploy, study.profile, study.tags)
            if hosted is not None and hosted.words and not is_new:
                # Our config was tried before, and rolled back.
                return report.but(outcome="refused", words=hosted.words)
            if self._clock.now() - looked > FRESH:
                return None  # Others may have been here since: the next call looks again.
            self._hosting.go_live(planned, study.tags, update=hosted is not None)
        except CapacityError:
            return None  # A quota is used up: the next call tries again.
        except RefusedError as error:
            return report.but(outcome="refused", words=error.words)
        return None

    def _champion(
        self, study: Study, planned: Deployment, report: Report, lease: timedelta
    ) -> Champion:
        now = self._clock.now()
        return Champion(
            endpoint=planned.endpoint,
            study_id=study.id,
            model=planned.model,
            trial=planned.trial,
            metric=study.spec.objective.metric,
            value=planned.value,
            fingerprint=report.fingerprint,
            price_per_hour=planned.price_per_hour,
            since=now,
            lease_ends=now + lease,
        )

    def _save(self, endpoint: Endpoint, study: Study, report: Report) -> None:
        self._endpoints.save(endpoint.but(reports={**endpoint.reports, study.id: report}))

    def _fingerprint(self, study: Study) -> str:
        inputs = study.spec.training.inputs
        channel = inputs.get(_VALIDATION) or next(iter(inputs.values()))
        return self._hosting.fingerprint(channel.uri)


def _outcome(report: Report, hosted: HostedSeen) -> Report | None:
    if hosted.status == "Failed":
        words = hosted.words or "SageMaker gives no reason"
        return report.but(outcome="refused", words=words)
    return report.but(outcome="done") if hosted.status == "InService" else None


def _live(hosted: HostedSeen | None, champion: Champion | None) -> Live | None:
    """Join what SageMaker says is live with what we know of it."""
    if hosted is None:
        return None
    known = champion if champion and champion.model == hosted.config else None
    return Live(
        model=hosted.config,
        ours=hosted.ours and known is not None,
        study_id=known.study_id if known else None,
        metric=known.metric if known else None,
        value=known.value if known else None,
        fingerprint=known.fingerprint if known else None,
    )
