"""The face that a person sees: rendering, prompting, and making foreign text safe to print."""
