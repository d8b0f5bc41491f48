"""What the template promises of access: each rule yields who may do or reach too much, in words."""

import re
from collections.abc import Iterator

from tests.support.template import Template, functions, listed, of_type, statements, text

ROLES = {"OnWake": "TrainingRoleArns", "OnDeploy": "HostingRoleArns"}
LISTS = ("ListHyperParameterTuningJobs", "ListEndpoints", "ListModels")
ANYTHING = {("OnHour", f"sagemaker:{each}") for each in LISTS}
"""Function and action that may have `Resource: "*"`, for the API knows no other."""
OPEN = ("/tw-*", ":key/*", "${Table.Arn}/stream/*")
"""How a resource may end that names many: our prefix, our path; keys are held by a condition."""
TAKE = {"sqs:ReceiveMessage", "sqs:DeleteMessage", "dynamodb:GetRecords"}
OPEN_ROUTES = {
    ("/approvals/{token}", "GET"),
    ("/approvals/{token}", "POST"),
    ("/slack/actions", "POST"),
}
MOST_A_SECOND = 5


def actions(template: Template) -> Iterator[str]:
    for name, each in statements(template):
        yield from (f"{name}: {action}" for action in listed(each["Action"]) if "*" in action)
        if "NotAction" in each or "NotResource" in each:
            yield f"{name} may do all but something"
    for name, role in of_type(template, "AWS::IAM::Role").items():
        for arn in role.get("ManagedPolicyArns", ()):
            yield f"{name} has the managed policy {arn}"


def resources(template: Template) -> Iterator[str]:
    for name, each in statements(template):
        for resource in listed(each["Resource"]):
            words = text(resource)
            if words == "*" or ("*" in words and not words.endswith(OPEN)):
                for action in listed(each["Action"]):
                    if (name, action) not in ANYTHING:
                        yield f"{name} may {action} {words}"


def own_log(template: Template) -> Iterator[str]:
    held = dict.fromkeys(functions(template), 0)
    for name, each in statements(template):
        if any(action.startswith("logs:") for action in listed(each["Action"])):
            held[name] += 1
            if each["Resource"] != {"Fn::GetAtt": [f"{name}Log", "Arn"]}:
                yield f"{name} writes to {text(each['Resource'])}"
    yield from (f"{name} cannot write its log" for name, count in held.items() if count != 1)


def own_source(template: Template) -> Iterator[str]:
    """Check that a function may take from what wakes it, and from nothing else."""
    sources: dict[str, set[str]] = {}
    for each in of_type(template, "AWS::Lambda::EventSourceMapping").values():
        sources.setdefault(each["FunctionName"]["Ref"], set()).add(text(each["EventSourceArn"]))
    taken: dict[str, set[str]] = {}
    for name, each in statements(template):
        if TAKE & set(listed(each["Action"])):
            taken.setdefault(name, set()).update(text(one) for one in listed(each["Resource"]))
    for name in sources.keys() | taken.keys():
        if sources.get(name) != taken.get(name):
            yield f"{name} takes from {taken.get(name)} and is woken by {sources.get(name)}"


def own_stack(template: Template) -> Iterator[str]:
    """Check that what is made is tagged as this stack's, and what is changed is this stack's."""
    here = {"Ref": "AWS::StackName"}
    for name, each in statements(template):
        for action in listed(each["Action"]):
            service, _, verb = action.partition(":")
            if service != "sagemaker" or verb.startswith(("Describe", "List")):
                continue
            if text(each["Resource"]).endswith(":endpoint-config/tw-*") and verb[6:] == "Endpoint":
                continue  # Of an endpoint's two resources, the tag is asked of the endpoint itself.
            kind = "Request" if verb.startswith(("Create", "Add")) else "Resource"
            asked = each.get("Condition", {}).get("StringEquals", {})
            if asked.get(f"aws:{kind}Tag/tunewright:stack") != here:
                yield f"{name} may {verb} what is not this stack's"


def told_first(template: Template) -> Iterator[str]:
    """Check that who looks for orphans may change something only if the policy is to remove."""
    removing = {"Fn::Equals": [{"Ref": "OrphanPolicy"}, "remove"]}
    if template["Conditions"].get("RemovesOrphans") != removing:
        yield "RemovesOrphans is another condition"
    role = template["Resources"]["OnHourRole"]["Properties"]
    for each in role["Policies"][0]["PolicyDocument"]["Statement"]:
        condition, given, none = each.get("Fn::If", ("", each, None))
        for action in listed(given["Action"]):
            verb = action.removeprefix("sagemaker:")
            if verb == action or verb.startswith(("List", "Describe")):
                continue
            if (condition, none) != ("RemovesOrphans", {"Ref": "AWS::NoValue"}):
                yield f"OnHour may {verb} whatever the policy"


def own_kinds(template: Template) -> Iterator[str]:
    """Check that each access to the table says to which kinds of items."""
    for name, each in statements(template):
        acts = [action for action in listed(each["Action"]) if action.startswith("dynamodb:")]
        if acts and each["Resource"] == {"Fn::GetAtt": ["Table", "Arn"]}:
            condition = each.get("Condition", {})
            kinds = condition.get("ForAllValues:StringLike", {}).get("dynamodb:LeadingKeys")
            if not kinds or not all(re.fullmatch(r"[A-Z]+#\*", kind) for kind in kinds):
                yield f"{name} may {acts} any item"
            if condition.get("Null") != {"dynamodb:LeadingKeys": "false"}:
                yield f"{name} may {acts} without a key"


def open_routes(template: Template) -> Iterator[str]:
    """Check that what is open to everybody is what is meant to be, and is slow and discreet."""
    found = {
        (route(template, each["ResourceId"]["Ref"]), each["HttpMethod"]): each
        for each in of_type(template, "AWS::ApiGateway::Method").values()
    }
    stage = template["Resources"]["ApiStage"]["Properties"]
    limits = {
        (each["ResourcePath"].replace("~1", "/").replace("//", "/"), each["HttpMethod"]): each
        for each in stage["MethodSettings"]
    }
    for at, each in found.items():
        if each["AuthorizationType"] != "NONE":
            continue
        if at not in OPEN_ROUTES:
            yield f"{at} is open to everybody"
        if "${Approval.Arn}" not in each["Integration"]["Uri"]["Fn::Sub"]:
            yield f"{at} is open, and not an approval"
        if limits.get(at, {}).get("ThrottlingRateLimit", 99) > MOST_A_SECOND:
            yield f"{at} is not throttled"
    yield from (f"{at} is not open" for at in OPEN_ROUTES - found.keys())
    if "$context.path" in stage["AccessLogSetting"]["Format"]:
        yield "the access log shows tokens"


def invokers(template: Template) -> Iterator[str]:
    """Check that whoever may invoke a function is named exactly."""
    for name, each in of_type(template, "AWS::Lambda::Permission").items():
        source = text(each["SourceArn"])
        if each["FunctionName"] == {"Ref": "Approval"} and not source.endswith(
            ("${RestApi}/*/*/approvals/*", "${RestApi}/*/POST/slack/actions")
        ):
            yield f"{name} lets {source} invoke"
        if source.startswith("*"):
            yield f"{name} lets anybody invoke"


def route(template: Template, resource: str) -> str:
    """Give the path of one of the API's resources."""
    held = template["Resources"][resource]["Properties"]
    parent = held["ParentId"].get("Ref")
    return f"{route(template, parent) if parent else ''}/{held['PathPart']}"


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
