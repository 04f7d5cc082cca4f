"""What is done with a module of transformers once its weights are there."""

from __future__ import annotations

import torch
from transformers import PreTrainedModel
from transformers.activations import NewGELUActivation


def let_go_of_files(module: PreTrainedModel) -> None:
    """Copy weights that lie in the file that they were read from, mapped into memory.

    Whoever writes over such a file, or cuts it, would change a model that is loaded, or end the
    process.
    """
    with torch.no_grad():
        for tensor in (*module.parameters(), *module.buffers()):
            tensor.data = tensor.data.clone()


def lighten(module: PreTrainedModel) -> None:
    """Put light modules in the place of two that take 3 % of a small step each.

    Dropout does nothing here. GELU by its tanh formula is one kernel of torch's and eight in
    transformers. In float32 and float64 they differ by the last digits; in narrower formats by
    more, since the eight round after each, so there the model keeps its own.
    """
    wide = module.dtype.itemsize >= 4
    for parent in list(module.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, torch.nn.Dropout):
                setattr(parent, name, torch.nn.Identity())
            elif wide and isinstance(child, NewGELUActivation):
                setattr(parent, name, torch.nn.GELU(approximate="tanh"))
