"""Looks after what nobody else has woken: why a lost event costs minutes, and never results."""

import logging
from datetime import timedelta

from tunewright.app.announcer import Announcer
from tunewright.app.ports import (
    Clock,
    EndpointStore,
    Leases,
    Outbox,
    StudyStore,
    Wake,
    Wakes,
)
from tunewright.domain.errors import TunewrightError

OVERDUE = timedelta(minutes=1)
"""How long a decision may be untold before the sweep tells it: the stream takes seconds."""
AT_ONCE = 50
_LOG = logging.getLogger(__name__)


class Sweeper:
    """Wakes live studies, queues ended leases, tells what is overdue; it never asks SageMaker."""

    def __init__(
        self,
        *,
        studies: StudyStore,
        outbox: Outbox,
        wakes: Wakes,
        endpoints: EndpointStore,
        leases: Leases,
        announcer: Announcer,
        clock: Clock,
    ) -> None:
        self._studies = studies
        self._outbox = outbox
        self._wakes = wakes
        self._endpoints = endpoints
        self._leases = leases
        self._announcer = announcer
        self._clock = clock

    def sweep(self) -> None:
        """Sweep once; what goes wrong for one study keeps nobody else waiting."""
        for study_id in self._studies.live():
            self._wakes.put(Wake(study_id, look=True))
        for endpoint in self._endpoints.due(self._clock.now()):
            self._leases.put(endpoint)
        before = self._clock.now() - OVERDUE
        for decision in self._outbox.unpublished(before=before, limit=AT_ONCE):
            try:
                self._announcer.announce(decision)
            except TunewrightError:
                _LOG.exception("the decision %s could not be told", decision.id)
