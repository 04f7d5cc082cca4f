"""What else is asked of a model: scores, blanks, continuations by a BERT."""
