"""The template as CloudFormation gets it keeps its promises; each rule here is shown to bite."""

import copy
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml

from tests.support import template
from tests.support.access_rules import (
    ROLES,
    actions,
    invokers,
    no_sagemaker_at_the_api,
    open_routes,
    own_kinds,
    own_log,
    own_source,
    own_stack,
    passed_roles,
    resources,
    told_first,
)
from tests.support.template import Template, of_type, statements
from tests.support.template_rules import (
    MOST_ALARMS,
    alarms,
    dead_letter_paths,
    descriptions,
    environment,
    handlers,
    logs,
    only_messages,
    own_roles,
    queues_kept,
    rules,
    snapshots,
    table,
)


@pytest.fixture(scope="module")
def source() -> Template:
    return template.written()


@pytest.fixture(scope="module")
def transformed() -> Template:
    return template.transformed()


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


def another_alarm(template: Template) -> None:
    for n in range(MOST_ALARMS):
        template["Resources"][f"More{n}"] = template["Resources"]["WakeDeadLettersAlarm"]


def always_removes(template: Template) -> None:
    template["Conditions"]["RemovesOrphans"] = {"Fn::Equals": ["yes", "yes"]}


Rule = Callable[[Template], Iterator[str]]
P = "Properties"
DETAIL = ("TrialEndedRule", P, "EventPattern", "detail")
TABLE = {"Fn::GetAtt": ["Table", "Arn"]}
KEYLESS = {"Condition": {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["STUDY#*"]}}}
DEPLOYMENT = next(
    name for name in template.written()["Resources"] if name.startswith("ApiDeploymentIam")
)
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
    (alarms, planted("ApiFailsAlarm")),
    (alarms, planted("WakeDeadLettersAlarm", P, "AlarmActions", value=[{"Ref": "Other"}])),
    (alarms, another_alarm),
    (only_messages, planted("OnAlertTopic", P, "FilterPolicy")),
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
        resources,
        granted("Api", {"Action": "sqs:SendMessage", "Resource": {"Fn::Sub": "arn:aws:sqs:x:y:*"}}),
    ),
    (own_log, granted("Api", {"Action": "logs:PutLogEvents", "Resource": "another"})),
    (own_log, planted("ApiRole", P, "Policies", 0, "PolicyDocument", "Statement", 0)),
    (own_source, granted("OnWake", {"Action": "sqs:ReceiveMessage", "Resource": "another"})),
    (own_source, planted("OnDeployQueue", P, "FunctionName", "Ref", value="OnAlert")),
    (own_stack, granted("OnDeploy", {"Action": "sagemaker:DeleteEndpoint", "Resource": "x"})),
    (own_stack, granted("OnWake", {"Action": "sagemaker:AddTags", "Resource": "x"})),
    (told_first, granted("OnHour", {"Action": "sagemaker:DeleteModel", "Resource": "x"})),
    (told_first, always_removes),
    (own_kinds, granted("Approval", {"Action": "dynamodb:PutItem", "Resource": TABLE})),
    (own_kinds, granted("Approval", {"Action": "dynamodb:GetItem", "Resource": TABLE} | KEYLESS)),
    (open_routes, planted("ApiAny", P, "AuthorizationType", value="NONE")),
    (open_routes, planted("ApiApprovalGet")),
    (open_routes, planted("ApiStage", P, "MethodSettings", 1)),
    (open_routes, planted("ApiSlackPost", P, "Integration", "Uri", "Fn::Sub", value="${Api.Arn}")),
    (open_routes, planted("ApiStage", P, "AccessLogSetting", "Format", value="$context.path")),
    (invokers, planted("LinkMayInvoke", P, "SourceArn", "Fn::Sub", value="${RestApi}/*")),
    (invokers, planted("ApiMayInvoke", P, "SourceArn", value="*")),
    (snapshots, planted("ApiSlackActions", P, "PathPart", value="answers")),
    (snapshots, planted("ApiAny", P, "AuthorizationType", value="NONE")),
    (snapshots, planted(DEPLOYMENT, "DependsOn", 0)),
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


def test_each_function_says_where_its_code_is(source: Template) -> None:
    """Sam build leaves a global path as it is, and sam deploy then looks for it elsewhere."""
    assert "CodeUri" not in source["Globals"]["Function"]
    for name, each in of_type(source, "AWS::Serverless::Function").items():
        assert each["CodeUri"] == "functions/", name
        assert source["Resources"][name]["Metadata"] == {"SkipBuild": True}, name
