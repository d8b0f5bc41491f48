"""Entry point of a training job with a user's script; it runs the script and tells its end."""

import os
import shlex
import signal
import subprocess
import sys
import threading
import traceback
from collections import deque
from pathlib import Path
from typing import IO

from sagemaker_local.containers.archives import ArchiveError, unpack
from sagemaker_local.images.opt_ml import OptMl, UserError, end_with_parent, say
from sagemaker_local.images.script_environment import Script

LAST_CHARACTERS = 4096


def main() -> int:
    """Run the script as the configuration says; return the exit code."""
    place = OptMl.here()
    try:
        script = Script.configured(place)
        _extract(place, script.program)
        return _run(script)
    except UserError as error:
        return place.fail(f"ClientError: {error}")
    except Exception:  # noqa: BLE001 - whatever it was, the job has to tell
        return place.fail(f"Framework Error: \n{traceback.format_exc()}")


def _extract(place: OptMl, program: str) -> None:
    place.code.mkdir(exist_ok=True)
    if place.source.exists():
        try:
            unpack(place.source, place.code)
        except ArchiveError as error:
            raise UserError(str(error)) from error
    if not (place.code / program).is_file():
        raise UserError(f"there is no {program} in the source archive")
    if (place.code / "requirements.txt").exists():
        say("requirements.txt is not installed here: the packages have to be there already")


def _run(script: Script) -> int:
    place = script.place
    command = [*_interpreter(script.program), *script.arguments()]
    environment = os.environ | script.environment()
    old = environment.get("PYTHONPATH", "")
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(place.code), old]))
    process = subprocess.Popen(
        command, cwd=place.code, env=environment, stderr=subprocess.PIPE, bufsize=0
    )
    # process 1 of a container hands the signal on and waits for the script
    signal.signal(signal.SIGTERM, lambda number, _: process.send_signal(number))
    if process.stderr is None:  # pragma: no cover - it is a pipe
        raise RuntimeError("the script has no standard error")
    last = deque[int](maxlen=LAST_CHARACTERS)
    relay = threading.Thread(target=_relay, args=(process.stderr, last), daemon=True)
    relay.start()
    code = process.wait()
    relay.join(timeout=1.0)  # a child of the script may hold the pipe open
    if code != 0:
        return place.fail(_failure(code, bytes(last).decode("utf-8", "replace"), command))
    return 0


def _interpreter(program: str) -> list[str]:
    if program.endswith(".py"):
        return [sys.executable, program]
    if program.endswith(".sh"):
        return ["/bin/sh", program]
    raise UserError(f"{program} is neither a .py nor a .sh file")


def _relay(pipe: IO[bytes], last: "deque[int]") -> None:
    """Pass standard error on, and keep its end for the failure reason."""
    while data := pipe.read(1 << 16):
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        last.extend(data[-LAST_CHARACTERS:])


def _failure(code: int, last: str, command: list[str]) -> str:
    told = [line for line in last.strip().splitlines() if line.strip()]
    message = told[-1] if told else ""
    shown = [Path(command[0]).name, *command[1:]]
    return (
        f'ExecuteUserScriptError:\nExitCode {code}\nErrorMessage "{message}"\n'
        f'Command "{shlex.join(shown)}"'
    )


if __name__ == "__main__":
    end_with_parent()
    sys.exit(main())
