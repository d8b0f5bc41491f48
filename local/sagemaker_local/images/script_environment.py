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
        told = self._told()
        directories = {name: str(place.channel(name)) for name in sorted(self._inputs)}
        variables = {_upper(name): _text(value) for name, value in told.items()}
        variables |= {
            "HPS": json.dumps(dict(self.hyperparameters)),
            "CHANNELS": json.dumps(sorted(directories)),
            "USER_ARGS": json.dumps(self.arguments()),
            "USER_ENTRY_POINT": self.program,
            "TRAINING_ENV": json.dumps(
                {
                    **told,
                    "hyperparameters": dict(self.hyperparameters),
                    "channel_input_dirs": directories,
                    "job_name": os.environ.get("TRAINING_JOB_NAME", ""),
                    "user_entry_point": self.program,
                }
            ),
        }
        variables |= {f"CHANNEL_{_upper(name)}": path for name, path in directories.items()}
        variables |= {f"HP_{_upper(name)}": _text(v) for name, v in self.hyperparameters.items()}
        return {f"SM_{name}": value for name, value in variables.items()}

    @property
    def _inputs(self) -> dict[str, object]:
        return self.place.config("inputdataconfig")

    def _told(self) -> dict[str, object]:
        """What is both a variable of its own and part of ``SM_TRAINING_ENV``."""
        base = self.place.base
        resources = self.place.config("resourceconfig")
        level = self.place.config("hyperparameters").get("sagemaker_container_log_level", "20")
        return {
            "model_dir": str(self.place.model),
            "input_dir": str(base / "input"),
            "input_config_dir": str(base / "input" / "config"),
            "output_dir": str(base / "output"),
            "output_data_dir": str(base / "output" / "data"),
            "output_intermediate_dir": str(base / "output" / "intermediate"),
            "module_dir": str(self.place.code),
            "module_name": Path(self.program).stem,
            "hosts": resources.get("hosts", ["algo-1"]),
            "current_host": resources.get("current_host", "algo-1"),
            "current_instance_type": resources.get("current_instance_type", ""),
            "current_instance_group": resources.get("current_group_name", ""),
            "network_interface_name": resources.get("network_interface_name", "lo"),
            "resource_config": resources,
            "input_data_config": self._inputs,
            "num_cpus": int(os.environ.get("SM_NUM_CPUS", "1")),
            "num_gpus": 0,
            "num_neurons": 0,
            "log_level": plain(level),
            "framework_module": "",
        }


def _upper(name: str) -> str:
    return name.upper().replace("-", "_")


def _text(value: object) -> str:
    return value if isinstance(value, str) else _plain_or_json(value)


def _plain_or_json(value: object) -> str:
    if value is None or isinstance(value, (bool, int, float)):
        return str(value)
    return json.dumps(value)
