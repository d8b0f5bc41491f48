"""A fake SageMaker for tuning and training: jobs run by themselves, end in every way, and tell so.

Answers have the shapes that boto3 parses. What a trial comes to depends on its name and the seed
alone, so that two runs with the same trials compare.
"""

import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.simulation.clockwork import Clockwork
from tests.simulation.deployed import ACCOUNT, REGION
from tests.simulation.dynamodb import failure

_OVER = frozenset({"Completed", "Failed", "Stopped"})
_SHOWN = ("HyperParameterTuningJobConfig", "TrainingJobDefinition")


def arn(kind: str, name: str) -> str:
    """Build a resource's ARN."""
    return f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:{kind}/{name}"


@dataclass
class Training:
    """A training job."""

    name: str
    job: "Job"
    created: float
    seconds: float
    parameters: dict[str, str]
    status: str = "InProgress"
    started: float | None = None
    ended: float | None = None
    value: float | None = None
    told_at: float = 0.0
    billable: int = 0
    reason: str | None = None


@dataclass
class Job:
    """A tuning job."""

    name: str
    request: dict[str, Any]
    tags: dict[str, str]
    created: float
    status: str = "InProgress"
    ended: float | None = None
    reason: str | None = None
    trials: list[Training] = field(default_factory=list)
    changed: float = 0.0
    before: tuple[str, int] | None = None
    stops: int = 0
    stopped: int = 0

    @property
    def limits(self) -> dict[str, int]:
        """How many trials it may launch, and at a time."""
        found: dict[str, int] = self.request["HyperParameterTuningJobConfig"]["ResourceLimits"]
        return found

    @property
    def is_live(self) -> bool:
        """Whether it still runs or is being stopped."""
        return self.status not in _OVER


@dataclass(frozen=True)
class Luck:
    """How trials end, as shares of all."""

    failed: float = 0.04
    unlucky: float = 0.02
    silent: float = 0.03
    late: float = 0.1
    lost_rounds: float = 0.0


