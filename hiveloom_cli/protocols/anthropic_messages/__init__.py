"""Anthropic Messages, as api.anthropic.com and servers that offer the same endpoint speak it."""
