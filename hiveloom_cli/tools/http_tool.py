"""A tool that asks an HTTP endpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from hiveloom_cli.protocols.request import ToolDefinition
from hiveloom_cli.tools.tool import Approval, ToolCard

if TYPE_CHECKING:
    from hiveloom_cli.tools.outside import Outside
    from hiveloom_cli.tools.tool_file import ToolFile


class HttpTool:
    """Asks the endpoint that a file names: a `Tool`."""

    def __init__(self, file: ToolFile, outside: Outside) -> None:
        self._file = file
        self._outside = outside

    def load_card(self) -> ToolCard:
        """Return what its file says."""
        file = self._file
        definition = ToolDefinition(file.name, file.description, file.input_schema)
        return ToolCard(file.name, "http", definition, file.approval or Approval.ASK, file.text)

    def describe_call(self, arguments: Any) -> NoReturn:
        """See `Tool`."""
        raise NotImplementedError

    def run(self, arguments: Any, stop: Any) -> NoReturn:
        """See `Tool`."""
        raise NotImplementedError
