"""The command line: `tocsin run` is the operator; the others help to run it."""

import sys
from collections.abc import Callable
from importlib.metadata import version

from cyclopts import App
from rich.console import Console
from rich.table import Table

from tocsin.errors import SettingsInvalid, TocsinError
from tocsin.settings import Settings, load_settings


def command_line(serve: Callable[[Settings], None]) -> App:
    """Build the command line; `serve` runs the operator until it is told to end."""
    app = App(
        name="tocsin",
        help="Sends what a Kubernetes cluster has to say to Slack. "
        "Settings come from the environment: see `tocsin settings`.",
        version=version("tocsin"),
    )

    @app.command
    def run() -> None:
        """Run the operator: watch resources, take signals in, deliver messages, write statuses."""
        serve(load_settings())

    @app.command
    def settings() -> None:
        """Print every setting: its variable, its value now, and what it means."""
        Console().print(_table(load_settings()))

    return app


def run_command_line(serve: Callable[[Settings], None]) -> None:
    """Run the command that was typed; expected errors are one sentence and exit code 1."""
    try:
        command_line(serve)()
    except SettingsInvalid as error:
        sys.exit(f"tocsin: wrong settings: {error}. `tocsin settings` explains them all.")
    except TocsinError as error:
        sys.exit(f"tocsin: {error}")


def _table(settings: Settings) -> Table:
    table = Table("Variable and value", "Meaning", show_lines=True)
    for name, field in Settings.model_fields.items():
        value = getattr(settings, name)
        shown = settings.shown_database_url if name == "database_url" else value
        text = ", ".join(shown) if isinstance(shown, tuple) else str(shown)
        table.add_row(f"TOCSIN_{name.upper()}\n  {text}", field.description)
    return table
