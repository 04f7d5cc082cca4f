"""How the bundled weights are made: corpus, tokenizer, training, evaluation, export.

One command a model: `python -m training train gpt2-mini --corpus FOLDER`.
"""
