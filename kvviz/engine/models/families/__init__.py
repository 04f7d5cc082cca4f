"""What sets GPT-2, BERT and T5 apart when a checkpoint is loaded, one file a family."""

from kvviz.engine.models.families.bert import BERT
from kvviz.engine.models.families.family import CheckpointFamily, Projection, Shape
from kvviz.engine.models.families.gpt2 import GPT2
from kvviz.engine.models.families.t5 import T5

FAMILIES: dict[str, CheckpointFamily] = {family.name: family for family in (GPT2, BERT, T5)}

__all__ = ["FAMILIES", "CheckpointFamily", "Projection", "Shape"]
