"""How each document of kvviz begins that is a file of its own."""

from __future__ import annotations

# not for people: markup, whose words are filled in
BEGINNING = """<!doctype html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="kvviz">
"""
"""Its language, and what it may ask a network for, are filled in; a title and styles follow."""
