"""`smartcart import …`: the table of what can be imported."""

import typer

from services.operations.catalogue import import_catalogue
from services.operations.demo_store import import_demo
from services.operations.layout import import_layout
from services.operations.locations import import_locations

app = typer.Typer(no_args_is_help=True, help="Load a catalogue, a layout, locations or the demo store.")
app.command("catalogue")(import_catalogue)
app.command("layout")(import_layout)
app.command("locations")(import_locations)
app.command("demo")(import_demo)
