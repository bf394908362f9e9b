"""Markdown files with settings on top: read, written, and changed without touching the rest."""
