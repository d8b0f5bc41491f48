"""What the template promises, access apart: each rule yields what breaks it, in words."""

import ast
import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.support.template import Template, functions, matches, of_type
from tunewright.adapters.dynamodb.definition import EXPIRES, table_definition
from tunewright.settings import Settings

ROOT = Path(__file__).parents[2]
MOST_ALARMS = 10
"""So many are free of charge in every account."""
SCHEDULES = {"OnScheduleSweep", "OnHourLook"}
SYNCHRONOUS = {"Api", "Approval"}
"""Functions whose caller is told of a failure."""
DAYS = 86400


def logs(template: Template) -> Iterator[str]:
    groups = of_type(template, "AWS::Logs::LogGroup")
    for name, each in functions(template).items():
        group = each.get("LoggingConfig", {}).get("LogGroup", {}).get("Ref")
        if "RetentionInDays" not in groups.get(group, {}):
            yield f"{name} has no log group with retention"


def own_roles(template: Template) -> Iterator[str]:
    for name, each in functions(template).items():
        if each["Role"] != {"Fn::GetAtt": [f"{name}Role", "Arn"]}:
            yield f"{name} has no role of its own"


def handlers(template: Template) -> Iterator[str]:
    for name, each in functions(template).items():
        module = re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
        path = ROOT / f"functions/{module}.py"
        if each["Handler"] != f"{module}.handler":
            yield f"{name} is not named like its file"
        elif not path.exists():
            yield f"{path.name} is missing"
        elif "handler" not in {
            node.name
            for node in ast.parse(path.read_text()).body
            if isinstance(node, ast.FunctionDef)
        }:
            yield f"{path.name} has no handler"
    doors = {path.stem for path in (ROOT / "functions").glob("*.py")}
    woken = {each["Handler"].partition(".")[0] for each in functions(template).values()}
    yield from (f"nothing wakes {name}.py" for name in sorted(doors - woken))


def dead_letter_paths(template: Template) -> Iterator[str]:
    queues = of_type(template, "AWS::SQS::Queue")
    paths = set()
    for each in of_type(template, "AWS::Lambda::EventSourceMapping").values():
        source = each["EventSourceArn"]["Fn::GetAtt"][0]
        reports = each.get("FunctionResponseTypes") == ["ReportBatchItemFailures"]
        kept = "RedrivePolicy" in queues.get(source, {}) or "DestinationConfig" in each
        if reports and kept:
            paths.add(each["FunctionName"]["Ref"])
    for each in of_type(template, "AWS::Lambda::EventInvokeConfig").values():
        if "OnFailure" in each.get("DestinationConfig", {}):
            paths.add(each["FunctionName"]["Ref"])
    for name in functions(template).keys() - paths - SYNCHRONOUS:
        yield f"what {name} fails at is lost"


def queues_kept(template: Template) -> Iterator[str]:
    queues = of_type(template, "AWS::SQS::Queue")
    watched = {
        json.dumps(dimension["Value"])
        for each in of_type(template, "AWS::CloudWatch::Alarm").values()
        for dimension in each["Dimensions"]
    }
    for name, each in queues.items():
        if each.get("MessageRetentionPeriod") != 14 * DAYS:
            yield f"{name} keeps messages for another time than 14 days"
        if each.get("SqsManagedSseEnabled") is not True:
            yield f"{name} is not encrypted"
        if name.endswith("DeadLetters"):
            if json.dumps({"Fn::GetAtt": [name, "QueueName"]}) not in watched:
                yield f"nobody watches {name}"
            continue
        target = each.get("RedrivePolicy", {}).get("deadLetterTargetArn", {}).get("Fn::GetAtt")
        if target is None or target[0] not in queues:
            yield f"{name} has no dead letters"
        if each.get("VisibilityTimeout", 0) < 6 * 60:
            yield f"{name} shows a message again too early"


def alarms(template: Template) -> Iterator[str]:
    held = of_type(template, "AWS::CloudWatch::Alarm")
    if len(held) > MOST_ALARMS:
        yield f"{len(held)} alarms cost more than nothing"
    for name, each in held.items():
        if each["AlarmActions"] != [{"Ref": "Topic"}]:
            yield f"nobody hears {name}"
    at = [{"Name": "ApiName", "Value": {"Ref": "AWS::StackName"}}, {"Name": "Stage", "Value": "v1"}]
    failing = [each for each in held.values() if each["MetricName"] == "5XXError"]
    if [each["Dimensions"] for each in failing] != [at]:
        yield "nobody watches what the API fails at"


