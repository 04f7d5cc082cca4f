"""What is known about a model: its shape, its size, where it came from and where it runs."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, cast, get_args

from kvviz.errors import TraceError
from kvviz.translation import gettext as _
from kvviz.translation import ngettext

Family = Literal["gpt2", "llama", "bert", "t5"]
"""The families that kvviz brings models of, one a kind of page; a card may name any other."""

Architecture = Literal["decoder", "encoder", "encoder-decoder"]

_ENCODERS = ("bert",)
"""Families that read both ways and have no decoder."""

_FAMILY_NAME = re.compile(r"[a-z][a-z0-9_-]{0,63}")

_OF_SOME_FAMILIES: dict[str, Any] = {
    "n_encoder_layers": 0,
    "mlp_is_gated": False,
    "has_head": True,
    "model_type": "",
    "windows": (),
}

BYTES_PER_NUMBER = {"float64": 8, "float32": 4, "bfloat16": 2, "float16": 2}


@dataclass(frozen=True)
class ModelCard:
    """The facts about a model that a trace carries.

    Attributes:
        name: The name it was asked for by, such as ``kvviz/gpt2-mini``.
        family: What it is built like: ``gpt2``, ``llama`` or ``gemma3`` (decoder only), ``bert``
            (encoder only), ``t5`` (encoder-decoder) or another; see `architecture`.
        n_layers: Number of (decoder) layers.
        n_heads: Query heads a layer.
        n_kv_heads: Key and value heads a layer. Each serves ``n_heads / n_kv_heads`` query heads
            that stand together: query head h reads head ``h * n_kv_heads // n_heads``.
        d_head: Width of one head, in numbers.
        d_model: Width of the residual stream.
        d_mlp: Inner width of the MLP.
        n_ctx: Positions the model has, in tokens; the longest sequence it can take.
        d_vocab: Entries of the vocabulary, the width of the logits.
        n_params: Parameters, tied ones counted once.
        dtype: Number format of weights and cache, a key of `BYTES_PER_NUMBER`.
        device: Where it runs, such as ``cpu`` or ``cuda:0``.
        source: Where the weights came from: ``bundled``, ``added``, ``hub`` or ``folder``.
        revision: Fingerprint of the weights file, or empty if unknown.
        n_encoder_layers: Layers of the encoder of a T5; 0 in the other families.
        mlp_is_gated: Whether the MLP multiplies two inner products, so has three matrices, not two.
        has_head: Whether the model predicts tokens; a BERT without its head does not.
        model_type: What config.json calls it, such as ``qwen3``, where that is not its family.
        windows: For each layer how many positions a query of it sees, its own among them; 0 where
            it sees all that stand before it. Empty if no layer has a window.

    Raises:
        TraceError: If a count is not positive, heads do not divide evenly, the family is no name,
            the dtype is unknown, a T5 lacks an encoder, a GPT-2 or a BERT has another one, or the
            windows are not one a layer of a decoder alone.
    """

    name: str
    family: str
    n_layers: int
    n_heads: int
    n_kv_heads: int
    d_head: int
    d_model: int
    d_mlp: int
    n_ctx: int
    d_vocab: int
    n_params: int
    dtype: str
    device: str
    source: str
    revision: str = ""
    n_encoder_layers: int = 0
    mlp_is_gated: bool = False
    has_head: bool = True
    model_type: str = ""
    windows: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            least = 0 if field.name == "n_encoder_layers" else 1
            if field.type == "int" and (type(value) is not int or value < least):
                raise TraceError(
                    _("A model card needs a positive whole number in every count."),
                    found=_("{name} is {value!r}.").format(name=field.name, value=value),
                )
            if field.type == "bool" and type(value) is not bool:
                raise TraceError(
                    _("A model card says yes or no where it must."),
                    found=_("{name} is {value!r}.").format(name=field.name, value=value),
                )
            if field.type == "str" and not isinstance(value, str):
                raise TraceError(
                    _("A model card needs text in every name."),
                    found=_("{name} is {value!r}.").format(name=field.name, value=value),
                )
        if self.n_heads % self.n_kv_heads:
            raise TraceError(
                _("Every key and value head serves the same number of query heads."),
                found=_("There are {n_heads} and {n_kv_heads}.").format(
                    n_heads=self.n_heads, n_kv_heads=self.n_kv_heads
                ),
            )
        if not _FAMILY_NAME.fullmatch(self.family):
            raise TraceError(
                _("The family of a model card is named by small letters, digits, - and _."),
                found=_("It says {family!r}.").format(family=self.family[:60]),
            )
        is_known = self.family in get_args(Family)
        if is_known and (self.family == "t5") != (self.n_encoder_layers > 0):
            raise TraceError(
                _("A T5 has an encoder beside its layers, and a GPT-2 or a BERT has none."),
                found=ngettext(
                    "A {family} says {n} encoder layer.",
                    "A {family} says {n} encoder layers.",
                    self.n_encoder_layers,
                ).format(family=self.family, n=self.n_encoder_layers),
            )
        if self.dtype not in BYTES_PER_NUMBER:
            raise TraceError(
                _("A model card needs a known dtype."),
                found=_("It says {dtype!r}.").format(dtype=self.dtype),
            )
        self._check_windows()

    def _check_windows(self) -> None:
        windows: object = self.windows
        if windows == ():
            return
        if (
            type(windows) is not tuple
            or not all(type(one) is int for one in self.windows)
            or len(self.windows) != self.n_layers
            or min(self.windows) < 0
            or not any(self.windows)
            or self.architecture != "decoder"
        ):
            raise TraceError(
                _("The windows of a decoder are whole numbers, one a layer, 0 for none."),
                found=_("Found {found}.").format(found=repr(self.windows)[:200]),
            )

    @property
    def architecture(self) -> Architecture:
        """Which halves of a transformer it has, which tells the mask that it is trained with."""
        if self.n_encoder_layers:
            return "encoder-decoder"
        return "encoder" if self.family in _ENCODERS else "decoder"

    @property
    def bytes_per_number(self) -> int:
        """Bytes that one number takes in the cache."""
        return BYTES_PER_NUMBER[self.dtype]

    @property
    def cache_bytes_per_token(self) -> int:
        """Bytes that one position takes in the cache, over all layers and heads that keep it.

        2 (K and V) x layers x KV heads x head width x bytes per number. For GPT-2 small in float32
        that is 2 x 12 x 12 x 64 x 4 = 73,728.
        """
        return self.n_layers * self._row_bytes

    @property
    def _row_bytes(self) -> int:
        """Bytes of the key and the value of one position in one layer."""
        return 2 * self.n_kv_heads * self.d_head * self.bytes_per_number

    def window(self, layer: int) -> int | None:
        """Return how many positions a query of a layer sees, its own among them; None for all."""
        return (self.windows[layer] or None) if self.windows else None

    def n_kept(self, layer: int, n_rows: int) -> int:
        """Return how many of so many rows a layer must keep for the queries to come.

        All of them, or all but one of a window: the next query brings a row of its own.
        """
        window = self.window(layer)
        return n_rows if window is None else min(n_rows, window - 1)

    def cache_bytes(self, n_rows: int) -> int:
        """Return the bytes that a cache takes once so many rows have been written.

        That is `cache_bytes_per_token` for each, but that a layer with a window of w holds w - 1 at
        most.
        """
        kept = sum(self.n_kept(layer, n_rows) for layer in range(self.n_layers))
        return kept * self._row_bytes

    def fits_in_windows(self, n_tokens: int) -> bool:
        """Return whether no row of a run falls out of a window, the last token without one."""
        return all(window == 0 or window >= n_tokens for window in self.windows)

    def to_json(self) -> dict[str, Any]:
        """Return the card as a plain dictionary for a JSON header.

        What only some families have is left out where it is as in a GPT-2.
        """
        facts = asdict(self)
        said = {
            name: value
            for name, value in facts.items()
            if name not in _OF_SOME_FAMILIES or value != _OF_SOME_FAMILIES[name]
        }
        return said | ({"windows": list(self.windows)} if self.windows else {})

    @classmethod
    def from_json(cls, data: Any) -> ModelCard:
        """Build a card from what `to_json` returned.

        Raises:
            TraceError: If the data is no dictionary, lacks a field or has one too many.
        """
        if not isinstance(data, dict):
            raise TraceError(_("The model card does not have the fields that a card has."))
        facts = {**_OF_SOME_FAMILIES, **cast("dict[str, Any]", data)}
        if set(facts) != {field.name for field in fields(cls)}:
            raise TraceError(_("The model card does not have the fields that a card has."))
        if isinstance(facts["windows"], list):
            facts["windows"] = tuple(cast("list[Any]", facts["windows"]))
        return cls(**facts)
