"""Who is let in to the local cloud: whoever signs rightly, from this machine, in time."""

import json
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from tests.local.cloud_world import ask, client
from tunewright_local.cloud import LocalCloud
from tunewright_local.profile import BUCKET

CALLS: dict[str, Callable[[Any], Any]] = {
    "dynamodb": lambda c: c.list_tables(),
    "sqs": lambda c: c.list_queues(),
    "sns": lambda c: c.list_topics(),
    "s3": lambda c: c.list_objects_v2(Bucket=BUCKET),
    "lambda": lambda c: c.list_functions(),
    "events": lambda c: c.list_rules(),
    "iam": lambda c: c.list_users(),
    "sagemaker": lambda c: c.list_training_jobs(),
    "cloudformation": lambda c: c.describe_stacks(),
    "cloudwatch": lambda c: c.describe_alarms(),
}
CODES = {"sns", "iam", "cloudformation", "s3"}
"""Services that answer in XML."""


@pytest.mark.parametrize("service", CALLS)
def test_a_signed_request_is_served_and_a_wrongly_signed_one_refused(
    cloud: LocalCloud, service: str
) -> None:
    right, wrong = client(cloud, service), client(cloud, service, secret="x" * 40)
    assert CALLS[service](right)["ResponseMetadata"]["HTTPStatusCode"] == 200
    with pytest.raises(ClientError) as refused:
        CALLS[service](wrong)
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    code = refused.value.response["Error"]["Code"]
    wanted = "SignatureDoesNotMatch" if service in CODES else "InvalidSignatureException"
    assert code == wanted
    right.close(), wrong.close()


def signed(cloud: LocalCloud, body: bytes, **later: str) -> AWSRequest:
    """A request to list tables, signed now; `later` changes headers after that."""
    instance = cloud.instance
    request = AWSRequest(
        "POST",
        instance.url,
        data=body,
        headers={
            "X-Amz-Target": "DynamoDB_20120810.ListTables",
            "Content-Type": "application/x-amz-json-1.0",
        },
    )
    credentials = Credentials(instance.access_key, instance.secret_key)
    SigV4Auth(credentials, "dynamodb", "us-east-1").add_auth(request)
    for name, value in later.items():
        del request.headers[name]
        request.headers[name] = value
    return request


def test_a_body_other_than_the_signed_one_is_refused(cloud: LocalCloud) -> None:
    headers = dict(signed(cloud, b"{}").headers.items())
    assert ask(cloud, "/", body=b"{}", **headers)[0] == 200
    assert ask(cloud, "/", body=b'{"Limit": 1}', **headers)[0] == 403


def test_a_signature_of_another_time_is_refused(
    cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    for minutes, status in ((-20, 403), (-10, 200), (20, 403)):
        at = datetime.fromtimestamp(time.time() + minutes * 60, UTC)
        monkeypatch.setattr("botocore.auth.get_current_datetime", lambda at=at: at)
        headers = dict(signed(cloud, b"{}").headers.items())
        assert ask(cloud, "/", body=b"{}", **headers)[0] == status, minutes


def test_who_presigns_is_let_in_to_what_was_presigned_and_no_further(cloud: LocalCloud) -> None:
    s3 = client(cloud, "s3")
    s3.put_object(Bucket=BUCKET, Key="a b/ü+x", Body=b"hello")
    s3.put_object(Bucket=BUCKET, Key="other", Body=b"other")
    presigner = boto3.client(
        "s3",
        endpoint_url=cloud.instance.url,
        region_name="us-east-1",
        aws_access_key_id=cloud.instance.access_key,
        aws_secret_access_key=cloud.instance.secret_key,
        config=Config(signature_version="s3v4"),
    )
    url = presigner.generate_presigned_url("get_object", {"Bucket": BUCKET, "Key": "a b/ü+x"})
    path = url.removeprefix(cloud.instance.url)
    assert ask(cloud, path)[2] == "hello"
    assert ask(cloud, re.sub(r"a%20b/[^?]*", "other", path))[0] == 403
    assert ask(cloud, path.replace("Expires=3600", "Expires=3601"))[0] == 403
    s3.close(), presigner.close()


@pytest.mark.parametrize("path", ["/", f"/{BUCKET}/key", "/_ministack/reset", "/_api/studies"])
def test_unsigned_requests_are_refused(cloud: LocalCloud, path: str) -> None:
    assert ask(cloud, path)[0] == 403


@pytest.mark.parametrize(
    ("host", "status"),
    [("127.0.0.1:1", 200), ("localhost", 200), ("evil.example", 403), ("127.0.0.1.nip.io", 403)],
)
def test_another_host_than_this_machine_is_refused(
    cloud: LocalCloud, host: str, status: int
) -> None:
    assert ask(cloud, "/_health", Host=host)[0] == status


def test_a_session_of_a_role_may_sign(cloud: LocalCloud) -> None:
    iam, sts = client(cloud, "iam"), client(cloud, "sts")
    policy = {"Version": "2012-10-17", "Statement": []}
    role = iam.create_role(RoleName="r", AssumeRolePolicyDocument=json.dumps(policy))["Role"]
    given = sts.assume_role(RoleArn=role["Arn"], RoleSessionName="session")["Credentials"]
    for token, status in ((given["SessionToken"], 200), ("other", 403)):
        session = boto3.client(
            "sqs",
            endpoint_url=cloud.instance.url,
            region_name="us-east-1",
            aws_access_key_id=given["AccessKeyId"],
            aws_secret_access_key=given["SecretAccessKey"],
            aws_session_token=token,
        )
        try:
            found = session.list_queues()["ResponseMetadata"]["HTTPStatusCode"]
        except ClientError as error:
            found = error.response["ResponseMetadata"]["HTTPStatusCode"]
        assert found == status
        session.close()
    iam.close(), sts.close()
