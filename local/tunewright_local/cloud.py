"""The local cloud: AWS and SageMaker in this process, with the template deployed into it."""

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import boto3
from botocore.config import Config

from embedded_aws import is_open, place, secret_of
from sagemaker_local.events import Event
from sagemaker_local.server import App, LocalServer
from tunewright_local.chaos import Chaos, faults
from tunewright_local.deployment import Deployed, Told, access_key, deploy, sweep
from tunewright_local.front import API, INBOX, Front
from tunewright_local.inbox import Letters
from tunewright_local.inbox_web import InboxWeb
from tunewright_local.instance import Folder, Instance
from tunewright_local.post import Postman
from tunewright_local.profile import ACCOUNT

_SERVICES = ("cloudformation", "dynamodb", "iam", "lambda", "s3", "sns", "sqs", "ssm")
_SWEEP_AFTER = (0.0, 65.0)
"""Seconds after a restore at which the schedule is fired: at once for what is live, and when what
was decided just before the end has been untold long enough."""


class LocalCloud:
    """A cloud on one machine: `with LocalCloud(folder) as cloud: ... cloud.instance.environment`.

    Args:
        folder: The folder of all state; a later cloud on the same folder goes on from there.
        port: 0 takes the folder's former port, or any that is free.
        on_event: Hears each event of SageMaker, besides EventBridge.
        chaos: The seed of a bad day; None for a good one.
        settings: Settings of `sagemaker_local`, by name.
    """

    def __init__(
        self,
        folder: Path,
        *,
        port: int = 0,
        on_event: Callable[[Event], None] | None = None,
        chaos: int | None = None,
        **settings: Any,  # noqa: ANN401 - the server's
    ) -> None:
        self._folder = Folder(folder)
        self._port = port
        self._on_event = on_event
        self._settings = settings if chaos is None else {"faults": faults(chaos), **settings}
        self.chaos = None if chaos is None else Chaos(chaos)
        self._deployed: Deployed | None = None
        self._timers: list[threading.Timer] = []
        self._postman: Postman | None = None
        self.instance: Instance
        self.server: LocalServer
        self.letters: Letters

    def start(self) -> None:
        """Serve, deploy what has changed, and go on with what was running before.

        Raises:
            RunsAlreadyError: Another process runs this folder's cloud.
            OSError: The port is taken.
            DeploymentError: The template cannot be deployed.
        """
        instance = self._folder.take(self._port)
        try:
            self._start(instance)
        except BaseException:
            self.close()
            raise

    def _start(self, instance: Instance) -> None:
        self._secret = instance.secret
        self.letters = Letters(self._folder.path / "letters.jsonl")
        inbox = InboxWeb(self.letters, instance)
        front: list[Front] = []

        def fronted(inner: App) -> App:
            given = {} if self.chaos is None else {"trouble": self.chaos.trouble}
            made = Front(inner, secrets=self._secret_of, routes=self, inbox=inbox, **given)
            front.append(made)
            return made

        self.server = LocalServer(
            self._folder.path,
            port=instance.port,
            on_event=self._on_event,
            front=fronted,
            account=ACCOUNT,
            access_key=ACCOUNT,
            secret_key=instance.secret,
            **self._settings,
        )
        self.server.start()
        port = int(self.server.url.rpartition(":")[2])
        instance = replace(instance, port=port)
        inbox.instance = instance
        clients = {name: self._client(name) for name in _SERVICES}
        told = Told(
            url=instance.url,
            api_url=f"{instance.url}{API}",
            webhook=f"{instance.url}{INBOX}/slack/{instance.webhook}",
            signing_secret=instance.signing_secret,
            region=self.server.settings.region,
        )
        fresh = not instance.access_key
        self._deployed = deploy(clients, told)
        if fresh or secret_of(instance.access_key, None) != instance.secret_key:
            key, secret = access_key(clients["iam"])
            instance = replace(instance, access_key=key, secret_key=secret)
        inbox.instance = self.instance = instance
        # What CloudFormation makes, it makes after it has answered
        self.server.aws.save()
        self._postman = Postman(self._client("sqs"), self.letters)
        self._postman.start()
        if not fresh:
            self._sweep_soon(clients)
        front[0].ready = True
        if self.chaos is not None:
            self.chaos.start()
        self._folder.write(instance)

    def close(self) -> None:
        """Stop; what was running is taken up by the next cloud on the same folder."""
        for timer in self._timers:
            timer.cancel()
        if self.chaos is not None:
            self.chaos.close()
        if self._postman is not None:
            self._postman.close()
        if hasattr(self, "server"):
            self.server.close()
        self._folder.leave()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def resource(self, name: str) -> str:
        """Return the physical name of a resource of the template."""
        if self._deployed is None:
            raise RuntimeError("nothing is deployed yet")
        return self._deployed.resources[name]

    def sweep(self) -> None:
        """Fire the schedule now."""
        if self._deployed is not None:
            sweep({"lambda": self._client("lambda")}, self._deployed)

    def place(self, path: str) -> str | None:
        """Return where the embedded AWS serves a path of the API; None before it is deployed."""
        return None if self._deployed is None else place(*self._deployed.api, path)

    def is_open(self, method: str, path: str) -> bool:
        """Whether the template leaves this method of the API open."""
        return self._deployed is not None and is_open(*self._deployed.api, method, path)

    def _secret_of(self, key: str, token: str | None) -> str | None:
        # The account's own key is what functions and SageMaker sign with
        return self._secret if key == ACCOUNT else secret_of(key, token)

    def _sweep_soon(self, clients: dict[str, Any]) -> None:
        for seconds in _SWEEP_AFTER:
            timer = threading.Timer(seconds, sweep, (clients, self._deployed))
            timer.daemon = True
            timer.start()
            self._timers.append(timer)

    def _client(self, service: str) -> Any:  # noqa: ANN401 - boto3 carries no types
        return boto3.session.Session(
            aws_access_key_id=ACCOUNT,
            aws_secret_access_key=self._secret,
            region_name=self.server.settings.region,
        ).client(
            service,
            endpoint_url=self.server.url,
            config=Config(retries={"mode": "standard", "max_attempts": 2}),
        )
