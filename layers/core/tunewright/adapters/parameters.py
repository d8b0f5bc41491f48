"""Reads profiles and secrets from SSM parameters, and keeps them for a minute."""

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from pydantic import ValidationError

from tunewright.domain.errors import UnknownOutcomeError
from tunewright.domain.profile import Profile

KEEP_SECONDS = 60.0


class SsmProfiles(Mapping[str, Profile]):
    """The administrator's profiles, by name: parameters `/<stack>/profiles/<name>` in JSON."""

    def __init__(
        self,
        client: Any,  # noqa: ANN401 - boto3 carries no types
        stack: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._path = f"/{stack}/profiles"  # As IAM is asked for it: without a slash at its end.
        self._clock = clock
        self._kept: dict[str, Profile] = {}
        self._until = -1.0

    def __getitem__(self, name: str) -> Profile:
        return self._profiles()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._profiles())

    def __len__(self) -> int:
        return len(self._profiles())

    def _profiles(self) -> dict[str, Profile]:
        if self._clock() >= self._until:
            self._kept = dict(self._read())
            self._until = self._clock() + KEEP_SECONDS
        return self._kept

    def _read(self) -> Iterator[tuple[str, Profile]]:
        pages = self._client.get_paginator("get_parameters_by_path").paginate(Path=self._path)
        for page in pages:
            for each in page["Parameters"]:
                name = each["Name"].removeprefix(f"{self._path}/")
                try:
                    profile = Profile.model_validate_json(each["Value"])
                except ValidationError as error:
                    message = f"the parameter {each['Name']} is no profile: {error}"
                    raise ValueError(message) from error
                yield name, profile.but(name=name)


class SsmSwitch:
    """The stack's kill switch: the parameter `/<stack>/paused`; not there, it is not thrown.

    It is read each time: somebody in a hurry waits for no cache.
    """

    def __init__(self, client: Any, stack: str) -> None:  # noqa: ANN401 - boto3 carries no types
        self._client = client
        self._name = f"/{stack}/paused"

    def is_thrown(self) -> bool:
        """Say whether the stack is paused: by whatever the parameter holds but "no".

        Raises:
            UnknownOutcomeError: SSM does not answer now.
        """
        try:
            answer = self._client.get_parameter(Name=self._name)
        except ClientError as error:
            code = error.response["Error"].get("Code", "")
            if code == "ParameterNotFound":
                return False
            raise UnknownOutcomeError(code, str(error)) from error
        except BotoCoreError as error:
            raise UnknownOutcomeError(type(error).__name__, str(error)) from error
        return str(answer["Parameter"]["Value"]).strip().lower() != "no"


class SsmSecret:
    """A secret of the administrator's: a SecureString parameter."""

    def __init__(
        self,
        client: Any,  # noqa: ANN401 - boto3 carries no types
        name: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._name = name
        self._clock = clock
        self._kept: str | None = None
        self._until = -1.0

    def read(self) -> str:
        """Return the secret.

        Raises:
            botocore.exceptions.ClientError: It is not there, or may not be read.
        """
        if self._kept is None or self._clock() >= self._until:
            answer = self._client.get_parameter(Name=self._name, WithDecryption=True)
            self._kept = str(answer["Parameter"]["Value"])
            self._until = self._clock() + KEEP_SECONDS
        return self._kept
