"""Brings a planned deployment live, one idempotent step at a time; it never decides whether."""

from datetime import timedelta

from tunewright.app.ports import Clock, EndpointStore, Hosting
from tunewright.domain import names
from tunewright.domain.errors import CapacityError, RefusedError
from tunewright.domain.gates import Live
from tunewright.domain.seen import Champion
from tunewright.domain.spec import Deploy
from tunewright.domain.steps.settle import Done, Foreign, NoCapacity, Outcome, Refused
from tunewright.domain.steps.step import EndpointSeen
from tunewright.domain.study import Deployment, Study

_VALIDATION = "validation"
_BROKEN = frozenset({"Failed", "UpdateRollbackFailed"})
"""States of an endpoint that cannot be updated any more."""


class Deployer:
    """Looks at endpoints, and moves them."""

    def __init__(self, hosting: Hosting, endpoints: EndpointStore, clock: Clock) -> None:
        self._hosting = hosting
        self._endpoints = endpoints
        self._clock = clock

    def look(self, study: Study, deploy: Deploy) -> EndpointSeen:
        """Say what is live where a study deploys to.

        Raises:
            UnknownOutcomeError: SageMaker or S3 does not answer now.
        """
        endpoint = names.endpoint(deploy.to)
        hosted = self._hosting.look(endpoint, study.stack)
        champion = self._endpoints.champion(endpoint)
        live = None
        if hosted is not None:
            known = champion if champion and champion.model == hosted.config else None
            live = Live(
                model=hosted.config,
                ours=hosted.ours and known is not None,
                study_id=known.study_id if known else None,
                metric=known.metric if known else None,
                value=known.value if known else None,
                fingerprint=known.fingerprint if known else None,
            )
        return EndpointSeen(live=live, fingerprint=self._fingerprint(study))

    def _fingerprint(self, study: Study) -> str:
        inputs = study.spec.training.inputs
        channel = inputs.get(_VALIDATION) or next(iter(inputs.values()))
        return self._hosting.fingerprint(channel.uri)

    def deploy(self, study: Study, planned: Deployment, deploy: Deploy) -> Outcome | None:
        """Bring a deployment one step nearer to being live.

        Returns:
            What came of it; None while it is under way, or when SageMaker did not answer.

        Raises:
            UnknownOutcomeError: SageMaker does not answer now: it is still owed.
        """
        hosted = self._hosting.look(planned.endpoint, study.stack)
        if hosted is not None and not hosted.ours:
            return Foreign(f"{planned.endpoint} does not carry this stack's tags")
        if hosted is not None and hosted.config == planned.model:
            return self._under_way(study, planned, deploy, hosted.status, hosted.words)
        if hosted is not None and hosted.status in _BROKEN:
            words = hosted.words or "SageMaker gives no reason"
            return Refused(f"{planned.endpoint} is {hosted.status}, delete it first: {words}")
        if hosted is not None and hosted.status not in {"InService", "OutOfService"}:
            return None  # It changes for somebody else: wait for the end of that.
        try:
            is_new = self._hosting.make_model(planned, deploy, study.profile, study.tags)
            if hosted is not None and hosted.words and not is_new:
                return Refused(hosted.words)  # Our config was tried before, and rolled back.
            self._hosting.go_live(planned, study.tags, update=hosted is not None)
        except CapacityError as error:
            return NoCapacity(error.words)
        except RefusedError as error:
            return Refused(error.words)
        return None

    def _under_way(
        self, study: Study, planned: Deployment, deploy: Deploy, status: str, words: str | None
    ) -> Outcome | None:
        if status == "Failed":
            return Refused(words or "SageMaker gives no reason")
        if status != "InService":
            return None
        now = self._clock.now()
        self._endpoints.crown(
            Champion(
                endpoint=planned.endpoint,
                study_id=study.id,
                model=planned.model,
                trial=planned.trial,
                metric=study.spec.objective.metric,
                value=planned.value,
                fingerprint=self._fingerprint(study),
                price_per_hour=planned.price_per_hour,
                since=now,
                lease_ends=now + timedelta(seconds=deploy.lease),
            )
        )
        return Done()
