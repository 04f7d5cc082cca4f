"""Tokens are guessed, tried together in one pass, and taken back where wrong."""
