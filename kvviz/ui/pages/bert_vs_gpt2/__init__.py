"""The parts of the page that sets BERT beside GPT-2."""
