"""Where a server's agents are: each request reads its agent anew, and has a turn of its own."""

from __future__ import annotations

from contextlib import closing, suppress
from dataclasses import fields, replace
from functools import partial
from typing import TYPE_CHECKING

from hiveloom_cli.agents.agent import Agent, is_agent_name
from hiveloom_cli.chat.estimate import estimate_messages, estimate_text, estimate_tools
from hiveloom_cli.chat.record import Filter
from hiveloom_cli.chat.tool_calls import Tools
from hiveloom_cli.chat.tool_plan import Permissions
from hiveloom_cli.chat.turns import Turns
from hiveloom_cli.commands.chat_tools import decide_most_rounds, print_lacking
from hiveloom_cli.commands.keeping import build_answered_by
from hiveloom_cli.commands.serve_keeping import Keeping, begin_talk
from hiveloom_cli.commands.serve_notes import Notes
from hiveloom_cli.commands.serve_tools import ServedTools
from hiveloom_cli.commands.spending import open_ceiling, resume_ceiling
from hiveloom_cli.errors import AgentNotFound, HiveloomError, Interrupted, UpstreamError
from hiveloom_cli.serve.asked import AgentBrief, ConversationBrief, Rejection
from hiveloom_cli.serve.formats.thoughts import restore_thoughts
from hiveloom_cli.stop import Stop
from hiveloom_cli.upstream.dialects import format_maker
from hiveloom_cli.upstream.dialing import Line

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

    from hiveloom_cli.agents.agent_file import AgentFile
    from hiveloom_cli.app import App
    from hiveloom_cli.chat.event import Event
    from hiveloom_cli.chat.record import AnsweredBy
    from hiveloom_cli.commands.serve_keeping import Talk
    from hiveloom_cli.protocols.request import Parameters
    from hiveloom_cli.serve.asked import Asked
    from hiveloom_cli.tools.toolbox import Toolbox


