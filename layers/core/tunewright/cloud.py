"""Puts the parts of a stack together, once in a container, and only what is used.

The only place that knows which adapter answers which port.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import boto3
from botocore.config import Config

from tunewright.adapters import mail, slack
from tunewright.adapters.bus import EventBus
from tunewright.adapters.clock import SystemClock
from tunewright.adapters.dynamodb import (
    DynamoCommands,
    DynamoEndpoints,
    DynamoOrphans,
    DynamoOutbox,
    DynamoSecrets,
    DynamoStudies,
    DynamoTrials,
)
from tunewright.adapters.estate import SageMakerEstate
from tunewright.adapters.parameters import SsmProfiles, SsmSecret, SsmSwitch
from tunewright.adapters.sagemaker import SageMakerHosting, SageMakerTuning
from tunewright.adapters.sns import SnsTopic
from tunewright.adapters.sqs import SqsQueue
from tunewright.adapters.webhook import SLACK, Webhook
from tunewright.app.announcer import Announcer
from tunewright.app.approvals import Approvals
from tunewright.app.caretaker import Caretaker
from tunewright.app.conductor import Conductor
from tunewright.app.deployer import Deployer
from tunewright.app.landlord import Landlord
from tunewright.app.ports import Wake
from tunewright.app.recorder import Recorder
from tunewright.app.studies import Studies
from tunewright.app.sweeper import Sweeper
from tunewright.domain.message import Message
from tunewright.domain.profile import Profile
from tunewright.settings import Settings
from tunewright.web.api import Api
from tunewright.web.approvals import ApprovalPages

VERSION = "0.1.0"
_CONFIG = Config(
    connect_timeout=3, read_timeout=10, retries={"mode": "standard", "max_attempts": 3}
)


class QueuedWakes:
    """Wakes as messages of a queue."""

    def __init__(self, queue: SqsQueue) -> None:
        self._queue = queue

    def put(self, wake: Wake) -> None:
        """Queue a wake."""
        self._queue.send({"study": wake.study_id, "look": wake.look})


class QueuedDeploys:
    """Studies whose endpoint is to be tended, as messages of a queue."""

    def __init__(self, queue: SqsQueue) -> None:
        self._queue = queue

    def put(self, study_id: str) -> None:
        """Queue a study."""
        self._queue.send({"study": study_id})


class QueuedLeases:
    """Endpoints whose lease has ended, as messages of the same queue."""

    def __init__(self, queue: SqsQueue) -> None:
        self._queue = queue

    def put(self, endpoint: str) -> None:
        """Queue an endpoint."""
        self._queue.send({"endpoint": endpoint})


@dataclass(frozen=True)
class CloudStack:
    """A deployed stack; what a function does not use is never built."""

    settings: Settings

    @property
    def name(self) -> str:
        """The stack's name."""
        return self.settings.stack

    def _client(self, service: str) -> Any:  # noqa: ANN401 - boto3 carries no types
        return boto3.client(
            service,
            region_name=self.settings.region,
            endpoint_url=self.settings.endpoint_url,
            config=_CONFIG,
        )

    @cached_property
    def _dynamodb(self) -> Any:  # noqa: ANN401
        return self._client("dynamodb")

    @cached_property
    def _sqs(self) -> Any:  # noqa: ANN401
        return self._client("sqs")

    @cached_property
    def studies_store(self) -> DynamoStudies:
        """Studies and decisions."""
        return DynamoStudies(
            self._dynamodb, self.settings.table, monthly_budget=self.settings.monthly_budget
        )

    @cached_property
    def trials(self) -> DynamoTrials:
        """Trials."""
        return DynamoTrials(self._dynamodb, self.settings.table)

    @cached_property
    def commands(self) -> DynamoCommands:
        """What people have said."""
        return DynamoCommands(self._dynamodb, self.settings.table)

    @cached_property
    def endpoints(self) -> DynamoEndpoints:
        """What is known of endpoints."""
        return DynamoEndpoints(self._dynamodb, self.settings.table)

    @cached_property
    def secrets(self) -> DynamoSecrets:
        """The stack's own keys."""
        return DynamoSecrets(self._dynamodb, self.settings.table)

    @cached_property
    def outbox(self) -> DynamoOutbox:
        """Decisions that nobody was told of."""
        return DynamoOutbox(self._dynamodb, self.settings.table)

    @cached_property
    def wakes(self) -> QueuedWakes:
        """Which studies to look after."""
        return QueuedWakes(SqsQueue(self._sqs, self.settings.wake_queue))

    @cached_property
    def deploys(self) -> QueuedDeploys:
        """Which studies' endpoints to look at, or to change."""
        return QueuedDeploys(SqsQueue(self._sqs, self.settings.deploy_queue))

    @cached_property
    def leases(self) -> QueuedLeases:
        """Which endpoints' leases have ended."""
        return QueuedLeases(SqsQueue(self._sqs, self.settings.deploy_queue))

    @cached_property
    def switch(self) -> SsmSwitch:
        """Whether the stack is paused."""
        return SsmSwitch(self._client("ssm"), self.settings.stack)

    @cached_property
    def clock(self) -> SystemClock:
        """The time."""
        return SystemClock()

    @cached_property
    def tuning(self) -> SageMakerTuning:
        """SageMaker's tuning jobs."""
        return SageMakerTuning(self._client("sagemaker"))

    @cached_property
    def recorder(self) -> Recorder:
        """Records trials."""
        return Recorder(self.studies_store, self.trials, self.tuning)

    @cached_property
    def conductor(self) -> Conductor:
        """Advances studies."""
        return Conductor(
            studies=self.studies_store,
            trials=self.trials,
            commands=self.commands,
            tuning=self.tuning,
            recorder=self.recorder,
            endpoints=self.endpoints,
            deploys=self.deploys,
            switch=self.switch,
            clock=self.clock,
        )

    @cached_property
    def hosting(self) -> SageMakerHosting:
        """SageMaker's models and endpoints."""
        return SageMakerHosting(self._client("sagemaker"), self._client("s3"))

    @cached_property
    def deployer(self) -> Deployer:
        """Tends endpoints."""
        return Deployer(
            studies=self.studies_store,
            endpoints=self.endpoints,
            hosting=self.hosting,
            wakes=self.wakes,
            switch=self.switch,
            clock=self.clock,
        )

    @cached_property
    def landlord(self) -> Landlord:
        """Ends leases."""
        return Landlord(
            studies=self.studies_store,
            endpoints=self.endpoints,
            hosting=self.hosting,
            wakes=self.wakes,
            clock=self.clock,
        )

    @cached_property
    def _topic(self) -> SnsTopic:
        client = self._client("sns")
        return SnsTopic(client, self.settings.topic, subject=mail.subject, text=mail.body)

    @cached_property
    def _bus(self) -> EventBus:
        return EventBus(self._client("events"), self.settings.bus)

    @cached_property
    def announcer(self) -> Announcer:
        """Tells of decisions."""
        return Announcer(
            self.studies_store,
            self.outbox,
            self._topic,
            self._bus,
            secrets=self.secrets,
            url=self.settings.api_url,
        )

    @cached_property
    def sweeper(self) -> Sweeper:
        """Looks after what nobody has woken."""
        return Sweeper(
            studies=self.studies_store,
            outbox=self.outbox,
            wakes=self.wakes,
            endpoints=self.endpoints,
            leases=self.leases,
            announcer=self.announcer,
            clock=self.clock,
        )

    @cached_property
    def orphans(self) -> DynamoOrphans:
        """What is remembered of orphans."""
        return DynamoOrphans(self._dynamodb, self.settings.table)

    @cached_property
    def estate(self) -> SageMakerEstate:
        """What of SageMaker's may be an orphan."""
        return SageMakerEstate(self._client("sagemaker"))

    @cached_property
    def caretaker(self) -> Caretaker:
        """Looks for orphans."""
        return Caretaker(
            stack=self.settings.stack,
            removes=self.settings.orphan_policy == "remove",
            studies=self.studies_store,
            endpoints=self.endpoints,
            orphans=self.orphans,
            estate=self.estate,
            topic=self._topic,
            bus=self._bus,
            clock=self.clock,
        )

    @cached_property
    def profiles(self) -> Mapping[str, Profile]:
        """What an administrator allows, by name."""
        return SsmProfiles(self._client("ssm"), self.settings.stack)

    @cached_property
    def studies(self) -> Studies:
        """What people do with studies."""
        return Studies(
            stack=self.settings.stack,
            studies=self.studies_store,
            commands=self.commands,
            wakes=self.wakes,
            profiles=self.profiles,
            clock=self.clock,
        )

    @cached_property
    def api(self) -> Api:
        """The API."""
        return Api(
            stack=self.settings.stack,
            version=VERSION,
            studies=self.studies,
            store=self.studies_store,
            trials=self.trials,
            profiles=self.profiles,
        )

    @cached_property
    def approvals(self) -> ApprovalPages:
        """The page and the Slack buttons by which people answer."""
        approvals = Approvals(
            studies=self.studies,
            store=self.studies_store,
            endpoints=self.endpoints,
            secrets=self.secrets,
            clock=self.clock,
        )
        parameter = self.settings.slack_signing_parameter
        return ApprovalPages(
            approvals=approvals,
            signing=SsmSecret(self._client("ssm"), parameter).read if parameter else None,
            slack=Webhook(allowed=self.settings.slack_host or SLACK, timeout=2.0).post,
            clock=self.clock,
        )

    @cached_property
    def _webhook(self) -> tuple[SsmSecret, Webhook]:
        secret = SsmSecret(self._client("ssm"), self.settings.slack_parameter)
        return secret, Webhook(allowed=self.settings.slack_host or SLACK)

    def tell_slack(self, message: Message) -> None:
        """Post a message to Slack.

        Raises:
            WebhookError: Slack did not take it.
        """
        secret, webhook = self._webhook
        interactive = bool(self.settings.slack_signing_parameter)
        webhook.post(secret.read(), slack.render(message, interactive=interactive))


@cache
def stack() -> CloudStack:
    """Return the stack of this container, as its environment tells."""
    return CloudStack(Settings.read())
