"""What a user's training script sees: its arguments and its ``SM_`` environment."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sagemaker_local.images.hyperparameters import PROGRAM, decoded, plain
from sagemaker_local.images.opt_ml import OptMl, UserError

FOR_THE_PLATFORM = "_tuning_objective_metric"


@dataclass(frozen=True)
class Script:
    """A user's script with everything it is started with."""

    place: OptMl
    program: str
    hyperparameters: Mapping[str, object]

    @classmethod
    def configured(cls, place: OptMl) -> "Script":
        """The script that the job's hyperparameters name."""
        given = place.config("hyperparameters")
        program = plain(given.get(PROGRAM, ""))
        if not program or Path(program).is_absolute() or ".." in Path(program).parts:
            raise UserError(f"{PROGRAM} is {program!r}; it has to be a path in the source archive")
        own = {
            name: decoded(value)
            for name, value in sorted(given.items())
            if name != FOR_THE_PLATFORM and not name.startswith("sagemaker_")
        }
        return cls(place, program, own)

    def arguments(self) -> list[str]:
        """The hyperparameters as options, sorted by name.

        >>> Script(OptMl(Path("/")), "a.py", {"depth": 3, "l": 0.5, "on": True}).arguments()
        ['--depth', '3', '-l', '0.5', '--on', 'True']
        """
        options = []
        for name, value in sorted(self.hyperparameters.items()):
            options += [f"-{name}" if len(name) == 1 else f"--{name}", _text(value)]
        return options

    def environment(self) -> dict[str, str]:
        """Where everything is, in variables."""
        place = self.place
        resources = place.config("resourceconfig")
        inputs = place.config("inputdataconfig")
        channels = sorted(inputs)
        hosts, host = resources.get("hosts", ["algo-1"]), resources.get("current_host", "algo-1")
        facts = {
            "MODEL_DIR": str(place.model),
            "INPUT_DIR": str(place.base / "input"),
            "INPUT_CONFIG_DIR": str(place.base / "input" / "config"),
            "OUTPUT_DIR": str(place.base / "output"),
            "OUTPUT_DATA_DIR": str(place.base / "output" / "data"),
            "OUTPUT_INTERMEDIATE_DIR": str(place.base / "output" / "intermediate"),
            "MODULE_DIR": str(place.code),
            "MODULE_NAME": Path(self.program).stem,
            "USER_ENTRY_POINT": self.program,
            "USER_ARGS": json.dumps(self.arguments()),
            "HPS": json.dumps(dict(self.hyperparameters)),
            "CHANNELS": json.dumps(channels),
            "HOSTS": json.dumps(hosts),
            "CURRENT_HOST": host,
            "CURRENT_INSTANCE_TYPE": resources.get("current_instance_type", ""),
            "CURRENT_INSTANCE_GROUP": resources.get("current_group_name", ""),
            "NETWORK_INTERFACE_NAME": resources.get("network_interface_name", "lo"),
            "RESOURCE_CONFIG": json.dumps(resources),
            "INPUT_DATA_CONFIG": json.dumps(inputs),
            "NUM_CPUS": os.environ.get("SM_NUM_CPUS", "1"),
            "NUM_GPUS": "0",
            "NUM_NEURONS": "0",
            "LOG_LEVEL": plain(self._given("sagemaker_container_log_level", "20")),
            "FRAMEWORK_MODULE": "",
        }
        facts |= {f"CHANNEL_{_upper(name)}": str(place.channel(name)) for name in channels}
        facts |= {f"HP_{_upper(k)}": _text(v) for k, v in self.hyperparameters.items()}
        facts["TRAINING_ENV"] = json.dumps({name.lower(): value for name, value in facts.items()})
        return {f"SM_{name}": value for name, value in facts.items()}

    def _given(self, name: str, default: str) -> str:
        return str(self.place.config("hyperparameters").get(name, default))


def _upper(name: str) -> str:
    return name.upper().replace("-", "_")


def _text(value: object) -> str:
    return value if isinstance(value, str) else _plain_or_json(value)


def _plain_or_json(value: object) -> str:
    if value is None or isinstance(value, (bool, int, float)):
        return str(value)
    return json.dumps(value)
