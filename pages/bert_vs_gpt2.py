"""BERT beside GPT-2: one text, both models, and what a mask decides."""

from kvviz.ui import bert_vs_gpt2_page

bert_vs_gpt2_page.show()
