"""What sets GPT-2, BERT and T5 apart when a checkpoint is loaded, one file a family."""

from kvviz.engine.families.bert import BERT
from kvviz.engine.families.family import CheckpointFamily, Shape
from kvviz.engine.families.gpt2 import GPT2
from kvviz.engine.families.t5 import T5

FAMILIES: dict[str, CheckpointFamily] = {family.name: family for family in (GPT2, BERT, T5)}

__all__ = ["FAMILIES", "CheckpointFamily", "Shape"]
