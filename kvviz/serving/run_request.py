"""What is asked of whoever runs models: one run, or both its ways, as a frozen value."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from secrets import token_hex
from typing import Any

from kvviz.errors import KvvizError
from kvviz.serving.frame import as_file, framed, from_file, misread, unframed
from kvviz.trace import Conversation, GenerationOptions, GenerationTrace

EVERY_ROW = "full"
MOST_TIMINGS = 16

_FLAGS = ("both", "together", "grows")
_WORDS = ("run", "model", "device", "dtype", "cache")


@dataclass(frozen=True, eq=False)
class RunRequest:
    """A run that is asked for, checked when it is built.

    Attributes:
        model: Bundled name, hub id or folder, as `kvviz.load_model` takes it.
        device: Where it runs, likewise.
        dtype: Number format, likewise.
        prompt: Text, a conversation, or token ids.
        options: How tokens are generated; how rows are kept stands in `cache`.
        cache: How rows are kept, in the words of `kvviz.engine.caches.cache_words`.
        both: Whether it is made without the cache as well; then it keeps every row.
        n_timings: How often both ways are made, for the sake of their times.
        together: Whether it shares its passes with others that are under way.
        grows: Whether its record is told while it is made.
        prefix: A run whose rows it begins with.
        run: Its name, by which it is stopped; nobody can guess another one's.

    Raises:
        RunnerError: If a part is of the wrong type or out of its range.
    """

    model: str
    prompt: str | Conversation | tuple[int, ...]
    options: GenerationOptions
    device: str = "auto"
    dtype: str = "float32"
    cache: str = EVERY_ROW
    both: bool = False
    n_timings: int = 1
    together: bool = False
    grows: bool = False
    prefix: GenerationTrace | None = None
    run: str = field(default_factory=lambda: token_hex(16))

    def __post_init__(self) -> None:
        is_right = (
            all(isinstance(getattr(self, name), str) for name in _WORDS)
            and all(type(getattr(self, name)) is bool for name in _FLAGS)
            and type(self.n_timings) is int
            and 1 <= self.n_timings <= MOST_TIMINGS
            and isinstance(self.options, GenerationOptions)
            and isinstance(self.prefix, GenerationTrace | None)
            and (
                isinstance(self.prompt, str | Conversation)
                or (type(self.prompt) is tuple and all(type(one) is int for one in self.prompt))
            )
            and not (self.both and self.cache != EVERY_ROW)
        )
        if not is_right:
            raise misread()

    @property
    def loads(self) -> str:
        """The model by all that makes it another one, as one word for who keeps loaded models."""
        return json.dumps([self.model, self.device, self.dtype])

    def to_bytes(self, **beside: Any) -> bytes:
        """Return the request as it is sent, with what else is said beside it."""
        head: dict[str, Any] = {name: getattr(self, name) for name in (*_WORDS, *_FLAGS)}
        head |= {"n_timings": self.n_timings, "options": self.options.to_json()}
        if isinstance(self.prompt, Conversation):
            head["turns"] = str(self.prompt)
        elif isinstance(self.prompt, str):
            head["text"] = self.prompt
        else:
            head["ids"] = list(self.prompt)
        return framed(head | beside, () if self.prefix is None else (as_file(self.prefix),))

    @classmethod
    def from_bytes(cls, data: bytes) -> RunRequest:
        """Read what `to_bytes` made.

        Raises:
            RunnerError: If it is something else.
        """
        head, parts = unframed(data)
        try:
            known = {name: head[name] for name in (*_WORDS, *_FLAGS, "n_timings")}
            (prefix,) = map(from_file, parts) if parts else (None,)
            return cls(
                prompt=_prompt(head),
                options=GenerationOptions.from_json(head["options"]),
                prefix=prefix,
                **known,
            )
        except (KeyError, ValueError, TypeError, KvvizError) as error:
            raise misread() from error


def loading_of(word: str) -> tuple[str, str, str]:
    """Return the model, the device and the number format of a request's `loads`.

    Raises:
        RunnerError: If it is no such word.
    """
    try:
        model, device, dtype = json.loads(word)
    except (ValueError, TypeError) as error:
        raise misread() from error
    return model, device, dtype


def _prompt(head: dict[str, Any]) -> str | Conversation | tuple[int, ...]:
    if "turns" in head:
        return Conversation.from_json(head["turns"])
    return tuple(head["ids"]) if "ids" in head else head["text"]
