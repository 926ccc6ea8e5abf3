"""`smartcart import …`: the table of what can be imported."""

import typer

from services.operations.catalogue import import_catalogue

app = typer.Typer(no_args_is_help=True, help="Load a catalogue, a layout, locations or the demo store.")
app.command("catalogue")(import_catalogue)
