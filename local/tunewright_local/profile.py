"""What studies may use on this machine: the one profile, its bucket and its roles."""

from tunewright.domain.profile import Profile

BUCKET = "tunewright-local"
ACCOUNT = "123456789012"


def local_profile(region: str) -> Profile:
    """Return what studies may use on this machine: everything that is local."""
    return Profile(
        name="default",
        region=region,
        training_role=f"arn:aws:iam::{ACCOUNT}:role/tunewright-training",
        hosting_role=f"arn:aws:iam::{ACCOUNT}:role/tunewright-hosting",
        output=f"s3://{BUCKET}/output",
    )
