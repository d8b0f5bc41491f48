"""What a container prints, in pieces and with pauses; it knows nothing of lines."""

import os
import selectors
import time
from collections.abc import Iterator

from sagemaker_local.containers.process import Container

TICK_SECONDS = 0.1
PIECE = 1 << 16
LAST_PIECES = 256  # after the leader has ended, its children cannot keep us reading for ever


def pieces(container: Container) -> Iterator[bytes]:
    """Yield what a container prints, or nothing at every tick, until its leader has ended."""
    file = container.output.fileno()
    os.set_blocking(file, False)
    with selectors.DefaultSelector() as selector:
        selector.register(file, selectors.EVENT_READ)
        while container.alive():
            if selector.select(TICK_SECONDS):
                data = _read(file)
                if data == b"":
                    break
                yield data or b""
            else:
                yield b""
    yield from _rest(file)
    while container.alive():  # it has closed its output and goes on in silence
        time.sleep(TICK_SECONDS / 10)
        yield b""


def _rest(file: int) -> Iterator[bytes]:
    for _ in range(LAST_PIECES):
        data = _read(file)
        if not data:
            return
        yield data


def _read(file: int) -> bytes | None:
    try:
        return os.read(file, PIECE)
    except BlockingIOError:
        return None
