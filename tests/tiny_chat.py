"""A tiny Llama with a chat template of its own, in a folder as a user would have it."""

from __future__ import annotations

from pathlib import Path

from tests.parity.tiny_decoders import TinyDecoder

TEMPLATE = (
    "{% for turn in messages %}<|endoftext|>{{ turn['role'] }}:{{ turn['content'] }}{% endfor %}"
    "{% if add_generation_prompt %}<|endoftext|>assistant:{% endif %}"
)
SPECIAL = 0
"""The token that the template puts before each turn."""

ALTERNATING = (
    "{% if messages[0]['role'] == 'system' %}{{ raise_exception('No system here') }}{% endif %}"
    + TEMPLATE
)
"""Refuses a system's turn, as that of a Gemma does."""

ENDLESS = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"


def tiny_chat(folder: Path, template: str = TEMPLATE) -> Path:
    """Write model, tokenizer and template to a folder, and return it."""
    model = TinyDecoder("chat", config={"max_position_embeddings": 160})
    model.save(folder)
    (folder / "chat_template.jinja").write_text(template)
    return folder
