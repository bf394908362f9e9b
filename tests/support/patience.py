"""How long a test waits for what it wants to see. No test that passes comes near it."""

from __future__ import annotations

PATIENCE_S = 60.0
