"""What to say of a name that no agent has."""

from __future__ import annotations

from hiveloom_cli.errors import AgentNotFound

_MOST_SHOWN = 20


def build_not_found(name: str, names: list[str], *, was_deleted: bool) -> AgentNotFound:
    """Build the error for a name that no agent has, of those that there are."""
    if was_deleted:
        return AgentNotFound(f"the agent {name} was deleted", hint=f"hiveloom agent restore {name}")
    hint = f"hiveloom agent create --name {name} --model MODEL"
    if not names:
        return AgentNotFound(f"there is no agent named {name}, and no other yet", hint=hint)
    from difflib import get_close_matches

    close = get_close_matches(name, names, n=1)
    if close:
        problem = f"there is no agent named {name}; did you mean {close[0]}?"
        return AgentNotFound(problem, hint="hiveloom agent list")
    shown = ", ".join(names[:_MOST_SHOWN])
    more = f" and {len(names) - _MOST_SHOWN:,} more" if len(names) > _MOST_SHOWN else ""
    return AgentNotFound(f"there is no agent named {name}; there are: {shown}{more}", hint=hint)
