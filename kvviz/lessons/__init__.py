"""The words: glossary, captions, example prompts and questions, kept as data."""

from kvviz.lessons.lesson_files import Caption, GuideEntry, Lessons, Prompt, Question, Term, lessons

__all__ = ["Caption", "GuideEntry", "Lessons", "Prompt", "Question", "Term", "lessons"]
