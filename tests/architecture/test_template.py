"""The template as CloudFormation gets it keeps its promises; each rule here is shown to bite."""

import ast
import copy
import json
import logging
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

from tunewright.adapters.dynamodb.definition import EXPIRES, table_definition
from tunewright.settings import Settings

ROOT = Path(__file__).parents[2]
TEMPLATE = ROOT / "template.yaml"
ROLES = {"OnWake": "TrainingRoleArns", "OnDeploy": "HostingRoleArns"}
ANYTHING: set[tuple[str, str]] = set()
"""Function and action that may have `Resource: "*"`, for the API knows no other; none so far."""
MANAGED = {
    "AWSLambdaBasicExecutionRole",
    "AWSLambdaDynamoDBExecutionRole",
    "AWSLambdaSQSQueueExecutionRole",
}
"""Policies of AWS's that SAM adds: writing logs, reading the stream, reading the queues."""
SYNCHRONOUS = {"Api"}
"""Functions whose caller is told of a failure."""
DAYS = 86400

Template = dict[str, Any]


class NoManagedPolicies:
    def load(self) -> dict[str, str]:
        return {}


@pytest.fixture(scope="module")
def source() -> Template:
    found: Template = yaml_parse(TEMPLATE.read_text())
    return found


@pytest.fixture(scope="module")
def transformed(source: Template) -> Template:
    given = copy.deepcopy(source)
    given["Globals"]["Function"]["CodeUri"] = "s3://x/y"
    for each in given["Resources"].values():
        if each["Type"] == "AWS::Serverless::LayerVersion":
            each["Properties"]["ContentUri"] = "s3://x/y"
    patch = pytest.MonkeyPatch()
    patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    level = logging.getLogger("samtranslator").level
    try:
        found: Template = transform(given, {}, NoManagedPolicies())
    finally:
        patch.undo()
        logging.getLogger("samtranslator").setLevel(level)
    return json.loads(json.dumps(found))


def of_type(template: Template, kind: str) -> dict[str, Any]:
    return {
        name: each.get("Properties", {})
        for name, each in template["Resources"].items()
        if each["Type"] == kind
    }


def functions(template: Template) -> dict[str, Any]:
    return of_type(template, "AWS::Lambda::Function")


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def statements(template: Template) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, role in of_type(template, "AWS::IAM::Role").items():
        for policy in role.get("Policies", ()):
            for each in policy["PolicyDocument"]["Statement"]:
                yield name.removesuffix("Role"), each


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


def failures_watched(template: Template) -> Iterator[str]:
    watched = {
        each["Dimensions"][0]["Value"].get("Ref")
        for each in of_type(template, "AWS::CloudWatch::Alarm").values()
        if each["AlarmActions"] == [{"Ref": "Topic"}]
    }
    yield from (f"nobody watches {name}" for name in functions(template).keys() - watched)


def actions(template: Template) -> Iterator[str]:
    for name, each in statements(template):
        yield from (f"{name}: {action}" for action in listed(each["Action"]) if "*" in action)
    for role in of_type(template, "AWS::IAM::Role").values():
        for arn in role.get("ManagedPolicyArns", ()):
            if json.dumps(arn).rstrip('"}] ').rpartition("/")[2] not in MANAGED:
                yield f"managed policy {arn}"


def resources(template: Template) -> Iterator[str]:
    for name, each in statements(template):
        if "*" in listed(each["Resource"]):
            for action in listed(each["Action"]):
                if (name, action) not in ANYTHING:
                    yield f"{name} may {action} anything"


def passed_roles(template: Template) -> Iterator[str]:
    condition = {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}
    for name, each in statements(template):
        if "iam:PassRole" in listed(each["Action"]) and (
            each["Resource"] != {"Ref": ROLES.get(name)} or each.get("Condition") != condition
        ):
            yield f"{name} passes roles that it should not"


def no_sagemaker_at_the_api(template: Template) -> Iterator[str]:
    for name, each in statements(template):
        if name == "Api":
            for action in listed(each["Action"]):
                if action.startswith(("sagemaker:", "iam:")):
                    yield f"Api may {action}"


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


def matches(pattern: Any, event: Any) -> bool:
    if isinstance(pattern, dict):
        return isinstance(event, dict) and all(
            matches(each, event.get(key)) for key, each in pattern.items()
        )
    return any(
        isinstance(event, str) and event.startswith(each["prefix"])
        if isinstance(each, dict)
        else event == each
        for each in pattern
    )


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
    yield from (
        f"nobody tried {name}" for name in held.keys() - SHAPES.keys() - {"OnScheduleSweep"}
    )
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


