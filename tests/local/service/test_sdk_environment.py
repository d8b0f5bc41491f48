"""What a client must export: a role that STS tells of, which may do everything here."""

import boto3

from sagemaker_local import sdk
from tests.local.service.conftest import World


def test_the_caller_is_a_role_as_in_a_notebook(world: World) -> None:
    told = sdk.environment(world.server.environment)
    again = sdk.environment(world.server.environment)  # after a restart, say
    assert again["AWS_SESSION_TOKEN"]
    keys = {
        "endpoint_url": told["AWS_ENDPOINT_URL"],
        "region_name": told["AWS_REGION"],
        "aws_access_key_id": told["AWS_ACCESS_KEY_ID"],
        "aws_secret_access_key": told["AWS_SECRET_ACCESS_KEY"],
        "aws_session_token": told["AWS_SESSION_TOKEN"],
    }
    arn = boto3.client("sts", **keys).get_caller_identity()["Arn"]
    assert arn == "arn:aws:sts::123456789012:assumed-role/LocalSageMakerRole/you"
    assert boto3.client("sagemaker", **keys).list_models()["Models"] == []
    assert (sdk.SHIM / "sitecustomize.py").exists()


def test_the_shim_sends_calls_of_sts_to_the_endpoint_and_leaves_others() -> None:
    import os
    import subprocess
    import sys

    code = """
import boto3
ask = dict(region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b")
sts = boto3.client("sts", endpoint_url="https://sts.us-east-1.amazonaws.com", **ask)
other = boto3.client("s3", endpoint_url="http://127.0.0.1:7", **ask)
print(sts.meta.endpoint_url, other.meta.endpoint_url)
"""
    shimmed = os.pathsep.join([str(sdk.SHIM), *filter(None, sys.path)])
    for endpoint, sts in (
        ("http://127.0.0.1:9", "http://127.0.0.1:9"),
        ("", "https://sts.us-east-1.amazonaws.com"),
    ):
        environment = {**os.environ, "PYTHONPATH": shimmed, "AWS_ENDPOINT_URL": endpoint}
        if not endpoint:
            del environment["AWS_ENDPOINT_URL"]
        said = subprocess.run(
            [sys.executable, "-c", code],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        assert said.stdout.split() == [sts, "http://127.0.0.1:7"]
