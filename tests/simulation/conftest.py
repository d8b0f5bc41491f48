"""The seam is in only while a test of the simulation runs that asks for it."""

from collections.abc import Iterator

import pytest

from tests.simulation import seam


@pytest.fixture
def simulated() -> Iterator[None]:
    with seam.installed():
        yield
