"""The door, for the page and for Slack."""

import pytest

from tests.support.door import Door


@pytest.fixture
def door() -> Door:
    return Door()
