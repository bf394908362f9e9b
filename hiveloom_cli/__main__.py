"""The program's entry: `hiveloom`, or `python -m hiveloom_cli`."""

from __future__ import annotations


def main() -> None:
    """Run the program; Ctrl-C while it is still loading ends it as quietly as afterwards."""
    try:
        from hiveloom_cli.cli import main as run

        run()
    except KeyboardInterrupt:
        raise SystemExit(130) from None


if __name__ == "__main__":
    main()
