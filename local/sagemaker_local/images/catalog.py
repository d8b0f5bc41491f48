"""Which command stands for which image, and which metrics it reports; it runs nothing."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from sagemaker_local.containers.process import python_module
from sagemaker_local.images.builtins import builtin, names
from sagemaker_local.images.hyperparameters import PROGRAM

FRAMEWORK = re.compile(r"(^|/|-)(scikit-learn|sklearn|pytorch|tensorflow|mxnet|huggingface)\b")


class UnknownImageError(Exception):
    """No command is known for an image; the text says what would be right."""


def builtin_metric_definitions(image: str) -> tuple[tuple[str, str], ...] | None:
    """Metric definitions that the service fills in, or None if the image is not built in."""
    known = builtin(image)
    return None if known is None else known.metrics


@dataclass(frozen=True)
class Catalog:
    """Commands of images: those of this package, and those that the settings add."""

    own: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def train_command(self, image: str, hyperparameters: Mapping[str, str]) -> tuple[str, ...]:
        """Command that trains with an image."""
        if (command := self._own(image)) is not None:
            return (*command, "train")
        if PROGRAM in hyperparameters:
            return python_module("sagemaker_local.images.script_train")
        if (known := builtin(image)) is not None:
            return python_module(known.train)
        raise UnknownImageError(self._advice(image, f"give the hyperparameter {PROGRAM}"))

    def serve_command(
        self, image: str, environment: Mapping[str, str], *, has_code: bool
    ) -> tuple[str, ...]:
        """Command that serves a model with an image."""
        if (command := self._own(image)) is not None:
            return (*command, "serve")
        if environment.get("SAGEMAKER_PROGRAM") or has_code:
            return python_module("sagemaker_local.images.script_serve")
        if (known := builtin(image)) is not None:
            return python_module(known.serve)
        raise UnknownImageError(self._advice(image, "set SAGEMAKER_PROGRAM"))

    def _own(self, image: str) -> tuple[str, ...] | None:
        repository = image.rpartition("/")[2].partition("@")[0].partition(":")[0]
        for key in (image, repository):
            if key in self.own:
                return self.own[key]
        return None

    def _advice(self, image: str, script: str) -> str:
        kind = "framework image" if FRAMEWORK.search(image) else "image"
        return (
            f"no command is known for the {kind} {image}: {script} to run a script with it, use "
            f"a built-in algorithm ({names()}), or map the image to a command in Settings.images"
        )
