"""The agents for other programs: an HTTP server that speaks what their clients speak."""
