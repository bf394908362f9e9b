"""Agents as Markdown files: front matter and a system prompt."""