def only_messages(template: Template) -> Iterator[str]:
    """Check that alarms, which come by the same topic, are not taken for messages and fail."""
    for name, each in of_type(template, "AWS::SNS::Subscription").items():
        attributes = each.get("FilterPolicy", {}).get("event")
        if each["Protocol"] == "lambda" and attributes != [{"exists": True}]:
            yield f"{name} hands alarms over"


def snapshots(template: Template) -> Iterator[str]:
    """Check that another API gets another deployment: an old one goes on showing the old routes."""
    shown = {
        name: each
        for name, each in template["Resources"].items()
        if each["Type"].startswith("AWS::ApiGateway::")
        and each["Type"].rpartition(":")[2] in {"Resource", "Method", "Authorizer"}
    }
    digest = hashlib.sha256(json.dumps(shown, sort_keys=True).encode()).hexdigest()[:8]
    methods = sorted(of_type(template, "AWS::ApiGateway::Method"))
    for name, each in template["Resources"].items():
        if each["Type"] == "AWS::ApiGateway::Deployment":
            if not name.endswith(digest):
                yield f"{name} shows another API: its name must end in {digest}"
            if sorted(each["DependsOn"]) != methods:
                yield f"{name} does not wait for all methods"


def table(template: Template) -> Iterator[str]:
    whole = template["Resources"]["Table"]
    held = dict(whole["Properties"])
    wanted = table_definition("any")
    del wanted["TableName"]
    del wanted["StreamSpecification"]["StreamEnabled"]
    more = {
        "DeletionProtectionEnabled": True,
        "TimeToLiveSpecification": {"AttributeName": EXPIRES, "Enabled": True},
        "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
    }
    wanted |= more
    for name in wanted.keys() | held.keys():
        if held.get(name) != wanted.get(name):
            yield f"the table's {name} is another"
    for name in ("DeletionPolicy", "UpdateReplacePolicy"):
        if whole.get(name) != "Retain":
            yield f"the table's {name} is another"


def environment(template: Template) -> Iterator[str]:
    known = {f"TUNEWRIGHT_{name.upper()}" for name in Settings.model_fields}
    for name, each in functions(template).items():
        for variable, value in each["Environment"]["Variables"].items():
            if variable not in known:
                yield f"{name} has {variable}, which nobody reads"
            if not isinstance(value, dict) or "resolve:" in json.dumps(value):
                yield f"{name} has a secret, or a constant, in {variable}"


def descriptions(template: Template) -> Iterator[str]:
    for name, each in template["Parameters"].items():
        if not each.get("Description"):
            yield f"the parameter {name} says nothing"


def an_event(kind: str, **detail: Any) -> dict[str, Any]:
    detail.setdefault("Tags", {"tunewright:stack": "ours", "project": "x"})
    return {"version": "0", "source": "aws.sagemaker", "detail-type": kind, "detail": detail}


TRAINING = "SageMaker Training Job State Change"
TUNING = "SageMaker HyperParameter Tuning Job State Change"
ENDPOINT = "SageMaker Endpoint State Change"
SHAPES = {
    "TrialEndedRule": (TRAINING, "TrainingJobName", "TrainingJobStatus", "Completed"),
    "RoundEndedRule": (
        TUNING,
        "HyperParameterTuningJobName",
        "HyperParameterTuningJobStatus",
        "Stopped",
    ),
    "EndpointChangedRule": (ENDPOINT, "EndpointName", "EndpointStatus", "IN_SERVICE"),
}


def rules(template: Template) -> Iterator[str]:
    held = of_type(template, "AWS::Events::Rule")
    yield from (f"nobody tried {name}" for name in held.keys() - SHAPES.keys() - SCHEDULES)
    for name, (kind, key, status, over) in SHAPES.items():
        text = json.dumps(held[name]["EventPattern"])
        pattern = json.loads(text.replace('{"Ref": "AWS::StackName"}', '"ours"'))
        real = {key: "tw-churn-k3v7qa-r01-001-589e2e9f", status: over, "FailureReason": None}
        if not matches(pattern, an_event(kind, **real)):
            yield f"{name} misses what is ours"
        running = "CREATING" if kind == ENDPOINT else "InProgress"
        foreign = {
            "of another stack": {**real, "Tags": {"tunewright:stack": "theirs"}},
            "without tags": {**real, "Tags": {}},
            "of another name": {**real, key: "UnitTestHPO"},
            "under way": {**real, status: running},
        }
        for words, detail in foreign.items():
            if matches(pattern, an_event(kind, **detail)):
                yield f"{name} takes what is {words}"
