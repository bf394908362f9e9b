"""What an interactive chat needs of the world around it: agents, conversations and programs."""

from __future__ import annotations

from dataclasses import replace
from functools import cache, partial
from typing import TYPE_CHECKING

from hiveloom_cli.chat.conversation import Conversation
from hiveloom_cli.chat.turns import Turns
from hiveloom_cli.commands.chat_choice import choose_kept_agent
from hiveloom_cli.commands.keeping import build_answered_by, open_recorder
from hiveloom_cli.commands.model_note import print_model_note
from hiveloom_cli.commands.spending import find_cost, find_price, open_ceiling, resume_ceiling
from hiveloom_cli.commands.trusting import load_trusted
from hiveloom_cli.errors import HiveloomError
from hiveloom_cli.terminal.echo import show_typing
from hiveloom_cli.terminal.world import Answerer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from hiveloom_cli.agents.agent import Agent
    from hiveloom_cli.app import App
    from hiveloom_cli.chat.ceiling import Ceiling
    from hiveloom_cli.chat.record import Found, KeptConversation, Summary
    from hiveloom_cli.chat.recorder import Recorder
    from hiveloom_cli.chat.resume import Resumed
    from hiveloom_cli.commands.chat_tools import ChatTools
    from hiveloom_cli.protocols.message import Attachment
    from hiveloom_cli.upstream.resolve import Upstream

_MOST_RECENT = 10
_MOST_FOUND = 20


