"""An agent on its way in: what a manifest or another program's file says of it."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hiveloom_cli.agents.schema import build_agent
from hiveloom_cli.front_matter.document import Document
from hiveloom_cli.front_matter.plain_settings import Field

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from hiveloom_cli.agents.agent import Agent

_UNFIT = re.compile(r"[^a-z0-9._-]+")
_LONGEST = 63


@dataclass(frozen=True, slots=True)
class Sketch:
    """`fields` are settings as an agent's file has them; one for the model may be missing.

    `name` is as it was written, "" if it was not; `line` is where it all begins. `asked_model` is
    what another program calls the model, where that is no model's name here. `left_out` has a line
    for each thing that an agent of ours has no place for.
    """

    name: str
    line: int
    fields: Mapping[str, Field]
    prompt: str
    asked_model: str = ""
    left_out: tuple[str, ...] = ()

    @property
    def has_model(self) -> bool:
        """Whether a model is named that can be asked."""
        return "model" in self.fields

    def with_model(self, model: str) -> Sketch:
        """Return the same with another model."""
        return replace(self, fields={**self.fields, "model": Field(model, self.line)})

    def build(self, name: str, path: Path) -> Agent:
        """Build the agent. Raises `SettingsInvalid` with the line in `path`."""
        return build_agent(name, Document(self.fields, self.prompt), path, line=self.line)


def fit_name(text: str) -> str:
    """Make a name of ours of any text: "Code Reviewer" becomes code-reviewer; "" if none can be."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return _UNFIT.sub("-", plain).lstrip("._-")[:_LONGEST].rstrip("._-")
