"""What to say of a name that no agent has."""

from __future__ import annotations

from hiveloom_cli.errors import AgentNotFound


def build_not_found(name: str, names: list[str], *, was_deleted: bool) -> AgentNotFound:
    """Build the error for a name that no agent has, of those that there are."""
    if was_deleted:
        return AgentNotFound(f"the agent {name} was deleted", hint=f"hiveloom agent restore {name}")
    hint = f"hiveloom agent create --name {name} --model MODEL"
    if not names:
        return AgentNotFound(f"there is no agent named {name}, and no other yet", hint=hint)
    from difflib import get_close_matches

    close = get_close_matches(name, names, n=1)
    meant = f"; did you mean {close[0]}? There" if close else "; there"
    return AgentNotFound(
        f"there is no agent named {name}{meant} are: {', '.join(names)}", hint=hint
    )
