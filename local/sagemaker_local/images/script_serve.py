"""Entry point of a serving container with a user's script; its four functions do the work."""

import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType

from sagemaker_local.images import script_defaults
from sagemaker_local.images.opt_ml import OptMl, UserError, end_with_parent, say
from sagemaker_local.images.serving import Answer, RequestError, serve

PROGRAM = "SAGEMAKER_PROGRAM"
DEFAULT_PROGRAM = "inference.py"
DEFAULT = "SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT"


class ScriptModel:
    """A user's model with the functions of the script, or their defaults."""

    def __init__(self, module: ModuleType, model: object) -> None:
        self._model = model
        self._transform = getattr(module, "transform_fn", None)
        self._input = getattr(module, "input_fn", script_defaults.input_fn)
        self._predict = getattr(module, "predict_fn", script_defaults.predict_fn)
        self._output = getattr(module, "output_fn", script_defaults.output_fn)

    @classmethod
    def load(cls, place: OptMl) -> "ScriptModel":
        """Import the script and let it load its model."""
        script = find_script(place)
        if (script.parent / "requirements.txt").exists():
            say("requirements.txt is not installed here: the packages have to be there already")
        module = _imported(script)
        model_fn = getattr(module, "model_fn", None)
        if model_fn is None:
            raise UserError(f"{script.name} has no model_fn(model_dir)")
        return cls(module, model_fn(str(place.model)))

    def answer(self, body: bytes, content_type: str, accept: str) -> Answer:
        """Run a request through input, prediction and output."""
        content_type = content_type or "application/json"
        if not accept or accept == "*/*":
            accept = os.environ.get(DEFAULT, "application/json")
        text = content_type.startswith(("text/", "application/json"))
        given = body.decode("utf-8", "replace") if text else body
        if self._transform is not None:
            said = self._transform(self._model, given, content_type, accept)
        else:
            data = self._input(given, content_type)
            said = self._output(self._predict(data, self._model), accept)
        answer, kind = said if isinstance(said, tuple) else (said, accept)
        if not isinstance(answer, (str, bytes)):
            kind = type(answer).__name__
            raise RequestError(500, f"output_fn returned {kind}, neither text nor bytes")
        return Answer(answer.encode() if isinstance(answer, str) else answer, kind)


def find_script(place: OptMl) -> Path:
    """The script that the environment names, in the source or in the model's own code."""
    name = os.environ.get(PROGRAM) or DEFAULT_PROGRAM
    for folder in (place.code, place.model / "code"):
        script = (folder / name).resolve()
        if script.is_relative_to(folder.resolve()) and script.is_file():
            return script
    raise UserError(f"there is no {name}, neither in the source archive nor in the model's code/")


def _imported(script: Path) -> ModuleType:
    sys.path.insert(0, str(script.parent))
    spec = importlib.util.spec_from_file_location(script.stem, script)
    if spec is None or spec.loader is None:
        raise UserError(f"{script.name} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[script.stem] = module
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    end_with_parent()
    sys.exit(serve(lambda: ScriptModel.load(OptMl.here())))
