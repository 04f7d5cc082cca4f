"""BERT beside GPT-2: one text, both models, and what a mask decides."""

from kvviz.ui.pages.bert_vs_gpt2 import page

page.show()
