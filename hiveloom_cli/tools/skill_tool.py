"""The skills that an agent has: their names in the prompt, their texts when the model asks."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from hiveloom_cli.errors import HiveloomError
from hiveloom_cli.protocols.request import ToolDefinition
from hiveloom_cli.tools.skill_folder import SkillFolder
from hiveloom_cli.tools.tool import Approval, ToolCard, ToolOutput

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hiveloom_cli.stop import Stop
    from hiveloom_cli.tools.beneath import Piece
    from hiveloom_cli.tools.outside import Outside
    from hiveloom_cli.tools.skill import Skill
    from hiveloom_cli.tools.tool import Tool

_NAME = "load_skill"
_DESCRIPTION = (
    "Loads a skill: instructions for a kind of task. Without `file` it gives the instructions and"
    " the list of the skill's other files; with `file` it gives the text of that one."
)
_INSTRUCTIONS = (
    "You have skills, which are instructions for certain kinds of tasks. Before you begin a task"
    f" that a skill is for, load it with the tool {_NAME} and follow it. The skills:"
)
_MOST_LISTED = 100


class SkillTools:
    """The skills of these names, behind one tool: a `Toolset`."""

    def __init__(self, names: Sequence[str], outside: Outside) -> None:
        self.problems: list[HiveloomError] = []
        self._names = names
        self._folder = SkillFolder(outside.skills)

    @property
    def instructions(self) -> str:
        """Name and describe the skills, and nothing more of them."""
        return _format_instructions(self._skills) if self._skills else ""

    def load_tools(self) -> list[tuple[ToolCard, Tool]]:
        """Read the skills' settings; no skill, no tool."""
        if not self._skills:
            return []
        tool = SkillTool(self._skills, self._folder)
        return [(tool.load_card(), tool)]

    def close(self) -> None:
        """Nothing was started."""

    @cached_property
    def _skills(self) -> list[Skill]:
        skills = []
        for name in dict.fromkeys(self._names):
            try:
                skills.append(self._folder.load(name))
            except HiveloomError as error:
                self.problems.append(error)
        return skills


class SkillTool:
    """The tool that loads `skills`, each as it is when it is asked for: a `Tool`."""

    def __init__(self, skills: Sequence[Skill], folder: SkillFolder) -> None:
        self._skills = skills
        self._folder = folder

    def load_card(self) -> ToolCard:
        """Return what is known of it; reading what the person chose asks nobody."""
        return ToolCard(
            ", ".join(f"skill:{skill.name}" for skill in self._skills),
            "skill",
            ToolDefinition(_NAME, _DESCRIPTION, self._build_schema()),
            Approval.AUTO,
            _format_instructions(self._skills),
            usual=Approval.AUTO,
        )

    def describe_call(self, arguments: Mapping[str, Any]) -> str:
        """Say which file would be read."""
        name, file = arguments.get("name"), arguments.get("file")
        return f"read {file} of the skill {name}" if file else f"load the skill {name}"

    def run(self, arguments: Mapping[str, Any], stop: Stop) -> ToolOutput:  # noqa: ARG002 -- too quick to stop
        """Give a skill's instructions, or one of its files; an error says what was wrong."""
        name, file = arguments.get("name"), arguments.get("file")
        names = [skill.name for skill in self._skills]
        if name not in names:
            problem = f"there is no skill “{name}”; there are: {', '.join(names)}"
            return ToolOutput(problem, is_error=True)
        try:
            text = self._folder.load_text(name, str(file)) if file else self._load_skill(name)
        except HiveloomError as error:
            return ToolOutput(error.message, is_error=True)
        return ToolOutput(text)

    def _load_skill(self, name: str) -> str:
        body = self._folder.load(name).body or "(This skill has no text.)"
        try:
            pieces = self._folder.load_pieces(name)
        except HiveloomError as error:
            return f"{body}\n\n(Its other files cannot be listed: {error.message})"
        if not pieces:
            return body
        lines = list(map(_format_piece, pieces[:_MOST_LISTED]))
        if len(pieces) > _MOST_LISTED:
            lines.append(f"- and {len(pieces) - _MOST_LISTED:,} more")
        head = f"Other files of this skill, to be read with {_NAME} and `file`:"
        return "\n".join([body, "", head, *lines])

    def _build_schema(self) -> dict[str, Any]:
        return {
            "type": "object",
            "properties": {
                "name": {"type": "string", "enum": [skill.name for skill in self._skills]},
                "file": {
                    "type": "string",
                    "description": "A path within the skill's folder, such as references/style.md",
                },
            },
            "required": ["name"],
        }


def _format_instructions(skills: Sequence[Skill]) -> str:
    return "\n".join([_INSTRUCTIONS, *(f"- {one.name}: {one.description}" for one in skills)])


def _format_piece(piece: Piece) -> str:
    """Give a file as one line of Unicode; its name may hold line ends, and bytes of any kind."""
    path = "".join(letter if letter.isprintable() else "\ufffd" for letter in piece.path)
    return f"- {path} ({piece.size:,} bytes)" if piece.is_plain else f"- {path} (a link)"
