"""One agent as the tools of an MCP server, whatever its client comes over."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

import anyio

from hiveloom_cli.chat.event import TurnEnded
from hiveloom_cli.errors import HiveloomError, StreamCutShort
from hiveloom_cli.serve.asked import Rejection
from hiveloom_cli.serve.formats.answer import VisibleText
from hiveloom_cli.serve.formats.failure import explain_failure
from hiveloom_cli.serve.mcp import tools
from hiveloom_cli.serve.turn_bridge import Turn

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
    from contextlib import AbstractContextManager

    from hiveloom_cli.chat.event import Event
    from hiveloom_cli.clock import Clock
    from hiveloom_cli.serve.asked import AgentBrief, Asked, Host

    Report = Callable[[int, str], Awaitable[None]]  # how often it was told by now, and what is
    Hold = Callable[[Turn], AbstractContextManager[None]]  # knows of a turn as long as it runs

_LOG = logging.getLogger(__name__)
_LOOK_S = 0.5
_QUIET_S = 10.0  # most clients give up after a minute in which they heard nothing
_LONGEST_TOLD = 2000
_END_S = 3.0


class ToolUnknown(Exception):
    """There is no tool of that name."""


class AgentTools:
    """The tools of one agent, which is read anew for each list and each call."""

    def __init__(self, host: Host, agent: str, clock: Clock) -> None:
        self.agent = agent
        self._host = host
        self._clock = clock

    async def load_agent(self) -> AgentBrief:
        """Read what is said of the agent; raises `Rejection` where there is none of that name."""
        for agent in await asyncio.to_thread(self._host.load_agents):
            if agent.name == self.agent:
                return agent
        raise Rejection(404, f"There is no agent named {self.agent}.", code="model_not_found")

    async def load_tools(self) -> list[dict[str, Any]]:
        """Read which tools there are. Raises as `load_agent`."""
        return tools.build_tools(await self.load_agent())

    async def call(
        self, name: str, arguments: Mapping[str, Any], report: Report, hold: Hold
    ) -> dict[str, Any]:
        """Have a tool run, and return its result, also where it failed. Raises `ToolUnknown`.

        `report` is told how far it is; who cancels this has the upstream's request cut off.
        """
        try:
            agent = await self.load_agent()
            if name == tools.CHAT:
                return await self._chat(agent, arguments, report, hold)
            if name == tools.LIST and agent.keeps:
                limit = tools.parse_limit(arguments)
                load = self._host.load_conversations
                return tools.build_list(await asyncio.to_thread(load, agent.name, limit))
        except (HiveloomError, Rejection) as error:
            return tools.build_failure(explain_failure(error))
        except Exception:  # noqa: BLE001 - the SDK would tell the client its text
            _LOG.exception("a call of an MCP client met a fault")
            return tools.build_failure("The server met a fault of its own.")
        raise ToolUnknown(name)

    async def _chat(
        self, agent: AgentBrief, arguments: Mapping[str, Any], report: Report, hold: Hold
    ) -> dict[str, Any]:
        asked = tools.parse_chat(arguments, agent.name, self._clock.new_id())
        turn, said = Turn(self._host, asked), _Said(asked)
        telling = asyncio.create_task(said.tell(report))
        try:
            with hold(turn):
                text = await said.follow(turn.read())
        except asyncio.CancelledError:
            turn.close()
            with anyio.move_on_after(_END_S, shield=True):
                await turn.wait_for_end()  # or the process ends before what it started
            raise
        finally:
            turn.close()
            telling.cancel()
        kept = (asked.conversation_id or asked.id) if agent.keeps else ""
        return tools.build_answer(text, kept)


class _Said:
    """What an agent has said so far, for whoever waits."""

    def __init__(self, asked: Asked) -> None:
        self._visible = VisibleText(asked)
        self._text = ""

    async def follow(self, events: AsyncIterator[Event]) -> str:
        """Read a turn to its end, and return all that a client sees of it."""
        async for event in events:
            self._text += self._visible.take(event)
            if isinstance(event, TurnEnded):
                return self._text
        raise StreamCutShort("the turn ended without an answer")

    async def tell(self, report: Report) -> None:
        """Report at once, then what is new, and now and then that it goes on; ends never."""
        told, quiet, number = "", _QUIET_S, 0
        while True:
            if self._text != told or quiet >= _QUIET_S:
                told, quiet, number = self._text, 0.0, number + 1
                await report(number, told[-_LONGEST_TOLD:] or "The agent is at work.")
            await asyncio.sleep(_LOOK_S)
            quiet += _LOOK_S
