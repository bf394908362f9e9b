"""Run llama.cpp's own server until standard input ends.

Run with the Python of `.env-llama`: serve_llama.py MODEL KEY PORT
"""

from __future__ import annotations

import sys

import xllamacpp


def serve(model: str, key: str, port: int) -> None:
    """Serve a model file on a port of loopback to whoever has the key."""
    parameters = xllamacpp.CommonParams()
    parameters.model.path = model
    parameters.model_alias = {"tiny"}
    parameters.api_keys = [key]
    parameters.port = port
    parameters.cpuparams.n_threads = 1
    # The same question gets the same answer, however often and over whichever protocol.
    parameters.sampling.seed = 1
    parameters.cache_prompt = False
    _server = xllamacpp.Server(parameters)  # it serves, in threads of its own, while it is held
    sys.stdin.read()


if __name__ == "__main__":
    serve(sys.argv[1], sys.argv[2], int(sys.argv[3]))
