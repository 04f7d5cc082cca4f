"""The nouns: frozen values that the engine returns and everything above it reads. NumPy only."""

from kvviz.trace.batch import BatchStep, BatchTrace
from kvviz.trace.beams import BeamStep, BeamTrace, Hypothesis
from kvviz.trace.comparison import CacheComparison
from kvviz.trace.conversation import Conversation
from kvviz.trace.cross_attention import CrossAttention
from kvviz.trace.encoding import EncodingTrace
from kvviz.trace.flops import encoding_flops, forward_flops
from kvviz.trace.generation import GenerationTrace, Stop
from kvviz.trace.model_card import BYTES_PER_NUMBER, ModelCard
from kvviz.trace.options import GenerationOptions
from kvviz.trace.speculation import SpeculativePass, SpeculativeTrace
from kvviz.trace.step import Step

__all__ = [
    "BYTES_PER_NUMBER",
    "BatchStep",
    "BatchTrace",
    "BeamStep",
    "BeamTrace",
    "CacheComparison",
    "Conversation",
    "CrossAttention",
    "EncodingTrace",
    "GenerationOptions",
    "GenerationTrace",
    "Hypothesis",
    "ModelCard",
    "SpeculativePass",
    "SpeculativeTrace",
    "Step",
    "Stop",
    "encoding_flops",
    "forward_flops",
]
