"""One module for each command: declare, call one use case, render."""
