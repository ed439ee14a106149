"""``partywall``, and ``python -m pipeline``, which is the same."""

import sys


def main() -> None:
    """Run the command line."""
    try:
        from pipeline.cli.main import main as run  # noqa: PLC0415 -- may be interrupted as well
    except KeyboardInterrupt:
        sys.exit(130)
    run()


if __name__ == "__main__":
    main()
