"""Endpoints in motion: starts, replaces and ends what serves a model, as operations ask for it."""

import logging
import threading
from collections.abc import Callable, Mapping
from typing import Any

from sagemaker_local import events, hosted, rollout
from sagemaker_local.events import Dispatcher
from sagemaker_local.parts import HostListener, Parts
from sagemaker_local.settings import Settings
from sagemaker_local.store import Change, Document, Store

_LOG = logging.getLogger(__name__)
POLL_SECONDS = 0.25
"""How often a deployment looks at the time and at its alarms."""
Submit = Callable[[Callable[[], None]], None]


class Endpoints:
    """All endpoints; only the engine's thread calls it."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        parts: Parts,
        dispatcher: Dispatcher,
        submit: Submit,
    ) -> None:
        self._settings, self._store, self._parts = settings, store, parts
        self._dispatcher, self._submit = dispatcher, submit

    def carry_out(self, name: str) -> None:
        """Do what the status of an endpoint asks for."""
        endpoint = self._store.get(hosted.ENDPOINT, name)
        match endpoint and endpoint["EndpointStatus"]:
            case "Creating":
                self._start(name)
            case "Updating" if endpoint and "_rollout" in endpoint:
                self._next_phase(name, 0)
            case "Updating":
                self._resize(name)
            case "Deleting":
                self._delete(name)

    def resume(self) -> None:
        """Serve again what was served before a restart; a deployment begins anew."""
        for endpoint in self._store.all(hosted.ENDPOINT):
            name, status = endpoint["EndpointName"], endpoint["EndpointStatus"]
            if status in {"InService", "Creating", "Updating", "RollingBack"}:
                self._start(name)
            if status == "Updating" and "_rollout" in endpoint:
                self._next_phase(name, 0)
            elif status == "Updating":  # the fleet above was started in the size that is desired
                generation = endpoint["_generation"]
                self._change(name, lambda d, g=generation: self._resized(d, g, None))  # type: ignore[misc]
            elif status == "Deleting":
                self._delete(name)

    def _start(self, name: str) -> None:
        """Have the configuration serve that an endpoint has."""
        endpoint = self._store.get(hosted.ENDPOINT, name)
        if endpoint is None:
            return
        exact_name, generation = endpoint["EndpointName"], endpoint["_generation"]

        def told(status: str, reason: str | None) -> None:
            now = self._parts.clock()
            self._change(exact_name, lambda d: hosted.told(d, generation, status, reason, now))

        listener = self._heard(told)
        variant = endpoint["_variants"][0]
        count = variant.get("DesiredInstanceCount") or 1
        self._serve(self._parts.host.start, endpoint, endpoint["_serving"], count, listener)

    def _serve(
        self,
        start: Callable[..., None],
        endpoint: Document,
        serving: Mapping[str, Any],
        count: int,
        listener: HostListener,
    ) -> None:
        try:
            start(
                endpoint["EndpointName"],
                serving["variant"],
                serving["container"],
                count,
                listener,
                generation=str(endpoint["_generation"]),  # the same again is to be served anew
                config=serving["config"],
                concurrency=serving["concurrency"],
            )
        except Exception as error:  # noqa: BLE001 - whatever it is, the endpoint has failed
            listener("Failed", f"InternalServerError: {error}")

    def _next_phase(self, name: str, number: int) -> None:
        """Enter a phase of a deployment, or end the deployment after the last one."""
        endpoint = self._store.get(hosted.ENDPOINT, name)
        if endpoint is None or "_rollout" not in endpoint:
            return
        name, generation = endpoint["EndpointName"], endpoint["_generation"]
        now, host, plan = self._parts.clock(), self._parts.host, _plan(endpoint)
        if number == len(plan):
            host.promote(name)
            self._change(name, lambda d: hosted.deployed(d, now))
            return
        phase = plan[number]
        before = plan[number - 1] if number else None
        grows = before is not None and phase.new > before.new
        shrinks = before is not None and 0 < phase.old < before.old
        reached = not (before is None or grows or shrinks)
        if before is not None:
            host.route(name, phase.share)
        # One write: who sees a phase that waits for no fleet may count its time from there
        self._update(name, lambda d: hosted.in_phase(d, number, phase, now, reached=reached))

        def told(status: str, reason: str | None) -> None:
            self._reached(name, generation, status, reason)

        listener = self._heard(told)
        if before is None:
            self._serve(host.prepare, endpoint, endpoint["_next_serving"], phase.new, listener)
        elif grows:
            host.resize(name, phase.new, listener, beside=True)
        elif shrinks:
            host.resize(name, phase.old, listener)
        else:
            self._look(name, generation, [])

    def _reached(self, name: str, generation: int, status: str, reason: str | None) -> None:
        endpoint = self._deploying(name, generation)
        if endpoint is None:
            return
        if status != "InService":
            self._roll_back(name, reason or "the new fleet has failed")
            return
        now = self._parts.clock()
        self._store.update(hosted.ENDPOINT, name, lambda d: hosted.reached(d, now))
        self._look(name, generation, [])

    def _look(self, name: str, generation: int, ringing: list[str]) -> None:
        """Go on with a deployment, go back, or look again later."""
        endpoint = self._deploying(name, generation)
        if endpoint is None:
            return
        state, now = endpoint["_rollout"], self._parts.clock()
        phase, longest = _plan(endpoint)[state["phase"]], rollout.longest(state["deployment"])
        if ringing:
            alarms = ", ".join(ringing)
            self._roll_back(name, f"The deployment was rolled back: in ALARM are {alarms}.")
        elif now - state["began"] > longest:
            text = f"The deployment was rolled back: it took longer than {longest:g} seconds."
            self._roll_back(name, text)
        elif state["reached"] and now - state["since"] >= phase.seconds:
            self._next_phase(name, state["phase"] + 1)
        else:
            self._look_later(name, generation, rollout.alarms(state["deployment"]))

    def _look_later(self, name: str, generation: int, alarms: list[str]) -> None:
        def look() -> None:
            # Asked here, since the engine must wait for nobody
            ringing = list(self._parts.ringing(alarms))
            self._submit(lambda: self._look(name, generation, ringing))

        timer = threading.Timer(POLL_SECONDS, look)
        timer.daemon = True
        timer.start()

    def _roll_back(self, name: str, reason: str) -> None:
        now = self._parts.clock()
        self._change(name, lambda d: hosted.rolling_back(d, reason, now))
        endpoint = self._store.get(hosted.ENDPOINT, name)
        if endpoint is None:
            return
        exact_name, generation = endpoint["EndpointName"], endpoint["_generation"]

        def told(status: str, why: str | None) -> None:
            now = self._parts.clock()
            self._change(exact_name, lambda d: hosted.told(d, generation, status, why, now))

        self._parts.host.abandon(exact_name, self._heard(told))
        count = endpoint["_variants"][0].get("DesiredInstanceCount") or 1
        if count > 1:  # a rolling deployment has made the old fleet smaller
            self._parts.host.resize(exact_name, count, _nobody)

    def _resize(self, name: str) -> None:
        endpoint = self._store.get(hosted.ENDPOINT, name)
        if endpoint is None:
            return
        exact_name, generation = endpoint["EndpointName"], endpoint["_generation"]

        def told(_status: str, reason: str | None) -> None:
            self._change(exact_name, lambda d: self._resized(d, generation, reason))

        variant = endpoint["_variants"][0]
        self._announce(endpoint)
        if variant.get("DesiredInstanceCount") == variant.get("CurrentInstanceCount"):
            told("InService", None)
            return
        count = variant["DesiredInstanceCount"]
        self._parts.host.resize(exact_name, count, self._heard(told))

    def _resized(self, endpoint: Document, generation: int, reason: str | None) -> Document:
        return hosted.resized(endpoint, generation, reason, self._parts.clock())

    def _deploying(self, name: str, generation: int) -> Document | None:
        """An endpoint whose deployment is still the one that somebody speaks of."""
        endpoint = self._store.get(hosted.ENDPOINT, name)
        if endpoint is None or endpoint["_generation"] != generation or "_rollout" not in endpoint:
            return None
        return endpoint

    def _heard(self, told: HostListener) -> HostListener:
        """A listener that passes what the host says to the engine's thread."""
        return lambda status, reason: self._submit(lambda: told(status, reason))

    def _delete(self, name: str) -> None:
        endpoint = self._store.get(hosted.ENDPOINT, name)
        if endpoint is None:
            return
        self._parts.host.stop(endpoint["EndpointName"])
        self._store.delete(hosted.ENDPOINT, name)
        gone = {**endpoint, "EndpointStatus": "Deleted"}
        self._dispatcher.send(events.endpoint_event(self._settings, gone))

    def _change(self, name: str, change: Change) -> None:
        """Change an endpoint's status, and send both its events."""
        before = self._store.get(hosted.ENDPOINT, name)
        after = self._store.update(hosted.ENDPOINT, name, change)
        if after is not None and after is not before:
            self._dispatcher.send(events.endpoint_event(self._settings, after))

    def _update(self, name: str, change: Change) -> None:
        """Go on within a status: only the deployment has an event."""
        after = self._store.update(hosted.ENDPOINT, name, change)
        if after is not None:
            self._announce(after)

    def _announce(self, endpoint: Document) -> None:
        pending = hosted.summary(endpoint)
        event = events.deployment_event(self._settings, endpoint, pending)
        self._dispatcher.send(event)


def _nobody(_status: str, _reason: str | None) -> None:
    """Nobody waits for this."""


def _plan(endpoint: Document) -> tuple[rollout.Phase, ...]:
    def count(variant: Any) -> int:  # noqa: ANN401 - a variant as Describe shows it
        return variant.get("DesiredInstanceCount") or 1

    return rollout.phases(
        endpoint["_rollout"]["deployment"],
        old=count(endpoint["_variants"][0]),
        new=count(endpoint["_next_variants"][0]),
    )
