"""`python -m hiveloom_cli` is the same program as `hiveloom`."""

from hiveloom_cli.cli import main

if __name__ == "__main__":
    main()
