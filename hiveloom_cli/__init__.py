"""Hiveloom: a terminal tool suite for talking to language-model agents."""

__version__ = "0.1.0"
