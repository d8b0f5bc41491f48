"""Least privilege, both ways: each call of the simulation against its function's role, and back.

The roles are those of the transformed template. A call may need several rights: what it asks for,
tags, a role to pass, a key to decrypt with. A grant counts as used action by action, resource by
resource, and leading key by leading key.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.simulation.deployed import ACCOUNT, REGION, Deployed
from tests.simulation.tuning import arn
from tests.support.template import listed

Context = dict[str, list[str]]
Need = tuple[str, str, Context]
"""An action, a resource, and what is known of the request."""
Grant = tuple[str, str, str, str]
"""A function, an action, a resource of its role, and a leading key; the last may be empty."""

_CREATED = {
    "CreateHyperParameterTuningJob": ("hyper-parameter-tuning-job", "HyperParameterTuningJobName"),
    "CreateModel": ("model", "ModelName"),
    "CreateEndpointConfig": ("endpoint-config", "EndpointConfigName"),
    "CreateEndpoint": ("endpoint", "EndpointName"),
}
_LISTS = {"ListHyperParameterTuningJobs", "ListEndpoints", "ListModels"}
_NAMED = {
    "HyperParameterTuningJobName": "hyper-parameter-tuning-job",
    "TrainingJobName": "training-job",
    "EndpointName": "endpoint",
    "ModelName": "model",
    "EndpointConfigName": "endpoint-config",
}


def needs(
    service: str, operation: str, request: dict[str, Any], tags: dict[str, str]
) -> Iterator[Need]:
    """Say which rights a call needs; `tags` are those of what it names."""
    match service:
        case "dynamodb":
            yield from _of_table(operation, request)
        case "sqs":
            name = request["QueueUrl"].rpartition("/")[2]
            yield f"sqs:{operation}", f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}", {}
        case "sns":
            yield "sns:Publish", request["TopicArn"], {}
        case "events":
            for each in request["Entries"]:
                bus = f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/{each['EventBusName']}"
                yield "events:PutEvents", bus, {}
        case "s3":
            yield "s3:ListBucket", f"arn:aws:s3:::{request['Bucket']}", {}
        case "ssm":
            name = request.get("Name") or request["Path"]  # A slash at its end is part of it.
            yield f"ssm:{operation}", f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter{name}", {}
            if request.get("WithDecryption"):
                context = {
                    "kms:ViaService": [f"ssm.{REGION}.amazonaws.com"],
                    "kms:ResourceAliases": ["alias/aws/ssm"],
                }
                yield "kms:Decrypt", f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1", context
        case _:
            yield from _of_sagemaker(operation, request, tags)


def _of_table(operation: str, request: dict[str, Any]) -> Iterator[Need]:
    if operation == "TransactWriteItems":
        for each in request["TransactItems"]:
            ((kind, write),) = each.items()
            yield from _of_table(f"{kind}Item", write)
        return
    table = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{request['TableName']}"
    if operation == "Query":
        index = request.get("IndexName")
        where = table if index is None else f"{table}/index/{index}"
        partition = request["KeyConditionExpression"].partition(" = ")[2].partition(" ")[0]
        leading = request["ExpressionAttributeValues"][partition]["S"]
    else:
        where, leading = table, (request.get("Key") or request["Item"])["pk"]["S"]
    yield f"dynamodb:{operation}", where, {"dynamodb:LeadingKeys": [leading]}


def _of_sagemaker(operation: str, request: dict[str, Any], tags: dict[str, str]) -> Iterator[Need]:
    action = f"sagemaker:{operation}"
    context: Context = {f"aws:ResourceTag/{key}": [value] for key, value in tags.items()}
    for each in request.get("Tags", ()):
        context[f"aws:RequestTag/{each['Key']}"] = [each["Value"]]
    definition = request.get("TrainingJobDefinition")
    if definition is not None:
        context["sagemaker:InstanceTypes"] = [definition["ResourceConfig"]["InstanceType"]]
        seconds = definition["StoppingCondition"]["MaxRuntimeInSeconds"]
        context["sagemaker:MaxRuntimeInSeconds"] = [str(seconds)]
    variants = request.get("ProductionVariants", ())
    if variants:
        context["sagemaker:InstanceTypes"] = [each["InstanceType"] for each in variants]
    role = request.get("ExecutionRoleArn") or (definition or {}).get("RoleArn")
    if role is not None:
        yield "iam:PassRole", role, {"iam:PassedToService": ["sagemaker.amazonaws.com"]}
    if operation in _LISTS:
        yield action, "*", {}
        return
    if operation == "ListTags":
        yield action, request["ResourceArn"], context
        return
    if operation in _CREATED:
        kind, member = _CREATED[operation]
        yield action, arn(kind, request[member]), context
        yield "sagemaker:AddTags", arn(kind, request[member]), context
    else:
        member = next(each for each in _NAMED if each in request)
        yield action, arn(_NAMED[member], request[member]), context
    if operation in {"CreateEndpoint", "UpdateEndpoint"}:  # It reads the config, too.
        yield action, arn("endpoint-config", request["EndpointConfigName"]), context


def _like(pattern: str, text: str) -> bool:
    parts = (re.escape(each) for each in pattern.split("*"))
    return re.fullmatch(".*".join(parts).replace(r"\?", "."), text) is not None


def condition_holds(condition: dict[str, Any], context: Context) -> bool:
    """Say whether every test of a condition holds, as IAM evaluates those that we use."""
    return all(
        _test(operator, context.get(key), [str(each) for each in listed(wanted)])
        for operator, tests in condition.items()
        for key, wanted in tests.items()
    )


def _test(operator: str, held: list[str] | None, wanted: list[str]) -> bool:
    if operator == "Null":
        return (held is None) == (wanted == ["true"])
    quantifier, _, plain = operator.rpartition(":")
    if held is None:
        return quantifier == "ForAllValues"  # Which is why each comes with a Null.
    match plain:
        case "StringEquals" | "ArnEquals":
            good = [each in wanted for each in held]
        case "StringLike":
            good = [any(_like(pattern, each) for pattern in wanted) for each in held]
        case "NumericLessThanEquals":
            good = [float(each) <= float(wanted[0]) for each in held]
        case _:
            raise NotImplementedError(f"the simulator does not know the test {operator}")
    return any(good) if quantifier == "ForAnyValue" else all(good)


@dataclass
class Audit:
    """Judges calls as they are made, and remembers which grants they needed."""

    wiring: Deployed
    calls: int = 0
    denied: dict[tuple[str, str, str], int] = field(default_factory=dict)
    used: set[Grant] = field(default_factory=set)

    def judge(
        self, function: str, service: str, operation: str, request: Any, tags: dict[str, str]
    ) -> None:
        """Judge one call of a function."""
        self.calls += 1
        for action, resource, context in needs(service, operation, request, tags):
            if not self._allow(function, action, resource, context):
                key = (function, action, resource)
                self.denied[key] = self.denied.get(key, 0) + 1

    def _allow(self, function: str, action: str, resource: str, context: Context) -> bool:
        allowed = False
        for grant, condition in grants(self.wiring, function):
            _, granted, where, leading = grant
            if granted != action or not _like(where, resource):
                continue
            if leading and not any(
                _like(leading, each) for each in context.get("dynamodb:LeadingKeys", ())
            ):
                continue
            if condition_holds(condition, context):
                self.used.add(grant)
                allowed = True
        return allowed

    def unused(self) -> list[Grant]:
        """Return the grants that no call has needed."""
        every = {grant for name in self.wiring.functions for grant, _ in grants(self.wiring, name)}
        return sorted(every - self.used)


def grants(wiring: Deployed, function: str) -> Iterator[tuple[Grant, dict[str, Any]]]:
    """Take a role apart into single grants, each with its condition."""
    for each in wiring.functions[function].statements:
        if each["Effect"] != "Allow":
            raise NotImplementedError("the simulator knows roles that allow, only")
        condition = each.get("Condition", {})
        leading = condition.get("ForAllValues:StringLike", {}).get("dynamodb:LeadingKeys", [""])
        for action in listed(each["Action"]):
            for resource in listed(each["Resource"]):
                for key in listed(leading):
                    yield (function, action, resource, key), condition


def used_by_lambda_itself(wiring: Deployed) -> set[Grant]:
    """Write down the grants that the Lambda service uses: to log, to poll, to tell of failures.

    Each follows from a function's log, its event source or its destination in the template.
    """
    found: set[Grant] = set()
    for name in wiring.functions:
        log = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{name}Log:*"
        found |= {(name, f"logs:{verb}", log, "") for verb in ("CreateLogStream", "PutLogEvents")}
    for name, each in wiring.mappings.items():
        source = each["EventSourceArn"]
        if ":sqs:" in source:
            verbs = ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes")
            found |= {(name, f"sqs:{verb}", source, "") for verb in verbs}
        else:
            verbs = ("DescribeStream", "GetRecords", "GetShardIterator")
            found |= {(name, f"dynamodb:{verb}", source, "") for verb in verbs}
            streams = source.rpartition("/")[0] + "/*"
            found.add((name, "dynamodb:ListStreams", streams, ""))
    for name, each in (*wiring.mappings.items(), *wiring.invokes.items()):
        target = each.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
        if target is not None:
            found.add((name, "sqs:SendMessage", target, ""))
    return found
