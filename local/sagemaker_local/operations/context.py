"""What every operation has at hand; it holds no rules."""

from dataclasses import dataclass

from sagemaker_local.engine import Engine
from sagemaker_local.events import Dispatcher
from sagemaker_local.parts import Parts
from sagemaker_local.settings import Settings
from sagemaker_local.store import Store


@dataclass(frozen=True)
class Context:
    """The emulator, seen from an operation."""

    settings: Settings
    store: Store
    parts: Parts
    engine: Engine
    events: Dispatcher
