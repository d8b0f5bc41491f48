"""Writes down what wakes each function, and what it may do, from the template alone."""

import re
from collections.abc import Iterator
from typing import Any

from tests.support.template import Template, listed, of_type, statements, text, written

PREFIX = "arn:${AWS::Partition}:"
HERE = ":${AWS::Region}:${AWS::AccountId}:"
OWN = ("logs:", "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
"""What is said once for all: a test holds each function to its own log and its own source."""


def _short(value: Any) -> str:
    """Write a resource without what is the same for all: `Table/index/standing`, `<stack>`."""
    words = text(value).removeprefix(PREFIX).replace(HERE, " ")
    words = re.sub(r"^\$\{(\w+)(\.\w+)?\}", r"\1", words)
    words = re.sub(r"\$\{AWS::(?:Stack)?(\w+)\}", lambda found: f"<{found[1].lower()}>", words)
    return re.sub(r"\$\{(\w+)\}", r"<\1>", words).replace("<name>", "<stack>")


def _table(*rows: tuple[str, ...]) -> str:
    head, *rest = rows
    lines = [head, ("---",) * len(head), *rest]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines) + "\n"


def _senders(template: Template, queue: str) -> Iterator[str]:
    for name, each in of_type(template, "AWS::Events::Rule").items():
        if each["Targets"][0]["Arn"] == {"Fn::GetAtt": [queue, "Arn"]}:
            kind = each["EventPattern"]["detail-type"][0].removeprefix("SageMaker ")
            yield f"rule {name} ({kind.removesuffix(' State Change')})"
    for name, each in statements(template):
        if each["Action"] == "sqs:SendMessage" and {"Fn::GetAtt": [queue, "Arn"]} in listed(
            each["Resource"]
        ):
            yield name


def _routes(template: Template, function: str) -> Iterator[str]:
    held = of_type(template, "AWS::ApiGateway::Resource")

    def path(name: str) -> str:
        parent = held[name]["ParentId"].get("Ref")
        return f"{path(parent) if parent else ''}/{held[name]['PathPart']}"

    for each in of_type(template, "AWS::ApiGateway::Method").values():
        if f"${{{function}.Arn}}" in each["Integration"]["Uri"]["Fn::Sub"]:
            who = {"NONE": "open", "AWS_IAM": "IAM"}.get(text(each["AuthorizationType"]))
            yield f"{each['HttpMethod']} {path(each['ResourceId']['Ref'])} ({who or 'signed in'})"


def _woken(template: Template, name: str, function: dict[str, Any]) -> tuple[str, str]:
    """Say what wakes a function, and where what it fails at goes."""
    queues = of_type(template, "AWS::SQS::Queue")
    lost = function.get("EventInvokeConfig", {}).get("DestinationConfig", {}).get("OnFailure")
    dead = _short(lost["Destination"]) if lost else "-"
    for each in function.get("Events", {}).values():
        match each["Type"], each["Properties"]:
            case "SQS", {"Queue": {"Fn::GetAtt": [queue, _]}}:
                letters = queues[queue]["RedrivePolicy"]["deadLetterTargetArn"]
                return f"{queue}: {', '.join(_senders(template, queue))}", _short(letters)
            case "DynamoDB", properties:
                letters = properties["DestinationConfig"]["OnFailure"]["Destination"]
                return "the table's stream: new decisions", _short(letters)
            case "Schedule", {"Schedule": rate}:
                return str(rate), dead
            case "SNS", {"Topic": topic}:
                return f"{_short(topic)}: messages of ours, no alarms", dead
            case kind, _:
                raise ValueError(f"{name} is woken by {kind}, which nobody has described")
    return ", ".join(_routes(template, name)), "the caller is told"


def _rights(template: Template, name: str) -> Iterator[tuple[str, str, str]]:
    for each in (one for owner, one in statements(template) if owner == name):
        actions = [action for action in listed(each["Action"]) if not action.startswith(OWN)]
        if not actions:
            continue
        resources = [_short(one) for one in listed(each["Resource"])]
        only = []
        for test, asked in each.get("Condition", {}).items():
            for key, value in asked.items() if test != "Null" else ():
                values = ", ".join(_short(one) for one in listed(value))
                if key == "dynamodb:LeadingKeys":
                    resources = [f"Table: {values}"]
                else:
                    only.append(f"{key} {'at most' if 'LessThan' in test else 'in'} {values}")
        cells = (", ".join(actions), ", ".join(resources), "; ".join(only))
        yield cells[0], f"`{cells[1]}`", f"`{cells[2]}`" if only else ""


def _functions(template: Template) -> Iterator[str]:
    held = of_type(template, "AWS::Serverless::Function")
    common = template["Globals"]["Function"]
    rows = []
    for name, each in held.items():
        settings = {**common, **each}
        layers = " + ".join(
            _short(one) for one in [*common["Layers"], *(each.get("Layers") or ())]
        ).replace("Layer", "")
        most = str(each.get("ReservedConcurrentExecutions", "-"))
        woken, dead = _woken(template, name, each)
        when = template["Resources"][name].get("Condition")
        shown = f"{name} (if {when})" if when else name
        rows.append(
            (
                shown,
                woken,
                dead,
                f"{settings['Timeout']} s",
                str(settings["MemorySize"]),
                most,
                layers,
            )
        )
    head = ("function", "woken by", "what it fails at", "timeout", "MB", "at most", "layers")
    yield _table(head, *rows)
    shared = ", ".join(f"`{name}`" for name in common["Environment"]["Variables"])
    yield f"All have {shared} in their environment."
    yield "Each writes to its own log, takes from the queue that wakes it, and has these rights:\n"
    for name, each in held.items():
        yield f"### {name}\n"
        own = (each.get("Environment") or {}).get("Variables", {})
        if own:
            yield "Has " + ", ".join(f"`{key}` = `{_short(own[key])}`" for key in own) + ".\n"
        yield _table(("may", "on", "only if"), *_rights(template, name))


def wiring() -> str:
    """The wiring of the stack, in Markdown."""
    template = written()
    alarms = [
        (name, f"{each['Namespace']} {each['MetricName']}", each["AlarmDescription"])
        for name, each in of_type(template, "AWS::CloudWatch::Alarm").items()
    ]
    parameters = [
        (f"`{name}`", str(each.get("Default", "")) or "(empty)", each["Description"])
        for name, each in template["Parameters"].items()
    ]
    parts = [
        "# The wiring\n\nGenerated from `template.yaml` by `make golden`. ARNs are shown without "
        "partition, region and account;\n`Table: STUDY#*` is the items whose `pk` starts so.\n",
        "## Functions\n",
        *_functions(template),
        "## Alarms\n\nEach tells the topic.\n",
        _table(("alarm", "metric above 0 within 5 minutes", "means"), *alarms),
        "## Parameters\n",
        _table(("parameter", "default", "is"), *parameters),
    ]
    return "\n".join(parts)
