"""Endpoints in motion: starts, replaces and ends what serves a model, as operations ask for it."""

from collections.abc import Callable

from sagemaker_local import events, hosted
from sagemaker_local.events import Dispatcher
from sagemaker_local.parts import Parts, Serve
from sagemaker_local.settings import Settings
from sagemaker_local.store import Change, Store

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
                self._serve(name, self._parts.host.start)
            case "Updating":
                self._serve(name, self._parts.host.replace)
            case "Deleting":
                self._delete(name)

    def resume(self) -> None:
        """Serve again what was served before a restart."""
        for endpoint in self._store.all(hosted.ENDPOINT):
            name, status = endpoint["EndpointName"], endpoint["EndpointStatus"]
            if status == "Updating":
                # Nothing serves any more that could go on meanwhile: the new one is started alone
                self._change(name, lambda d: hosted.with_next_config(d, self._parts.clock()))
            if status in {"InService", "Creating", "Updating"}:
                self._serve(name, self._parts.host.start)
            elif status == "Deleting":
                self._delete(name)

    def _serve(self, name: str, start: Serve) -> None:
        endpoint = self._store.get(hosted.ENDPOINT, name)
        if endpoint is None:
            return
        wanted = hosted.wanted_config(endpoint)
        config = self._store.get(hosted.CONFIG, wanted)
        model_name = config["ProductionVariants"][0].get("ModelName") if config else None
        model = self._store.get(hosted.MODEL, model_name) if model_name else None
        exact_name, generation = endpoint["EndpointName"], endpoint["_generation"]

        def told(status: str, reason: str | None) -> None:
            self._submit(lambda: self._told(exact_name, generation, status, reason))

        if config is None or model is None:
            told("Failed", f'Could not find model "{model_name}".')
            return
        variant = config["ProductionVariants"][0]
        count = variant.get("InitialInstanceCount", 1)
        try:
            start(
                exact_name,
                variant["VariantName"],
                hosted.container(model),
                count,
                told,
                generation=str(generation),  # the same model again is to be served anew
            )
        except Exception as error:  # noqa: BLE001 - whatever it is, the endpoint has failed
            told("Failed", f"InternalServerError: {error}")

    def _told(self, name: str, generation: int, status: str, reason: str | None) -> None:
        now = self._parts.clock()
        self._change(name, lambda d: hosted.told(d, generation, status, reason, now))

    def _delete(self, name: str) -> None:
        endpoint = self._store.get(hosted.ENDPOINT, name)
        if endpoint is None:
            return
        self._parts.host.stop(endpoint["EndpointName"])
        self._store.delete(hosted.ENDPOINT, name)
        gone = {**endpoint, "EndpointStatus": "Deleted"}
        self._dispatcher.send(events.endpoint_event(self._settings, gone))

    def _change(self, name: str, change: Change) -> None:
        before = self._store.get(hosted.ENDPOINT, name)
        after = self._store.update(hosted.ENDPOINT, name, change)
        if after is not None and after is not before:
            self._dispatcher.send(events.endpoint_event(self._settings, after))
