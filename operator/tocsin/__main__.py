"""The console script `tocsin`, and `python -m tocsin`."""

from tocsin.cli.main import run_command_line
from tocsin.settings import Settings


def _serve(settings: Settings) -> None:
    from tocsin.app import serve  # only now: it imports much, and --help need not wait

    serve(settings)


def main() -> None:
    """Run the command line."""
    run_command_line(_serve)


if __name__ == "__main__":
    main()
