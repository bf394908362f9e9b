"""The table of providers: one row each, a preset of address, protocol and names.

A credential of a row's name is bound to that row's address. A row also says which environment
variable usually holds a provider's key, so that the key follows that provider's own origin and no
other, and it feeds the README's table.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Literal, TypeAlias

from hiveloom_cli.errors import ProviderNotFound
from hiveloom_cli.protocols.base_url import BaseUrl, parse_base_url
from hiveloom_cli.protocols.dialect import Learned

if TYPE_CHECKING:
    from collections.abc import Mapping

ProtocolName: TypeAlias = Literal["openai", "anthropic"]


@dataclass(frozen=True, slots=True)
class Provider:
    """One upstream.

    `base_url` is where it is, or, for software one runs oneself, where it listens unless told
    otherwise; `key_variable` and `key_page` are "" where no key is needed. `dialect` is what is
    known of it from the start, so that it need not refuse anything first; `refused_media` are the
    media types that it takes from no model.
    """

    name: str
    title: str
    base_url: str
    example_models: tuple[str, ...]
    key_variable: str = ""
    key_page: str = ""
    protocol: ProtocolName = "openai"
    dialect: tuple[Learned, ...] = ()
    refused_media: frozenset[str] = frozenset()

    @property
    def is_hosted(self) -> bool:
        """Whether it is a service with keys of its own, not software that one runs oneself."""
        return bool(self.key_page)


_COMPLETION_TOKENS = Learned("max-completion-tokens")

PROVIDERS: tuple[Provider, ...] = (
    Provider(
        name="openai",
        title="OpenAI",
        base_url="https://api.openai.com/v1",
        example_models=("gpt-4o-mini",),
        key_variable="OPENAI_API_KEY",
        key_page="https://platform.openai.com/api-keys",
        dialect=(_COMPLETION_TOKENS,),
    ),
    Provider(
        name="anthropic",
        title="Anthropic",
        base_url="https://api.anthropic.com",
        example_models=("claude-sonnet-5",),
        key_variable="ANTHROPIC_API_KEY",
        key_page="https://platform.claude.com/settings/keys",
        protocol="anthropic",
    ),
    Provider(
        name="openrouter",
        title="OpenRouter",
        base_url="https://openrouter.ai/api/v1",
        example_models=("anthropic/claude-sonnet-4", "meta-llama/llama-3.1-70b-instruct"),
        key_variable="OPENROUTER_API_KEY",
        key_page="https://openrouter.ai/settings/keys",
        dialect=(Learned("reasoning-wanted", "reasoning_details"),),
    ),
    Provider(
        name="groq",
        title="Groq",
        base_url="https://api.groq.com/openai/v1",
        example_models=("openai/gpt-oss-120b",),
        key_variable="GROQ_API_KEY",
        key_page="https://console.groq.com/keys",
        dialect=(_COMPLETION_TOKENS,),
    ),
    Provider(
        name="together",
        title="Together",
        base_url="https://api.together.xyz/v1",
        example_models=("meta-llama/Llama-3.1-70B-Instruct-Turbo",),
        key_variable="TOGETHER_API_KEY",
        key_page="https://api.together.ai/settings/api-keys",
    ),
    Provider(
        name="deepseek",
        title="DeepSeek",
        base_url="https://api.deepseek.com/v1",
        example_models=("deepseek-v4-pro",),
        key_variable="DEEPSEEK_API_KEY",
        key_page="https://platform.deepseek.com/api_keys",
        dialect=(
            Learned("reasoning-wanted", "reasoning_content"),
            Learned("schema-refused"),
            Learned("answer-tool-refused"),  # while it thinks, as it does unless told otherwise
        ),
    ),
    Provider(
        name="mistral",
        title="Mistral",
        base_url="https://api.mistral.ai/v1",
        example_models=("mistral-large-latest",),
        key_variable="MISTRAL_API_KEY",
        key_page="https://console.mistral.ai/api-keys",
        dialect=(
            Learned("field-refused", "stream_options"),
            Learned("nine-character-ids"),
            Learned("documents-by-url"),
        ),
    ),
    Provider(
        name="cerebras",
        title="Cerebras",
        base_url="https://api.cerebras.ai/v1",
        example_models=("gpt-oss-120b",),
        key_variable="CEREBRAS_API_KEY",
        key_page="https://cloud.cerebras.ai",
        dialect=(_COMPLETION_TOKENS,),
    ),
    Provider(
        name="fireworks",
        title="Fireworks",
        base_url="https://api.fireworks.ai/inference/v1",
        example_models=("accounts/fireworks/models/gpt-oss-120b",),
        key_variable="FIREWORKS_API_KEY",
        key_page="https://app.fireworks.ai/settings/users/api-keys",
        refused_media=frozenset({"application/pdf"}),
    ),
    Provider(
        name="ollama",
        title="Ollama (local)",
        base_url="http://127.0.0.1:11434/v1",
        example_models=("llama3:70b",),
        dialect=(Learned("reasoning-wanted", "reasoning"),),
        refused_media=frozenset({"image/gif", "application/pdf"}),
    ),
    Provider(
        name="litellm",
        title="LiteLLM proxy",
        base_url="http://127.0.0.1:4000/v1",
        example_models=("whatever your proxy offers",),
    ),
    Provider(
        name="vllm",
        title="vLLM",
        base_url="http://127.0.0.1:8000/v1",
        example_models=("the model you launched it with",),
    ),
)


# Their keys go wherever the environment points their protocol, so they are bound to no address
# unless one is asked for.
MOVABLE: tuple[ProtocolName, ...] = ("openai", "anthropic")


def get_provider(name: str) -> Provider:
    """Return the preset of that name.

    Raises `ProviderNotFound` with the names there are; the one given is not repeated, since it may
    be a key.
    """
    provider = find_provider(name)
    if provider is not None:
        return provider
    names = ", ".join(row.name for row in PROVIDERS)
    close = suggest_provider(name)
    guess = f"did you mean {close}? There" if close else "there"
    raise ProviderNotFound(
        f"no provider has that name; {guess} are: {names}", hint="hiveloom provider list"
    )


def find_provider(name: str) -> Provider | None:
    """Return the preset of that name, if there is one."""
    return next((provider for provider in PROVIDERS if provider.name == name), None)


def suggest_provider(name: str) -> str:
    """Name the preset that `name` looks like, or ""."""
    from difflib import get_close_matches

    names = [provider.name for provider in PROVIDERS]
    return next(iter(get_close_matches(name.lower(), names, n=1, cutoff=0.75)), "")


def find_provider_at(base_url: BaseUrl) -> Provider | None:
    """Return the preset whose own origin is that of `base_url`, if there is one."""
    return _build_origins().get(base_url.origin)


@cache
def _build_origins() -> Mapping[str, Provider]:
    """Map the presets' own origins to them; the first of a shared one counts."""
    return {
        parse_base_url(provider.base_url, source=f"the preset {provider.name}").origin: provider
        for provider in reversed(PROVIDERS)
    }


def find_key_variable(base_url: BaseUrl) -> str:
    """Name the environment variable whose key belongs to the origin of `base_url`, or ""."""
    provider = find_provider_at(base_url)
    return provider.key_variable if provider is not None else ""


def find_dialect(base_url: BaseUrl, protocol: ProtocolName) -> tuple[Learned, ...]:
    """Return what is known from the start of the upstream at the origin of `base_url`.

    A server on this machine is the same by any of the machine's names.
    """
    provider = find_speaker(base_url, protocol)
    return provider.dialect if provider else ()


def find_speaker(base_url: BaseUrl, protocol: ProtocolName) -> Provider | None:
    """Return the preset at the origin of `base_url` if the protocol is the preset's own."""
    if base_url.is_loopback:
        base_url = replace(base_url, host="127.0.0.1")
    provider = find_provider_at(base_url)
    return provider if provider and provider.protocol == protocol else None
