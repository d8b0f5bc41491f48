"""Deploys `template.yaml` into the embedded AWS, and makes up for what that leaves undone."""

import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError
from samtranslator.yaml_helper import yaml_parse

import gp_surrogate
import tunewright
from tunewright.domain.prices import USD_PER_HOUR
from tunewright_local.host_template import Template, host_template
from tunewright_local.packages import Package, pack_functions, pack_layer
from tunewright_local.profile import BUCKET, local_profile

STACK = "tunewright"
CODE_BUCKET = "tunewright-local-code"
MAIL_QUEUE = "tunewright-local-mail"
WEBHOOK = "/tunewright-local/slack-webhook"
SIGNING = "/tunewright-local/slack-signing-secret"
EMAIL = "you@example.com"
USER = "you"
_STAGE = "v1"
_DIGEST = "tunewright-local:digest"
_SECONDS = 120.0


class DeploymentError(Exception):
    """The template could not be deployed; the message is what CloudFormation says."""


@dataclass(frozen=True)
class Sources:
    """Where the template and the doors are: the source tree's, or those that were installed."""

    template: Path
    functions: Path

    @classmethod
    def found(cls) -> "Sources":
        """Find them.

        Raises:
            DeploymentError: They are nowhere.
        """
        here = Path(__file__)
        for root in (here.parents[2], here.parent / "stack"):
            if (root / "template.yaml").is_file() and (root / "functions").is_dir():
                return cls(root / "template.yaml", root / "functions")
        raise DeploymentError("template.yaml and functions/ were not installed with tunewright")


@dataclass(frozen=True)
class Told:
    """What the stack is told by who deploys it.

    Attributes:
        url: Where the embedded AWS is.
        api_url: Where the REST API is.
        webhook: Where Slack messages go.
        signing_secret: What Slack's answers are signed with.
        region: The region.
    """

    url: str
    api_url: str
    webhook: str
    signing_secret: str
    region: str


@dataclass(frozen=True)
class Deployed:
    """The stack as it stands: physical names by logical ones, and whether it was changed now."""

    resources: Mapping[str, str]
    changed: bool

    @property
    def api(self) -> tuple[str, str]:
        """The id of the REST API, and its stage."""
        return self.resources["RestApi"], _STAGE


def deploy(clients: Mapping[str, Any], told: Told) -> Deployed:
    """Bring the stack to what the sources say; twice is once.

    Args:
        clients: boto3 clients by service.
        told: What it is told.

    Raises:
        DeploymentError: CloudFormation says no.
    """
    sources = Sources.found()
    _put_settings(clients, told)
    source = sources.template.read_text()
    template = _packed(clients["s3"], sources, source, told)
    body = json.dumps(template)
    parameters = _parameters(yaml_parse(source)["Parameters"], told)
    digest = hashlib.sha256((body + json.dumps(parameters)).encode()).hexdigest()
    # CloudFormation takes 51,200 bytes in a request, and a million from S3, as sam hands it over.
    key = f"template/{digest[:32]}.json"
    clients["s3"].put_object(Bucket=CODE_BUCKET, Key=key, Body=body.encode())
    url = f"https://s3.amazonaws.com/{CODE_BUCKET}/{key}"
    changed = _bring_to(clients["cloudformation"], url, parameters, digest)
    listed = clients["cloudformation"].describe_stack_resources(StackName=STACK)["StackResources"]
    resources = {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in listed}
    _make_up(clients, template, resources)
    return Deployed(resources, changed)


def access_key(iam: Any) -> tuple[str, str]:  # noqa: ANN401 - boto3 carries no types
    """Make the user of this machine and a key of theirs; former keys end."""
    try:
        iam.create_user(UserName=USER)
    except iam.exceptions.EntityAlreadyExistsException:
        for each in iam.list_access_keys(UserName=USER)["AccessKeyMetadata"]:
            iam.delete_access_key(UserName=USER, AccessKeyId=each["AccessKeyId"])
    made = iam.create_access_key(UserName=USER)["AccessKey"]
    return made["AccessKeyId"], made["SecretAccessKey"]


def sweep(clients: Mapping[str, Any], deployed: Deployed) -> None:
    """Fire the schedule once, now."""
    name = deployed.resources["OnSchedule"]
    clients["lambda"].invoke(FunctionName=name, InvocationType="Event", Payload=b"{}")


def _put_settings(clients: Mapping[str, Any], told: Told) -> None:
    """Give the stack what an administrator would: profile, webhook, secret, bucket."""
    for name, value, kind in (
        (f"/{STACK}/profiles/default", local_profile(told.region).model_dump_json(), "String"),
        (WEBHOOK, told.webhook, "SecureString"),
        (SIGNING, told.signing_secret, "SecureString"),
    ):
        if _parameter(clients["ssm"], name) != value:
            clients["ssm"].put_parameter(Name=name, Value=value, Type=kind, Overwrite=True)
    there = {each["Name"] for each in clients["s3"].list_buckets()["Buckets"]}
    for bucket in {BUCKET, CODE_BUCKET} - there:
        clients["s3"].create_bucket(Bucket=bucket)


