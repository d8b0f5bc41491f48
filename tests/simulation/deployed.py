"""The template as it would be deployed: each function's environment, rights, sources, all resolved.

What the simulator wires comes from here, so that a queue or a right that the template lacks is
missing in the simulation, too.
"""

import json
import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from tests.support.template import listed, transformed

ACCOUNT, REGION, STACK = "123456789012", "us-east-1", "sim"
TRAINING_ROLE = f"arn:aws:iam::{ACCOUNT}:role/training"
HOSTING_ROLE = f"arn:aws:iam::{ACCOUNT}:role/hosting"
PARAMETERS: dict[str, Any] = {
    "TrainingRoleArns": [TRAINING_ROLE],
    "HostingRoleArns": [HOSTING_ROLE],
    "DataBucketArns": ["arn:aws:s3:::data"],
    "MonthlyBudget": "60",
    "SlackWebhookParameter": "/sim/slack",
    "SlackSigningParameter": "/sim/signing",
    "OrphanPolicy": "remove",  # which has all the rights; people are told all the same
}
_PSEUDO = {
    "AWS::StackName": STACK,
    "AWS::Region": REGION,
    "AWS::AccountId": ACCOUNT,
    "AWS::Partition": "aws",
    "AWS::URLSuffix": "amazonaws.com",
}
_SERVICES = {
    "AWS::SQS::Queue": "sqs:{region}:{account}:{name}",
    "AWS::SNS::Topic": "sns:{region}:{account}:{name}",
    "AWS::DynamoDB::Table": "dynamodb:{region}:{account}:table/{name}",
    "AWS::Events::EventBus": "events:{region}:{account}:event-bus/{name}",
    "AWS::Logs::LogGroup": "logs:{region}:{account}:log-group:{name}:*",
    "AWS::Lambda::Function": "lambda:{region}:{account}:function:{name}",
    "AWS::Events::Rule": "events:{region}:{account}:rule/{name}",
}


@dataclass(frozen=True)
class Function:
    """One function as it is deployed."""

    name: str
    module: str
    timeout: float
    concurrency: int
    environment: dict[str, str]
    statements: tuple[dict[str, Any], ...]


@dataclass(frozen=True)
class Deployed:
    """What the template comes to."""

    functions: dict[str, Function]
    rules: dict[str, dict[str, Any]]
    queues: dict[str, dict[str, Any]]
    mappings: dict[str, dict[str, Any]]
    invokes: dict[str, dict[str, Any]]


class _Resolver:
    def __init__(self, template: dict[str, Any]) -> None:
        self.template = template
        self.values = {
            name: PARAMETERS.get(name, self._default(each))
            for name, each in template["Parameters"].items()
        } | _PSEUDO

    @staticmethod
    def _default(parameter: dict[str, Any]) -> Any:
        default = parameter.get("Default", "")
        is_list = parameter["Type"] == "CommaDelimitedList"
        return str(default).split(",") if is_list else default

    def holds(self, condition: Any) -> bool:
        match condition:
            case str(name):
                return self.holds(self.template["Conditions"][name])
            case {"Fn::Not": [inner]}:
                return not self.holds(inner)
            case {"Fn::Equals": [left, right]}:
                return bool(self(left) == self(right))
            case {"Condition": name}:
                return self.holds(name)
        raise ValueError(f"the simulator does not know the condition {condition}")

    def __call__(self, value: Any) -> Any:
        match value:
            case {"Ref": "AWS::NoValue"}:
                return None
            case {"Ref": str(name)}:
                return self.values[name] if name in self.values else self.reference(name)
            case {"Fn::GetAtt": [name, attribute]}:
                return self.attribute(name, attribute)
            case {"Fn::Sub": str(text)}:
                return re.sub(r"\$\{([^}]+)\}", lambda found: self._place(found[1]), text)
            case {"Fn::If": [condition, yes, no]}:
                return self(yes if self.holds(condition) else no)
            case dict():
                return {key: self(each) for key, each in value.items()}
            case list():
                return [found for each in value if (found := self(each)) is not None]
        return value

    def _place(self, name: str) -> str:
        owner, _, attribute = name.partition(".")
        return str(self.attribute(owner, attribute) if attribute else self({"Ref": name}))

    def reference(self, name: str) -> str:
        kind = self.template["Resources"][name]["Type"]
        if kind == "AWS::SQS::Queue":
            return f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{name}"
        return self.attribute(name, "Arn") if kind == "AWS::SNS::Topic" else name

    def attribute(self, name: str, attribute: str) -> str:
        kind = self.template["Resources"][name]["Type"]
        if attribute == "StreamArn":
            return f"{self.attribute(name, 'Arn')}/stream/now"
        if attribute != "Arn" or kind not in _SERVICES:
            return f"{name}.{attribute}"
        return "arn:aws:" + _SERVICES[kind].format(region=REGION, account=ACCOUNT, name=name)


@cache
def deployed() -> Deployed:
    """Resolve the template once."""
    template = transformed()
    resolve = _Resolver(template)
    resources = {
        name: {"Type": each["Type"], **resolve(each.get("Properties", {}))}
        for name, each in template["Resources"].items()
        if "Condition" not in each or resolve.holds(each["Condition"])
    }

    def of_type(kind: str) -> dict[str, dict[str, Any]]:
        return {name: each for name, each in resources.items() if each["Type"] == kind}

    roles = of_type("AWS::IAM::Role")
    functions = {}
    for name, each in of_type("AWS::Lambda::Function").items():
        policies = roles[f"{name}Role"]["Policies"]
        functions[name] = Function(
            name=name,
            module=each["Handler"].partition(".")[0],
            timeout=float(each["Timeout"]),
            concurrency=each.get("ReservedConcurrentExecutions", 50),
            environment={k: str(v) for k, v in each["Environment"]["Variables"].items()},
            statements=tuple(s for p in policies for s in listed(p["PolicyDocument"]["Statement"])),
        )
    return Deployed(
        functions=functions,
        rules={k: v for k, v in of_type("AWS::Events::Rule").items() if "EventPattern" in v},
        queues=of_type("AWS::SQS::Queue"),
        mappings={
            v["FunctionName"]: v for v in of_type("AWS::Lambda::EventSourceMapping").values()
        },
        invokes={v["FunctionName"]: v for v in of_type("AWS::Lambda::EventInvokeConfig").values()},
    )


if __name__ == "__main__":  # `python -m tests.simulation.deployed` shows what is simulated
    print(json.dumps(deployed().__dict__, default=lambda each: each.__dict__, indent=1))  # noqa: T201
