"""The words: glossary, captions, example prompts and questions, kept as data."""

from kvviz.lessons.shelf import Caption, Door, Lessons, Prompt, Question, Term, lessons

__all__ = ["Caption", "Door", "Lessons", "Prompt", "Question", "Term", "lessons"]
