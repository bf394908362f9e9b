"""The built-in loopback upstream, which speaks both protocols and is not a language model."""