class ServeHost:
    """A `serve.asked.Host`; tools that ask run only if they are among `allowed`.

    With `keeps`, conversations are kept. Close it when the last turn has ended.
    """

    def __init__(
        self,
        app: App,
        allowed: Sequence[str] = (),
        notes: Notes | None = None,
        *,
        keeps: bool = False,
    ) -> None:
        app.credentials.keep_secrets()
        self._app = app
        self._notes = notes or Notes(app)
        self._tools = ServedTools(app, self._notes)
        self._allowed = frozenset(allowed)
        self._keeping = Keeping(app, self._notes) if keeps else None

    @property
    def keeps(self) -> bool:
        """See `Host`; an agent may want nothing kept all the same."""
        return self._keeping is not None

    def load_agents(self) -> list[AgentBrief]:
        """See `Host`."""
        return [
            AgentBrief(one.name, one.description, one.model, self.keeps and one.save)
            for one in self._load_offered()
        ]

    def prepare(self) -> None:
        """Get ready before anyone asks; tell whoever runs the server which tools cannot be had."""
        import hiveloom_cli.upstream.client
        import hiveloom_cli.upstream.transport  # noqa: F401 -- what takes long for the first

        with suppress(HiveloomError, OSError):  # whoever asks is told of these
            agents = list(self._load_offered())
            self._tools.check(agents)
            print_lacking(self._app, self._allowed, agents, "no agent has such a tool")
        if self._keeping is not None:
            self._keeping.prepare()

    def close(self) -> None:
        """End what was kept for the next request."""
        self._tools.close()

    def _load_offered(self) -> Iterator[Agent]:
        for store, one in self._app.load_briefs():
            if isinstance(one, Agent) and (not store.is_project or self._is_offered(one.name)):
                yield one

    def _is_offered(self, name: str) -> bool:
        try:
            self._load(name)
        except HiveloomError:
            return False
        return True

    def load_conversations(self, agent: str, limit: int) -> list[ConversationBrief]:
        """See `Host`; an agent that wants nothing kept has none."""
        if not self.keeps:
            raise _build_unkept("server")
        if not self._load(agent).agent.save:
            return []
        kept = self._app.conversations.load_list(Filter(agent=agent), limit)
        return [ConversationBrief(one.id, one.title, one.changed_at) for one in kept]

    def estimate_tokens(self, asked: Asked) -> int:
        """See `Host`; of the agent's tools, which may have to be asked for, nothing is counted."""
        said = estimate_messages(asked.messages) + estimate_tools(asked.tools)
        prompt = self._load(asked.agent).agent.system_prompt
        return said + estimate_text(prompt) + estimate_text(asked.system)

    def open_turn(self, asked: Asked) -> OpenedTurn:
        """See `Host`; why it fails is told to whoever runs the server, unless clients are."""
        with self._notes.failures_told(asked.agent):
            turn = self._open_turn(asked)
        turn.events = self._notes.watch(asked.agent, turn.events)
        return turn

    def _open_turn(self, asked: Asked) -> OpenedTurn:
        file = self._load(asked.agent)
        if asked.conversation_id and not (self.keeps and file.agent.save):
            raise _build_unkept("agent" if self.keeps else "server")
        agent = replace(
            file.agent,
            parameters=_override(file.agent.parameters, asked.parameters),
            system_prompt="\n\n".join(filter(None, (file.agent.system_prompt, asked.system))),
        )
        toolbox = self._tools.open(agent)
        try:
            return self._open(asked, agent, file.version, toolbox)
        except BaseException:
            toolbox.close()
            raise

    def _open(self, asked: Asked, agent: Agent, version: int, toolbox: Toolbox) -> OpenedTurn:
        own = {definition.name for definition in toolbox.definitions}
        for tool in asked.tools:
            if tool.name in own:
                raise Rejection(400, f"tools: the agent has a tool named {tool.name} of its own")
        app, line, stop = self._app, Line(), Stop()
        tools = Tools(
            toolbox,
            Permissions(app.agreements, self._allowed),
            decide_most_rounds(agent),
            asked.tools,
            stop,
        )
        upstream = app.decide_upstream(agent.model, agent.credential)
        made_by = format_maker(upstream, agent.model)
        asked = replace(asked, messages=restore_thoughts(asked.messages, made_by))
        is_kept = self.keeps and agent.save
        ceiling = open_ceiling(app, agent, upstream, is_saved=is_kept)
        talk = self._open_talk(asked, agent, build_answered_by(agent, version, upstream))
        try:
            if ceiling is not None and talk.kept is not None:
                resume_ceiling(app, ceiling, talk.kept, agent)
            load_window = partial(app.load_window, upstream)
            model = app.open_model(upstream, line=line)
            turns = Turns(model, talk.recorder, ceiling, load_window=load_window, tools=tools)
            talk.conversation.must_call = asked.must_call
            events = turns.take(talk.conversation, asked.messages[-1])
        except BaseException:
            talk.release()
            raise
        if self._keeping is not None:
            events = self._keeping.watch(talk, events)
        return OpenedTurn(events, line, stop, toolbox, talk)

    def _open_talk(self, asked: Asked, agent: Agent, by: AnsweredBy) -> Talk:
        if self._keeping is None or not agent.save:
            return begin_talk(asked, agent, by, self._app.clock)
        return self._keeping.open(asked, agent, by)

    def _load(self, name: str) -> AgentFile:
        """Read an agent; one of a project that nobody has agreed to is as good as not there."""
        if not is_agent_name(name):
            raise AgentNotFound(f"there is no agent named {name}")
        file = self._app.agents.load(name)
        if file.is_project and not self._app.trust.load_trust(file).is_enough:
            raise AgentNotFound(f"there is no agent named {name}")
        return file


class OpenedTurn:
    """A `serve.asked.OpenTurn`."""

    def __init__(
        self, events: Generator[Event], line: Line, stop: Stop, toolbox: Toolbox, talk: Talk
    ) -> None:
        self.events = _end_when_stopped(events, stop)
        self._line = line
        self._stop = stop
        self._toolbox = toolbox
        self._talk = talk

    def cut(self) -> None:
        """See `OpenTurn`."""
        self._stop.set()
        self._line.cut()

    def close(self) -> None:
        """See `OpenTurn`."""
        self._talk.release()
        self._line.close()
        self._toolbox.close()


def _end_when_stopped(events: Generator[Event], stop: Stop) -> Generator[Event]:
    """Yield a turn's events; that what is cut off breaks is no failure of the upstream's."""
    with closing(events):
        try:
            yield from events
        except UpstreamError:
            if stop.is_set:
                raise Interrupted("nobody waits for the answer any more") from None
            raise


def _build_unkept(who: str) -> Rejection:
    message = f"This {who} keeps no conversations."
    return Rejection(404, message, code="conversation_not_found")


def _override(parameters: Parameters, asked: Parameters) -> Parameters:
    given = ((field.name, getattr(asked, field.name)) for field in fields(asked))
    return replace(parameters, **{name: value for name, value in given if value is not None})
