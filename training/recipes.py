"""What is trained and how: one frozen record a model."""

from __future__ import annotations

from dataclasses import dataclass, replace

from training.batches import Mixture
from training.errors import RecipeError
from training.tokenizer import D_VOCAB


@dataclass(frozen=True)
class Shape:
    """Sizes of a model. The twins share one.

    Attributes:
        n_kv_heads: Of a Llama: heads of keys and values, which its query heads share evenly.
        d_mlp: Of a Llama: width of its gated MLP. The others' is 4 times `d_model`.
    """

    family: str
    n_layers: int
    n_heads: int
    d_model: int
    n_ctx: int = 1024
    d_vocab: int = D_VOCAB
    n_kv_heads: int | None = None
    d_mlp: int | None = None


@dataclass(frozen=True)
class Phase:
    """A stretch of training with rows of one length.

    Attributes:
        until: Share of the budget at which it ends.
        n_ctx: Tokens in a row.
        mixture: What is done to some of the rows.
    """

    until: float
    n_ctx: int
    mixture: Mixture


@dataclass(frozen=True)
class Recipe:
    """Everything that decides a run but the corpus, the seed and the budget.

    Attributes:
        name: The name of the model.
        shape: Its sizes.
        phases: Row lengths over the run.
        muon_rate: Peak learning rate of the hidden matrices.
        adamw_rate: Peak learning rate of embeddings, norms and biases.
        weight_decay: Of the hidden matrices; the rest has none.
        warmup_steps: Steps of linear warm-up.
        flat: Share of the budget at which the linear decay begins.
        final_rate: Where the decay ends, as a share of the peak.
        clip: Largest norm of the gradient.
    """

    name: str
    shape: Shape
    phases: tuple[Phase, ...]
    muon_rate: float = 4e-3
    adamw_rate: float = 4e-3
    weight_decay: float = 0.1
    warmup_steps: int = 100
    flat: float = 0.3
    final_rate: float = 0.03
    clip: float = 1.0

    def phase(self, progress: float) -> Phase:
        """Returns the phase at a share of the budget between 0 and 1."""
        return next((p for p in self.phases if progress < p.until), self.phases[-1])

    def rate(self, step: int, progress: float) -> float:
        """Returns the learning rate as a share of its peak: warm-up, flat, linear decay."""
        warmup = min(1.0, (step + 1) / self.warmup_steps)
        decayed = min(1.0, max(0.0, (progress - self.flat) / (1 - self.flat)))
        return warmup * (1 - (1 - self.final_rate) * decayed)


# The twins share these. In a long row a [MASK] sees its neighbours as two of many, too faint to
# begin with: with rows of 256 from the start BERT's loss stood still at that of a bag of words.
# The jumps of the short rows keep what is learnt there from being tied to the first positions,
# where it was lost again as soon as rows grew. GPT-2 needs none of this and loses nothing by it;
# and so the twins differ in mask and objective alone.
_TWIN_PHASES = (
    Phase(0.05, 16, Mixture(repeated=0.10, shortest=4, longest=8, jumping=0.5)),
    Phase(0.13, 64, Mixture(repeated=0.10, shortest=8, longest=32, jumping=0.5)),
    Phase(0.55, 128, Mixture(repeated=0.10, shortest=12, longest=60, jumping=0.5)),
    Phase(0.90, 256, Mixture(repeated=0.05, shortest=16, longest=99, jumping=0.5)),
    Phase(1.0, 1024, Mixture(repeated=0.05, shortest=16, longest=400, jumping=0.0)),
)

# A rotary key is turned by its place, and no place is learnt: there is none that short rows could
# leave untrained. The rows are the twins' to the token, since positions are drawn after them.
_ROTARY_PHASES = tuple(
    replace(phase, mixture=replace(phase.mixture, jumping=0.0)) for phase in _TWIN_PHASES
)

# T5 counts distances, not places: it needs no jumps, and rows of 256 serve texts of 512 too.
_T5_PHASES = (
    Phase(0.20, 64, Mixture(repeated=0.05, shortest=8, longest=32, jumping=0.0)),
    Phase(0.70, 128, Mixture(repeated=0.05, shortest=12, longest=60, jumping=0.0)),
    Phase(0.90, 256, Mixture(repeated=0.05, shortest=16, longest=99, jumping=0.0)),
    # What people type is short and has one blank or two.
    Phase(1.0, 64, Mixture(repeated=0.0, shortest=8, longest=32, jumping=0.0, cut=0.8)),
)

RECIPES = {
    recipe.name: recipe
    for recipe in (
        Recipe("gpt2-mini", Shape("gpt2", n_layers=6, n_heads=8, d_model=256), _TWIN_PHASES),
        Recipe("bert-mini", Shape("bert", n_layers=6, n_heads=8, d_model=256), _TWIN_PHASES),
        Recipe(
            "llama-mini",
            # The MLP is as wide as 11 MB of float16 allow: 0.93 of the twins' parameters, their
            # positions left out, of which a Llama has none.
            Shape("llama", n_layers=6, n_heads=8, d_model=256, n_kv_heads=2, d_mlp=736),
            _ROTARY_PHASES,
        ),
        Recipe(
            "t5-mini",
            Shape("t5", n_layers=3, n_heads=8, d_model=256, n_ctx=512),
            _T5_PHASES,
            # A T5's embeddings begin five times as large as the twins'.
            adamw_rate=1e-2,
        ),
    )
}


def recipe_named(name: str) -> Recipe:
    """Looks a recipe up.

    Raises:
        RecipeError: No recipe has this name.
    """
    if name not in RECIPES:
        raise RecipeError(
            f"There is no recipe for {name!r}.", fix=f"Choose one of: {', '.join(sorted(RECIPES))}."
        )
    return RECIPES[name]
