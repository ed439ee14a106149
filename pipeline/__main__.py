"""``partywall``, and ``python -m pipeline``, which is the same."""

import sys

from pipeline.errors import PartywallError


def main() -> None:
    """Run the command line; a declaration that is refused is one line, like other mistakes."""
    try:
        # Declarations are read, and refused, as their modules are imported.
        from pipeline.cli.main import main as run  # noqa: PLC0415
    except PartywallError as error:
        sys.stderr.write(f"partywall: {error}\n")
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)
    run()


if __name__ == "__main__":
    main()
