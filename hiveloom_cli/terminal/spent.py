"""What a conversation has cost so far, and how full its model's context is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hiveloom_cli.chat.context import estimate_request
from hiveloom_cli.protocols.event import add_usage

if TYPE_CHECKING:
    from decimal import Decimal

    from hiveloom_cli.chat.conversation import Conversation
    from hiveloom_cli.chat.prices import Price
    from hiveloom_cli.protocols.event import Usage
    from hiveloom_cli.terminal.world import Answerer


@dataclass(frozen=True, slots=True)
class Spent:
    """Tokens, and dollars; `cost` is None where any of the tokens have no known price."""

    usage: Usage | None = None
    cost: Decimal | None = None

    def add(self, usage: Usage | None, price: Price | None) -> Spent:
        """Add a turn, at the price of the model that answered it."""
        if usage is None:
            return self
        cost = price.compute_cost(usage) if price is not None else None
        if self.usage is not None:
            cost = None if cost is None or self.cost is None else self.cost + cost
        return Spent(add_usage(self.usage, usage), cost)

    def format_tokens(self) -> str:
        """Write how many tokens went and came; "" if that is not known."""
        usage = self.usage
        count = ((usage.input_tokens or 0) + (usage.output_tokens or 0)) if usage else 0
        return f"{count:,} tokens" if count else ""

    def format_cost(self) -> str:
        """Write the dollars; "" if they are not known."""
        if self.cost is None:
            return ""
        from hiveloom_cli.chat.prices import format_cost

        return format_cost(self.cost)


def format_context(conversation: Conversation, answerer: Answerer) -> str:
    """Write how much of the model's context the next request takes, in percent.

    "" as long as nothing was said, and where nobody knows how much the model reads.
    """
    if not conversation.messages:
        return ""
    agent = conversation.agent
    window = agent.context_window or answerer.load_window(agent.model)
    if not window:
        return ""
    share = 100 * estimate_request(conversation) / window
    return f"context {share:.0f}%" if share >= 1 else "context <1%"
