"""Ends leases: deletes the endpoint whose time is over, with its config and its model.

Like the deployer it works on an endpoint's own record, and tells its study by a report there. It
may die anywhere: the record stays due until the report is written and the study is woken.
"""

import logging
from decimal import Decimal

from tunewright.app.ports import Clock, EndpointStore, Hosting, StudyStore, Wake, Wakes
from tunewright.domain.errors import RefusedError, StaleVersionError, UnknownOutcomeError
from tunewright.domain.seen import Champion, Endpoint, LeaseEnd, Report
from tunewright.domain.values import round_up_money

_HOUR = 3600
_LOG = logging.getLogger(__name__)


class Landlord:
    """Ends the leases of endpoints."""

    def __init__(
        self,
        *,
        studies: StudyStore,
        endpoints: EndpointStore,
        hosting: Hosting,
        wakes: Wakes,
        clock: Clock,
    ) -> None:
        self._studies = studies
        self._endpoints = endpoints
        self._hosting = hosting
        self._wakes = wakes
        self._clock = clock

    def end_lease(self, name: str) -> None:
        """Bring the end of an endpoint's lease a step nearer, if it is due.

        It deletes only what its champion's study put there: not what carries no tag of ours, nor
        another model that somebody put in its place. While a newer deployment is under way it
        waits; that has a lease of its own.

        Raises:
            NotFoundError: There is no such study.
        """
        endpoint = self._endpoints.load(name)
        champion = endpoint.champion
        if champion is None or champion.lease_ends > self._clock.now():
            return
        if endpoint.holder not in {None, champion.study_id}:
            return
        try:
            self._end(endpoint, champion)
        except (StaleVersionError, UnknownOutcomeError):
            return  # Somebody was first, or it is changing: it stays due, and comes again.
        except RefusedError as error:
            _LOG.warning("the lease of %s cannot be ended: %s", name, error)
            freed = self._endpoints.load(name).but(holder=None, held_since=None)
            self._endpoints.save(freed)  # It stays due, but keeps no deployment waiting.

    def _end(self, endpoint: Endpoint, champion: Champion) -> None:
        if endpoint.holder is None:  # From here on no deployment begins.
            now = self._clock.now()
            held = endpoint.but(holder=champion.study_id, held_since=now)
            endpoint = self._endpoints.save(held)
        report = endpoint.reports.get(champion.study_id)
        if report is None or report.lease is None:
            lease = self._clear(endpoint, champion)
            if lease is None:
                return  # It is being deleted: the next sweep comes back here.
            report = (report or Report(live=None, fingerprint=champion.fingerprint)).but(
                lease=lease
            )
            reports = {**endpoint.reports, champion.study_id: report}
            endpoint = self._endpoints.save(endpoint.but(reports=reports))
        self._wakes.put(Wake(champion.study_id, look=True))
        self._endpoints.save(endpoint.but(champion=None, holder=None, held_since=None))

    def _clear(self, endpoint: Endpoint, champion: Champion) -> LeaseEnd | None:
        """Have everything of the champion deleted; None until it is gone."""
        stack = self._studies.load(champion.study_id).stack
        hosted = self._hosting.look(endpoint.name, stack)
        now = self._clock.now()
        hours = Decimal(str((now - champion.since).total_seconds())) / _HOUR
        ended = LeaseEnd(
            at=now, cost=round_up_money(champion.price_per_hour * hours), deleted=hosted is None
        )
        if hosted is not None and (not hosted.ours or hosted.config != champion.model):
            words = f"{hosted.config} is live there now, not this study's model, and is left alone"
            return ended.but(words=words)
        if hosted is not None and hosted.status != "Deleting":
            self._hosting.delete(endpoint.name)
            hosted = self._hosting.look(endpoint.name, stack)
        if hosted is not None:
            return None
        self._hosting.delete_model(champion.model)
        return ended.but(deleted=True)
