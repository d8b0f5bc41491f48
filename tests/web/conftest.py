"""The door, for the page and for Slack, and a caller of the API."""

import pytest

from tests.support.caller import Caller
from tests.support.door import Door


@pytest.fixture
def door() -> Door:
    return Door()


@pytest.fixture
def caller() -> Caller:
    return Caller()