def planted(*path: Any, value: Any = None) -> Callable[[Template], None]:
    def plant(template: Template) -> None:
        at: Any = template["Resources"] if path[0] != "Parameters" else template
        for key in path[:-1]:
            at = at[key]
        if value is None:
            del at[path[-1]]
        else:
            at[path[-1]] = value

    return plant


def granted(function: str, statement: dict[str, Any]) -> Callable[[Template], None]:
    def plant(template: Template) -> None:
        role = template["Resources"][f"{function}Role"]["Properties"]
        role["Policies"][0]["PolicyDocument"]["Statement"].append(statement)

    return plant


Rule = Callable[[Template], Iterator[str]]
P = "Properties"
DETAIL = ("TrialEndedRule", P, "EventPattern", "detail")
VARIABLES = ("OnWake", P, "Environment", "Variables")
PLANTED: list[tuple[Rule, Callable[[Template], None]]] = [
    (logs, planted("OnWakeLog", P, "RetentionInDays")),
    (own_roles, planted("OnWake", P, "Role", value={"Fn::GetAtt": ["ApiRole", "Arn"]})),
    (handlers, planted("OnWake", P, "Handler", value="wake.handler")),
    (dead_letter_paths, planted("TrialQueue", P, "RedrivePolicy")),
    (dead_letter_paths, planted("OnDecisionStream", P, "DestinationConfig")),
    (queues_kept, planted("WakeQueue", P, "MessageRetentionPeriod", value=345600)),
    (queues_kept, planted("WakeDeadLettersAlarm")),
    (queues_kept, planted("WakeQueue", P, "RedrivePolicy")),
    (failures_watched, planted("OnWakeErrorsAlarm")),
    (
        actions,
        granted("Api", {"Effect": "Allow", "Action": "sqs:*", "Resource": "x"}),
    ),
    (actions, planted("ApiRole", P, "ManagedPolicyArns", value=["arn:aws:iam::aws:policy/Admin"])),
    (
        resources,
        granted("Api", {"Effect": "Allow", "Action": ["sqs:SendMessage"], "Resource": "*"}),
    ),
    (
        passed_roles,
        granted("OnWake", {"Action": "iam:PassRole", "Resource": "arn:aws:iam::1:role/*"}),
    ),
    (
        no_sagemaker_at_the_api,
        granted("Api", {"Action": ["sagemaker:DescribeTrainingJob"], "Resource": "x"}),
    ),
    (table, planted("Table", "DeletionPolicy")),
    (table, planted("Table", P, "TimeToLiveSpecification")),
    (table, planted("Table", P, "LocalSecondaryIndexes", 0)),
    (environment, planted(*VARIABLES, "TUNEWRIGHT_TYPO", value={"Ref": "Topic"})),
    (environment, planted(*VARIABLES, "TUNEWRIGHT_TOPIC", value="secret")),
    (descriptions, planted("Parameters", "AlertEmail", "Description")),
    (rules, planted(*DETAIL, "Tags")),
    (rules, planted(*DETAIL, "TrainingJobName")),
    (rules, planted(*DETAIL, "TrainingJobStatus")),
    (rules, planted(*DETAIL, "TrainingJobName", value=["x"])),
]
RULES = list(dict.fromkeys(rule for rule, _ in PLANTED))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_template_keeps(rule: Rule, transformed: Template) -> None:
    assert list(rule(transformed)) == []


@pytest.mark.parametrize(
    ("rule", "plant"), PLANTED, ids=[f"{i}-{rule.__name__}" for i, (rule, _) in enumerate(PLANTED)]
)
def test_a_planted_violation_is_found(
    rule: Rule, plant: Callable[[Template], None], transformed: Template
) -> None:
    broken = copy.deepcopy(transformed)
    plant(broken)
    assert set(rule(broken)) - set(rule(transformed))


def test_roles_are_passed_by_those_who_launch_and_by_nobody_else(transformed: Template) -> None:
    passing = {name for name, each in statements(transformed) if "iam:PassRole" in each["Action"]}
    assert passing == set(ROLES)


def test_only_new_decisions_wake_the_announcer(transformed: Template) -> None:
    mapping = of_type(transformed, "AWS::Lambda::EventSourceMapping")["OnDecisionStream"]
    pattern = yaml.safe_load(mapping["FilterCriteria"]["Filters"][0]["Pattern"])
    assert pattern["eventName"] == ["INSERT"]
    assert pattern["dynamodb"]["NewImage"] == {"unpublished": {"S": [{"exists": True}]}}