class Tuning:
    """Tuning jobs and training jobs."""

    def __init__(
        self,
        clock: Clockwork,
        seed: str,
        *,
        tell: Callable[[str, dict[str, Any], str], None],
        moment: Callable[[float], datetime],
        luck: Luck,
    ) -> None:
        self.jobs: dict[str, Job] = {}
        self.trainings: dict[str, Training] = {}
        self.full_until = 0.0
        self.refuse: Callable[[dict[str, Any]], str | None] = lambda _request: None
        self.watch_create: Callable[[Job], None] = lambda _job: None
        self.watch_stop: Callable[[Job], None] = lambda _job: None
        self.stale: Callable[[], bool] = lambda: False
        self.page = 100
        self._clock, self._seed, self._tell, self._moment = clock, seed, tell, moment
        self._luck = luck

    # What is asked

    def call(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        """Do what a request asks."""
        match operation:
            case "CreateHyperParameterTuningJob":
                return self._create(request)
            case "DescribeHyperParameterTuningJob":
                return self._describe(request["HyperParameterTuningJobName"])
            case "StopHyperParameterTuningJob":
                return self._stop(request["HyperParameterTuningJobName"])
            case "ListTrainingJobsForHyperParameterTuningJob":
                return self._list(request)
            case "DescribeTrainingJob":
                return self._describe_training(request["TrainingJobName"])
        raise NotImplementedError(operation)

    def _create(self, request: dict[str, Any]) -> dict[str, Any]:
        name, operation = request["HyperParameterTuningJobName"], "CreateHyperParameterTuningJob"
        if self._clock.now < self.full_until:  # AWS looks at quotas before it looks at names.
            words = "The account-level service limit 'training jobs' is 20 Instances"
            raise failure("ResourceLimitExceeded", words, operation)
        if name.lower() in {each.lower() for each in self.jobs}:
            words = f"HyperParameterTuningJob names must be unique; {name} exists"
            raise failure("ResourceInUse", words, operation)
        refused = self.refuse(request)
        if refused is not None:
            raise failure("ValidationException", refused, operation)
        for parent in _parents(request):
            if parent not in self.jobs or self.jobs[parent].is_live:
                raise failure("ValidationException", f"Parent {parent} is not over", operation)
        tags = {each["Key"]: each["Value"] for each in request.get("Tags", ())}
        job = Job(name, request, tags, self._clock.now, changed=self._clock.now)
        self.watch_create(job)
        self.jobs[name] = job
        self._clock.after(2.0, lambda: self._launch(job))
        return {"HyperParameterTuningJobArn": arn("hyper-parameter-tuning-job", name)}

    def _find(self, name: str, operation: str) -> Job:
        job = self.jobs.get(name)
        fresh = job is not None and self._clock.now - job.created < 10.0
        if job is None or (fresh and self.stale()):
            words = f"Amazon SageMaker can't find a tuning job with name {name}"
            raise failure("ResourceNotFound", words, operation)
        return job

    def _describe(self, name: str) -> dict[str, Any]:
        job = self._find(name, "DescribeHyperParameterTuningJob")
        status, launched = job.status, len(job.trials)
        if job.before is not None and self._clock.now - job.changed < 10.0 and self.stale():
            status, launched = job.before
        seen = job.trials[:launched]
        counts = dict.fromkeys(
            ("Completed", "InProgress", "RetryableError", "NonRetryableError", "Stopped"), 0
        )
        for each in seen:
            word = {"Failed": "NonRetryableError", "Stopping": "InProgress"}.get(each.status)
            counts[word or each.status] += 1
        now = self._clock.now
        pending = sum(each.told_at > now or each.status not in _OVER for each in seen)
        answer: dict[str, Any] = {
            "HyperParameterTuningJobName": name,
            "HyperParameterTuningJobArn": arn("hyper-parameter-tuning-job", name),
            "HyperParameterTuningJobStatus": status,
            "CreationTime": self._moment(job.created),
            "TrainingJobStatusCounters": counts,
            "ObjectiveStatusCounters": {"Succeeded": 0, "Failed": 0, "Pending": pending},
            **{key: job.request[key] for key in _SHOWN if key in job.request},
        }
        if status in _OVER and job.ended is not None:
            answer["HyperParameterTuningEndTime"] = self._moment(job.ended)
        if job.reason and status in _OVER:
            answer["FailureReason"] = job.reason
        return answer

    def _stop(self, name: str) -> dict[str, Any]:
        job = self._find(name, "StopHyperParameterTuningJob")
        job.stops += 1
        if not job.is_live:
            words = f"The request was rejected because the job is {job.status}"
            raise failure("ValidationException", words, "StopHyperParameterTuningJob")
        if job.status != "InProgress":
            return {}
        job.stopped += 1
        self.watch_stop(job)
        self._change(job, "Stopping")
        for each in job.trials:
            if each.status == "InProgress":
                each.status = "Stopping"
                self._clock.after(5.0, lambda each=each: self._end(each, "Stopped"))
        self._clock.after(8.0, lambda: self._finish(job))
        return {}

    def _list(self, request: dict[str, Any]) -> dict[str, Any]:
        name = request["HyperParameterTuningJobName"]
        job = self._find(name, "ListTrainingJobsForHyperParameterTuningJob")
        start = int(request.get("NextToken", 0))
        size = min(request.get("MaxResults", 10), self.page)
        rows = [{"TrainingJobName": each.name} for each in job.trials[start : start + size]]
        more = {"NextToken": str(start + size)} if start + size < len(job.trials) else {}
        return {"TrainingJobSummaries": rows, **more}

    def _describe_training(self, name: str) -> dict[str, Any]:
        training = self.trainings.get(name)
        if training is None:
            raise failure(
                "ValidationException", "Requested resource not found.", "DescribeTrainingJob"
            )
        definition, status = training.job.request["TrainingJobDefinition"], training.status
        if training.ended is not None and self._clock.now - training.ended < 10.0 and self.stale():
            status = "InProgress"
        over = status in _OVER
        path = definition["OutputDataConfig"]["S3OutputPath"]
        answer: dict[str, Any] = {
            "TrainingJobName": name,
            "TrainingJobArn": arn("training-job", name),
            "TuningJobArn": arn("hyper-parameter-tuning-job", training.job.name),
            "TrainingJobStatus": status,
            "HyperParameters": {**definition["StaticHyperParameters"], **training.parameters},
            "CreationTime": self._moment(training.created),
            "LastModifiedTime": self._moment(training.ended or training.created),
        }
        if training.started is not None:
            answer["TrainingStartTime"] = self._moment(training.started)
        if over:
            answer["TrainingEndTime"] = self._moment(training.ended or 0.0)
            answer["BillableTimeInSeconds"] = training.billable
            if training.reason:
                answer["FailureReason"] = training.reason
            if training.status == "Completed":
                answer["ModelArtifacts"] = {"S3ModelArtifacts": f"{path}/{name}/model.tar.gz"}
            if training.value is not None and self._clock.now >= training.told_at:
                metric = training.job.request["HyperParameterTuningJobConfig"]
                metric = metric["HyperParameterTuningJobObjective"]["MetricName"]
                answer["FinalMetricDataList"] = [
                    {"MetricName": metric, "Value": training.value, "Timestamp": self._moment(0)}
                ]
        return answer

    # What happens

    def _change(self, job: Job, status: str) -> None:
        job.before = (job.status, len(job.trials))
        job.status, job.changed = status, self._clock.now

    def _launch(self, job: Job) -> None:
        if job.status != "InProgress":
            return
        live = sum(each.status in {"InProgress", "Stopping"} for each in job.trials)
        while live < job.limits["MaxParallelTrainingJobs"] and (
            len(job.trials) < job.limits["MaxNumberOfTrainingJobs"]
        ):
            self._launch_one(job)
            live += 1
        if live == 0:
            self._clock.after(3.0, lambda: self._finish(job))

    def _launch_one(self, job: Job) -> None:
        number = len(job.trials) + 1
        luck = random.Random(f"{self._seed}/{job.name}/{number}")  # noqa: S311
        name = f"{job.name}-{number:03d}-{luck.getrandbits(32):08x}"
        ranges = job.request["HyperParameterTuningJobConfig"]["ParameterRanges"]
        training = Training(name, job, self._clock.now, luck.uniform(30, 90), _draw(ranges, luck))
        job.before = (job.status, len(job.trials))
        job.changed = self._clock.now
        job.trials.append(training)
        self.trainings[name] = training
        training.started = self._clock.now + 1.0
        self._clock.after(training.seconds, lambda: self._end(training, self._fate(luck)))

    def _fate(self, luck: random.Random) -> str:
        drawn, shares = luck.random(), self._luck
        for word, share in (
            ("Failed", shares.failed),
            ("Unlucky", shares.unlucky),
            ("Silent", shares.silent),
            ("Late", shares.late),
        ):
            if drawn < share:
                return word
            drawn -= share
        return "Completed"

    def _end(self, training: Training, fate: str) -> None:
        if training.status in _OVER or (training.status == "Stopping" and fate != "Stopped"):
            return
        job, now = training.job, self._clock.now
        training.ended = now
        training.billable = max(0, int(now - (training.started or now)))
        training.status = fate if fate in _OVER else "Failed" if fate == "Unlucky" else "Completed"
        if training.status == "Failed":
            why = "CapacityError: none" if fate == "Unlucky" else "AlgorithmError: exit code 1"
            training.reason = why
        if fate in {"Completed", "Late", "Stopped"}:
            training.value = _quality(training.parameters)
            training.told_at = now + (45.0 if fate == "Late" else 0.0)
        kind, detail = "Training Job", {"TrainingJobStatus": training.status}
        self._tell(kind, {"TrainingJobName": training.name, "Tags": job.tags, **detail}, "trial")
        self._launch(job)

    def _finish(self, job: Job) -> None:
        if not job.is_live:
            return
        if any(each.status not in _OVER for each in job.trials):
            self._clock.after(3.0, lambda: self._finish(job))
            return
        luck = random.Random(f"{self._seed}/{job.name}/end")  # noqa: S311
        status = "Stopped" if job.status == "Stopping" else "Completed"
        if status == "Completed" and (
            luck.random() < self._luck.lost_rounds
            or all(each.status == "Failed" for each in job.trials)
        ):
            status, job.reason = "Failed", "No training job succeeded after 5 attempts"
        self._change(job, status)
        job.ended = self._clock.now
        detail = {"HyperParameterTuningJobName": job.name, "HyperParameterTuningJobStatus": status}
        self._tell("HyperParameter Tuning Job", {**detail, "Tags": job.tags}, "round")


def _parents(request: dict[str, Any]) -> list[str]:
    parents = request.get("WarmStartConfig", {}).get("ParentHyperParameterTuningJobs", ())
    return [each["HyperParameterTuningJobName"] for each in parents]


def _draw(ranges: dict[str, Any], luck: random.Random) -> dict[str, str]:
    drawn = {}
    for each in ranges.get("ContinuousParameterRanges", ()):
        drawn[each["Name"]] = repr(luck.uniform(float(each["MinValue"]), float(each["MaxValue"])))
    for each in ranges.get("IntegerParameterRanges", ()):
        drawn[each["Name"]] = str(luck.randint(int(each["MinValue"]), int(each["MaxValue"])))
    for each in ranges.get("CategoricalParameterRanges", ()):
        drawn[each["Name"]] = luck.choice(each["Values"])
    return drawn


def _quality(parameters: dict[str, str]) -> float:
    eta, depth = float(parameters["eta"]), int(parameters["max_depth"])
    return 0.9 - 0.02 * math.log(eta / 0.2) ** 2 - 0.005 * (depth - 5) ** 2
