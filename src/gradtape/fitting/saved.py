"""A fit as a small JSON file, to go on from."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gradtape.errors import FormatError
from gradtape.fitting.model import Model

VERSION = 1


@dataclass(frozen=True)
class Saved:
    """What is needed to go on: the parameters by name, and what they are for."""

    model: str
    loss: str
    parameters: dict[str, float]
    steps: int
    path: str = ""

    def check(self, model: Model, loss: str) -> None:
        """FormatError if this is for another model or loss."""
        if (self.model, self.loss, set(self.parameters)) != (str(model), loss, set(model.parameters)):
            raise FormatError(
                f"{self.path} was saved for {self.model} with the loss {self.loss}, not for {model} with {loss}; "
                "for other starting points give --start"
            )

    def text(self) -> str:
        """The file."""
        whole = {"gradtape-fit": VERSION, "model": self.model, "loss": self.loss, "steps": self.steps}
        return json.dumps({**whole, "parameters": self.parameters}, indent=2) + "\n"


def load(path: str | Path) -> Saved:
    """Read what `Saved.text` wrote; FormatError for anything else."""
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise FormatError(f"cannot read {path}: {reason.lower()}") from None
    try:
        found: Any = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or found.get("gradtape-fit") != VERSION:
        raise FormatError(f"{path} is not a file that --save wrote (in this version)")
    parameters = found.get("parameters")
    if not isinstance(parameters, dict):
        parameters = {"": None}
    sound = (
        all(type(v) in (int, float) and math.isfinite(v) for v in parameters.values())
        and type(found.get("model")) is str
        and type(found.get("loss")) is str
        and type(found.get("steps")) is int
        and found["steps"] >= 0
    )
    if not sound:
        raise FormatError(f"{path} is damaged: something that --save writes is missing in it")
    values = {str(k): float(v) for k, v in parameters.items()}
    return Saved(found["model"], found["loss"], values, found["steps"], str(path))