class ChatWorld:
    """A `terminal.world.World`.

    `may_keep` is false where the person wants nothing kept; else an agent may not want it, and
    then the rest of the conversation is not kept, so that no conversation has a hole. `limit` puts
    the person's limits on spending in the place of an agent's, `tools` opens an agent's tools.
    """

    def __init__(
        self,
        app: App,
        *,
        stream: bool,
        allow_http: bool,
        may_keep: bool,
        limit: Callable[[Agent], Agent],
        tools: ChatTools,
    ) -> None:
        self._app = app
        self._tools = tools
        self._limit = limit
        self._ceiling: Ceiling | None = None
        self._stream = stream
        self._allow_http = allow_http
        self._may_keep = may_keep
        self._recorder: Recorder | None = None  # one for all conversations of the chat
        self._is_kept = False  # the conversation that is open
        self._credential = ""

    # Who answers.

    def open(self, agent: Agent, version: int, upstream: Upstream, *, is_new: bool) -> Answerer:
        """Open who answers; a new conversation is kept if the agent lets it be."""
        may_keep = self._may_keep and agent.save
        is_kept = may_keep and (is_new or self._is_kept)
        ceiling = self._open_ceiling(agent, upstream, is_kept=is_kept, is_new=is_new)
        if self._is_kept and not is_kept and not is_new:
            self._app.streams.print_notice(
                f"note: {agent.name} has save: false; the rest of this conversation is not kept"
            )
        self._is_kept, self._ceiling = is_kept, ceiling
        self._credential = upstream.credential
        recorder = self._open_recorder(agent, version, upstream) if is_kept else None
        load_window = partial(self._app.load_window, upstream)
        turns = Turns(
            self._app.open_model(upstream),
            recorder,
            ceiling,
            load_window=load_window,
            tools=self._tools.open(agent),
        )
        load_price = cache(partial(find_price, self._app, agent.model, upstream))
        return Answerer(agent, version, upstream, turns, load_price, load_window)

    def _open_ceiling(
        self, agent: Agent, upstream: Upstream, *, is_kept: bool, is_new: bool
    ) -> Ceiling | None:
        ceiling = open_ceiling(self._app, agent, upstream, is_saved=is_kept)
        if ceiling is None or is_new:
            return ceiling
        so_far = self._recorder.conversation_id if is_kept and self._recorder is not None else ""
        if so_far:
            resume_ceiling(self._app, ceiling, self.load_kept(so_far), agent)
        elif self._ceiling is not None:
            ceiling.take_over(self._ceiling)
        return ceiling

    def _open_recorder(self, agent: Agent, version: int, upstream: Upstream) -> Recorder:
        by = build_answered_by(agent, version, upstream)
        if self._recorder is None:
            self._recorder = open_recorder(self._app, by)
        self._recorder.by = by
        return self._recorder

    def _decide(self, agent: Agent) -> Upstream:
        return self._app.decide_upstream(agent.model, agent.credential, allow_http=self._allow_http)

    def open_agent(self, name: str) -> Answerer:
        """See `World`."""
        with show_typing(self._app.streams.stdin):
            file = load_trusted(self._app, name)
        for warning in file.agent.warnings:
            self._app.streams.print_notice(f"warning: {warning}")
        agent = self._limit(file.agent)
        return self.open(agent, file.version, self._decide(agent), is_new=False)

    def open_model(self, answerer: Answerer, agent: Agent) -> Answerer:
        """See `World`."""
        agent = self._choose_credential(agent)
        upstream = self._decide(agent)
        print_model_note(self._app, agent)
        return self.open(agent, answerer.version, upstream, is_new=False)

    def _choose_credential(self, agent: Agent) -> Agent:
        """Let the model decide where the agent's credential says no more than a model does.

        That is so for a provider's own, unless it was seen to offer the model.
        """
        from hiveloom_cli.protocols.providers import MOVABLE

        credential = agent.credential
        offered = self._app.model_cache.load_ids((credential,))
        if credential in MOVABLE and agent.model not in offered:
            return replace(agent, credential="")
        return agent

    # Conversations.

    def begin(self, answerer: Answerer) -> tuple[Answerer, Conversation]:
        """See `World`."""
        opened = self.open(answerer.agent, answerer.version, answerer.upstream, is_new=True)
        return opened, self.open_conversation(answerer)

    def open_conversation(self, answerer: Answerer) -> Conversation:
        """Make a conversation in which nothing was said."""
        return Conversation(
            self.new_id(),
            answerer.agent,
            stream=self._stream,
            agent_version=answerer.version,
        )

    def new_id(self) -> str:
        """See `World`."""
        return self._app.clock.new_id()

    def resume(self, prefix: str) -> tuple[Answerer, Resumed]:
        """See `World`."""
        conversations = self._app.conversations
        kept = conversations.load_to_go_on(conversations.find(prefix))
        with show_typing(self._app.streams.stdin):
            agent, version = choose_kept_agent(self._app, kept)
        agent = self._limit(agent)
        answerer = self.open(agent, version, self._decide(agent), is_new=True)
        return answerer, self.resume_kept(answerer, kept)

    def resume_kept(self, answerer: Answerer, kept: KeptConversation) -> Resumed:
        """Go on with a conversation that was read."""
        from hiveloom_cli.chat.resume import build_resumed

        resumed = build_resumed(kept, answerer.agent, stream=self._stream)
        if resumed.spent is not None:
            resumed = replace(resumed, cost=find_cost(self._app, kept.messages))
        resumed.conversation.agent_version = answerer.version
        if self._ceiling is not None:
            resume_ceiling(self._app, self._ceiling, kept, answerer.agent)
        if self._is_kept and self._recorder is not None:
            self._recorder.resume(resumed.conversation, resumed.rows, resumed.unanswered)
        return resumed

    def load_recent(self, prefix: str = "") -> Sequence[Summary]:
        """See `World`."""
        from hiveloom_cli.chat.record import Filter

        rows = self._app.conversations.load_list(Filter(), -1 if prefix else _MOST_RECENT)
        return [row for row in rows if row.id.startswith(prefix)]

    def search(self, words: Sequence[str]) -> Sequence[Found]:
        """See `World`."""
        from hiveloom_cli.chat.record import Filter

        return self._app.conversations.search(words, Filter(), _MOST_FOUND)

    def load_kept(self, conversation_id: str) -> KeptConversation:
        """See `World`."""
        return self._app.conversations.load(conversation_id)

    # What else there is.

    def load_agent_names(self) -> Iterable[str]:
        """See `World`."""
        return self._app.agents.load_names()

    def load_model_names(self) -> Iterable[str]:
        """See `World`."""
        from hiveloom_cli.protocols.providers import MOVABLE

        return self._app.model_cache.load_ids({self._credential, *MOVABLE})

    def load_attachment(self, source: str) -> Attachment:
        """See `World`."""
        return self._app.load_attachment(source)

    def edit_text(self, text: str) -> str:
        """See `World`."""
        from hiveloom_cli.commands.text_editor import edit_text

        with show_typing(self._app.streams.stdin):
            return edit_text(self._app, text)

    def copy_text(self, text: str) -> str:
        """See `World`."""
        from hiveloom_cli.commands.clipboard import copy_text

        return copy_text(text, self._app.environ)

    def load_clipboard(self) -> str:
        """See `World`."""
        from hiveloom_cli.commands.clipboard import load_text

        return load_text(self._app.environ)

    def save_file(self, path: Path, text: str) -> None:
        """See `World`."""
        from hiveloom_cli.files import save_bytes

        try:
            save_bytes(path, text.encode("utf-8", "replace"), is_private=not path.exists())
        except OSError as error:
            reason = error.strerror or str(error)
            raise HiveloomError(f"{path} cannot be written: {reason}") from None
