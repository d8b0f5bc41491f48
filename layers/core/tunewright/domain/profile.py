"""What an administrator allows: submitters name a profile, and anything outside is refused."""

import re
from collections.abc import Iterator
from decimal import Decimal

from tunewright.domain import algorithms
from tunewright.domain.errors import NotAllowedError, Problem
from tunewright.domain.prices import USD_PER_HOUR
from tunewright.domain.spec import StudySpec
from tunewright.domain.values import Value, show_money


class Profile(Value):
    """What a study may use, by name.

    Attributes:
        name: What submitters call it.
        region: The AWS region of the stack.
        training_role: The role that trials run as.
        hosting_role: The role that endpoints run as.
        output: The S3 prefix under which everything that is made is kept.
        data: The S3 prefixes from which trials may read.
        images: Images allowed beside AWS's own of `algorithms`; `*` stands for any text.
        instances: Instance types allowed; `*` stands for any text.
        max_budget: The most that one study may spend, in US dollars; None for no limit.
        kms_key: The key for volumes and output; None for AWS's own.
        subnets: Subnets of trials and endpoints; empty for none.
        security_groups: Their security groups.
        prices: US dollars an hour, by instance type, where our table is not right.
    """

    name: str = "default"
    region: str
    training_role: str
    hosting_role: str
    output: str
    data: tuple[str, ...] = ("s3://*",)
    images: tuple[str, ...] = ()
    instances: tuple[str, ...] = ("ml.*",)
    max_budget: Decimal | None = None
    kms_key: str | None = None
    subnets: tuple[str, ...] = ()
    security_groups: tuple[str, ...] = ()
    prices: dict[str, Decimal] = {}

    @property
    def uploads(self) -> str:
        """The S3 prefix under which the client puts a submitter's own files."""
        return f"{self.output.rstrip('/')}/uploads"

    def check(self, spec: StudySpec) -> None:
        """Make sure that a study uses nothing which this profile does not allow.

        Raises:
            NotAllowedError: It does; everything that was found is told, by name.
        """
        problems = tuple(self._problems(spec))
        if problems:
            raise NotAllowedError(problems)

    def _problems(self, spec: StudySpec) -> Iterator[Problem]:
        training = spec.training
        yield from self._instances(spec)
        if training.image and not _matches(training.image, self.images):
            yield self._refuse(("training", "image"), f"the image {training.image}")
        if (training.algorithm or training.script) and self.region not in algorithms.regions():
            message = f"no AWS image is known in {self.region}; give training.image itself"
            yield Problem(("training",), message)
        for name, channel in training.inputs.items():
            own = channel.uri.startswith(f"{self.uploads}/")
            if not own and not _matches(channel.uri, self.data):
                yield self._refuse(("training", "inputs", name), f"the data {channel.uri}")
        if training.script and not training.script.source_dir.startswith("s3://"):
            message = f"{training.script.source_dir} is no s3:// URI; the client uploads folders"
            yield Problem(("training", "script", "source_dir"), message)
        yield from self._definition(spec)
        yield from self._money(spec)

    def _instances(self, spec: StudySpec) -> Iterator[Problem]:
        wanted = [(("training", "instance"), spec.training.instance)]
        if spec.deploy:
            wanted.append((("deploy", "instance"), spec.deploy.instance))
        for path, instance in wanted:
            if not _matches(instance, self.instances):
                yield self._refuse(path, f"the instance type {instance}")
            elif instance not in self.prices and instance not in USD_PER_HOUR:
                message = f"no price is known of {instance}; the profile {self.name} must give one"
                yield Problem(path, message)

    def _definition(self, spec: StudySpec) -> Iterator[Problem]:
        definition, path = spec.training.definition, ("training", "definition")
        role = definition.get("RoleArn")
        if role is not None and role != self.training_role:
            yield self._refuse((*path, "RoleArn"), f"the role {role}")
        vpc = definition.get("VpcConfig")
        if vpc is not None and (
            set(vpc.get("Subnets") or ()) - set(self.subnets)
            or set(vpc.get("SecurityGroupIds") or ()) - set(self.security_groups)
        ):
            yield self._refuse((*path, "VpcConfig"), "these subnets and security groups")
        for holder in ("CheckpointConfig",):
            uri = (definition.get(holder) or {}).get("S3Uri")
            if uri is not None and not f"{uri}/".startswith(f"{self.output.rstrip('/')}/"):
                yield self._refuse((*path, holder, "S3Uri"), f"the prefix {uri}")

    def _money(self, spec: StudySpec) -> Iterator[Problem]:
        if self.max_budget is None:
            return
        if spec.budget is not None and spec.budget > self.max_budget:
            allowed = show_money(self.max_budget)
            yield self._refuse(("budget",), f"{show_money(spec.budget)}: it allows {allowed}")

    def budget(self, spec: StudySpec) -> Decimal | None:
        """Return the limit on a study's money: its own, else the profile's."""
        return spec.budget if spec.budget is not None else self.max_budget

    def _refuse(self, path: tuple[str, ...], what: str) -> Problem:
        return Problem(path, f"the profile {self.name} does not allow {what}")


def _matches(text: str, patterns: tuple[str, ...]) -> bool:
    return any(
        re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), text) is not None
        for pattern in patterns
    )