def _parameter(ssm: Any, name: str) -> str | None:  # noqa: ANN401
    try:
        found = ssm.get_parameter(Name=name, WithDecryption=True)
    except ssm.exceptions.ParameterNotFound:
        return None
    return str(found["Parameter"]["Value"])


def _packed(s3: Any, sources: Sources, source: str, told: Told) -> Template:  # noqa: ANN401
    def stored(package: Package) -> str:
        try:
            s3.head_object(Bucket=CODE_BUCKET, Key=package.key)
        except ClientError:
            s3.put_object(Bucket=CODE_BUCKET, Key=package.key, Body=package.body)
        return f"s3://{CODE_BUCKET}/{package.key}"

    return host_template(
        source,
        code=stored(pack_functions(sources.functions)),
        layers={
            "CoreLayer": stored(pack_layer(Path(tunewright.__file__).parent)),
            "NumericLayer": stored(pack_layer(Path(gp_surrogate.__file__).parent)),
        },
        environment={
            "AWS_ENDPOINT_URL": told.url,
            "TUNEWRIGHT_SLACK_HOST": told.url,
            # The matrices are small: more threads for each only make them wait for each other
            "OPENBLAS_NUM_THREADS": "1",
        },
        overriding={"TUNEWRIGHT_API_URL": told.api_url},
        region=told.region,
    )


def _parameters(known: Mapping[str, Any], told: Told) -> dict[str, str]:
    profile = local_profile(told.region)
    wanted = {
        "TrainingRoleArns": profile.training_role,
        "HostingRoleArns": profile.hosting_role,
        "DataBucketArns": f"arn:aws:s3:::{BUCKET}",
        "AllowedInstanceTypes": ",".join(sorted(USD_PER_HOUR)),
        "AlertEmail": EMAIL,
        "SlackWebhookParameter": WEBHOOK,
        "SlackSigningParameter": SIGNING,
    }
    return {name: value or "" for name, value in wanted.items() if name in known}


def _bring_to(
    cloudformation: Any,  # noqa: ANN401
    url: str,
    parameters: Mapping[str, str],
    digest: str,
) -> bool:
    stack = _stack(cloudformation)
    standing = stack is not None and stack["StackStatus"].endswith(
        ("CREATE_COMPLETE", "UPDATE_COMPLETE")
    )
    tags = {each["Key"]: each["Value"] for each in (stack or {}).get("Tags", ())}
    if standing and tags.get(_DIGEST) == digest:
        return False
    if stack is not None and not standing:
        cloudformation.delete_stack(StackName=STACK)
        _wait(cloudformation)
        stack = None
    change = cloudformation.create_stack if stack is None else cloudformation.update_stack
    change(
        StackName=STACK,
        TemplateURL=url,
        Capabilities=["CAPABILITY_IAM"],
        Parameters=[{"ParameterKey": k, "ParameterValue": v} for k, v in parameters.items()],
        Tags=[{"Key": _DIGEST, "Value": digest}],
    )
    stack = _wait(cloudformation)
    if stack is None or stack["StackStatus"] not in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}:
        events = cloudformation.describe_stack_events(StackName=STACK)["StackEvents"]
        said = [
            f"{each['LogicalResourceId']}: {each.get('ResourceStatusReason')}"
            for each in events
            if each["ResourceStatus"].endswith("FAILED")
        ]
        raise DeploymentError("the template was not deployed: " + "; ".join(said))
    return True


def _stack(cloudformation: Any) -> dict[str, Any] | None:  # noqa: ANN401
    try:
        found: dict[str, Any] = cloudformation.describe_stacks(StackName=STACK)["Stacks"][0]
    except ClientError:
        return None
    return None if found["StackStatus"] == "DELETE_COMPLETE" else found


def _wait(cloudformation: Any) -> dict[str, Any] | None:  # noqa: ANN401
    deadline = time.monotonic() + _SECONDS
    while time.monotonic() < deadline:
        stack = _stack(cloudformation)
        if stack is None or not stack["StackStatus"].endswith("IN_PROGRESS"):
            return stack
        time.sleep(0.02)
    raise DeploymentError(f"the template was not deployed within {_SECONDS:.0f} seconds")


def _make_up(clients: Mapping[str, Any], template: Template, resources: Mapping[str, str]) -> None:
    """Do what the embedded CloudFormation and SNS leave out: TTL of tables, e-mail."""
    for name, each in template["Resources"].items():
        wanted = each.get("Properties", {}).get("TimeToLiveSpecification")
        if each["Type"] == "AWS::DynamoDB::Table" and wanted is not None:
            table = resources[name]
            held = clients["dynamodb"].describe_time_to_live(TableName=table)
            if held["TimeToLiveDescription"]["TimeToLiveStatus"] != "ENABLED":
                clients["dynamodb"].update_time_to_live(
                    TableName=table, TimeToLiveSpecification=wanted
                )
    queue = clients["sqs"].create_queue(QueueName=MAIL_QUEUE)["QueueUrl"]
    arn = clients["sqs"].get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
    clients["sns"].subscribe(
        TopicArn=resources["Topic"], Protocol="sqs", Endpoint=arn["Attributes"]["QueueArn"]
    )
