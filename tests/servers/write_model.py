"""Write a tiny language model with random weights, in llama.cpp's file format.

Run with the Python of `.env-llama`: write_model.py PATH

It speaks noise: printable characters, words and control characters, some dozens of tokens long.
What is not left to chance goes through coordinates of the hidden state that no layer writes to:

- how likely some tokens are everywhere;
- after `<|act|>`, where the chat template ends the prompt if tools are offered and the last word is
  not a tool's, comes the beginning of a tool call; the rest of it the server's grammar forces into
  the tool's schema;
- after `>`, which ends tool calls, the answer ends.
"""

from __future__ import annotations

import sys
from typing import Any

import gguf
import numpy as np

SEED = 7
WIDTH, HEADS, FEED, CONTEXT = 32, 2, 64, 4096
RIGGED = 3
CONTROL = ["<s>", "</s>", "<|im_start|>", "<|im_end|>", "<|act|>"]
WORDS = ["<tool_call>\n", "▁hello", "▁world", "é", "Zürich", "日本", "🐝"]
PRINTABLE = [*map(chr, range(0x21, 0x7F)), "▁", "\n"]
# How likely each is in any place, where the weights alone do not decide it.
BIASES = [
    (-50, ["<unk>", *CONTROL, "<tool_call>\n", *(f"<0x{byte:02X}>" for byte in range(0x80, 256))]),
    (-20, [",", ">"]),  # or one call would follow the other without end
    (3.5, ["<|im_end|>"]),
]

# The marks of tool calls are those of Qwen's and Hermes' templates, which llama.cpp knows.
TEMPLATE = """\
{%- if tools %}
    {{- '<|im_start|>system\\n<tools>' }}
    {%- for tool in tools %}{{- '\\n' }}{{- tool | tojson }}{%- endfor %}
    {{- '\\n</tools><|im_end|>\\n' }}
{%- endif %}
{%- for message in messages %}
    {%- if message.role == 'tool' %}
        {{- '<|im_start|>user\\n<tool_response>\\n' + message.content }}
        {{- '\\n</tool_response><|im_end|>\\n' }}
    {%- else %}
        {{- '<|im_start|>' + message.role }}
        {%- if message.content %}{{- '\\n' + message.content }}{%- endif %}
        {%- if message.tool_calls %}
            {%- for call in message.tool_calls %}
                {{- '\\n<tool_call>\\n{"name": "' + call.function.name + '", "arguments": ' }}
                {{- call.function.arguments | tojson }}
                {{- '}\\n</tool_call>' }}
            {%- endfor %}
        {%- endif %}
        {{- '<|im_end|>\\n' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
    {%- if tools and messages[-1].role != 'tool' %}{{- '<|act|>' }}{%- endif %}
{%- endif %}
"""


def build_vocabulary() -> dict[str, gguf.TokenType]:
    """Build every token and its type; a token's number is its place."""
    return {
        "<unk>": gguf.TokenType.UNKNOWN,
        **dict.fromkeys(CONTROL, gguf.TokenType.CONTROL),
        **{f"<0x{byte:02X}>": gguf.TokenType.BYTE for byte in range(256)},
        **dict.fromkeys([*PRINTABLE, *WORDS], gguf.TokenType.NORMAL),
    }


def build_tensors(numbers: dict[str, int]) -> dict[str, Any]:
    """Build the weights of one layer; `numbers` gives each token's."""
    random = np.random.default_rng(SEED)

    def draw(scale: float, *shape: int) -> Any:
        return random.standard_normal(shape, dtype=np.float32) * np.float32(scale)

    ones = np.ones(WIDTH, dtype=np.float32)
    tensors: dict[str, Any] = {
        "token_embd": draw(1, len(numbers), WIDTH),
        "output_norm": ones,
        "output": draw(0.3, len(numbers), WIDTH),
        **{f"blk.0.{name}_norm": ones for name in ("attn", "ffn")},
        **{f"blk.0.attn_{name}": draw(0.2, WIDTH, WIDTH) for name in ("q", "k", "v", "output")},
        **{f"blk.0.ffn_{name}": draw(0.2, FEED, WIDTH) for name in ("gate", "up")},
        "blk.0.ffn_down": draw(0.2, WIDTH, FEED),
    }
    for name in ("attn_output", "ffn_down"):
        tensors[f"blk.0.{name}"][:RIGGED] = 0
    _rig(tensors["token_embd"], tensors["output"], numbers)
    return tensors


def _rig(embedding: Any, output: Any, numbers: dict[str, int]) -> None:
    output[:, :RIGGED] = 0
    embedding[:, :RIGGED] = [1, 0, 0]  # 1 is always there, the others mark <|act|> and >
    embedding[numbers["<|act|>"], 1] = 30
    embedding[[numbers[">"], numbers["<0x3E>"]], 2] = 30
    for bias, tokens in BIASES:
        output[[numbers[token] for token in tokens], 0] = bias
    output[numbers["<tool_call>\n"], 1] = 50
    output[numbers["<|im_end|>"], 2] = 50


def write_model(path: str) -> None:
    """Write the file."""
    vocabulary = build_vocabulary()
    numbers = {token: number for number, token in enumerate(vocabulary)}
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(1)
    writer.add_feed_forward_length(FEED)
    writer.add_head_count(HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_tokenizer_model("llama")
    writer.add_token_list(list(vocabulary))
    writer.add_token_types(list(vocabulary.values()))
    writer.add_token_scores([0.0] * len(vocabulary))
    writer.add_bos_token_id(numbers["<s>"])
    writer.add_eos_token_id(numbers["<|im_end|>"])
    writer.add_add_bos_token(False)  # noqa: FBT003 -- the writer takes it so
    writer.add_add_space_prefix(False)  # noqa: FBT003
    writer.add_chat_template(TEMPLATE)
    for name, tensor in build_tensors(numbers).items():
        writer.add_tensor(f"{name}.weight", tensor)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


if __name__ == "__main__":
    write_model(sys.argv[1])
