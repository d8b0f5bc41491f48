"""What a SageMaker SDK needs besides an address: a caller with a role, and a way to ask STS for it.

The SDKs take their role and their bucket's name from who STS says is calling. So the environment
has the credentials of a role that was assumed, as a notebook of SageMaker has, and on PYTHONPATH
the `shim` that sends the SDK's own calls of STS to this server.
"""

import json
from collections.abc import Mapping
from pathlib import Path

import boto3

ROLE = "LocalSageMakerRole"
SHIM = Path(__file__).parent / "shim"
_TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "sagemaker.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}
_MAY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
}
"""Everything: version 3 of the SDK asks IAM what the role may do, before it lets anything run."""
_HOURS = 12


def environment(server: Mapping[str, str]) -> dict[str, str]:
    """Give the environment in which the SDKs work unchanged.

    Args:
        server: The environment of the server, with the keys of its account.
    """
    keys = {
        "endpoint_url": server["AWS_ENDPOINT_URL"],
        "region_name": server["AWS_REGION"],
        "aws_access_key_id": server["AWS_ACCESS_KEY_ID"],
        "aws_secret_access_key": server["AWS_SECRET_ACCESS_KEY"],
    }
    iam = boto3.client("iam", **keys)
    try:
        role = iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument=json.dumps(_TRUST))
    except iam.exceptions.EntityAlreadyExistsException:
        role = iam.get_role(RoleName=ROLE)
    iam.put_role_policy(RoleName=ROLE, PolicyName="everything", PolicyDocument=json.dumps(_MAY))
    sts = boto3.client("sts", **keys)
    assumed = sts.assume_role(
        RoleArn=role["Role"]["Arn"], RoleSessionName="you", DurationSeconds=_HOURS * 3600
    )["Credentials"]
    return {
        **server,
        "AWS_ACCESS_KEY_ID": assumed["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": assumed["SecretAccessKey"],
        "AWS_SESSION_TOKEN": assumed["SessionToken"],
        "PYTHONPATH": str(SHIM),
    }
