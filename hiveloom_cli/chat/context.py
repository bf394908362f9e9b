"""How full a model's context is: a rough count of what a request has in it.

The upstream's own count of the last request is taken where there is one, and only what was said
since is estimated. Some servers count only what their cache did not hold, so that the count is not
believed where it is less than half of the estimate.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hiveloom_cli.chat.estimate import estimate_messages, estimate_text, estimate_tools

if TYPE_CHECKING:
    from hiveloom_cli.chat.conversation import Conversation
    from hiveloom_cli.protocols.message import Message


def estimate_request(conversation: Conversation, *said: Message) -> int:
    """Estimate how many tokens the request has that sends what is said now."""
    request = conversation.build_request(*said)
    whole = estimate_text(request.system) + estimate_messages(request.messages)
    whole += estimate_tools(request.tools)
    measured = conversation.measured
    if measured is None or measured.messages > len(conversation.messages):
        return whole
    new = [*conversation.messages[measured.messages :], *said]
    return max(measured.tokens + estimate_messages(new), whole // 2)
