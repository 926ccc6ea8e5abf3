"""`smartcart up`, `demo` and `migrate`."""

import contextlib
from typing import Annotated

import typer

from services.commands.lazy import selected
from services.stack.background import stack_in_background
from services.stack.folder import StackFolder
from services.stack.parts import BrokerKind
from services.stack.up import Ports, migrate_database, run_stack

_PORT = "TCP port on 127.0.0.1; 0 takes any free one."
HttpPort = Annotated[int, typer.Option(envvar="HTTP_PORT", min=0, max=65535, help=f"REST and web pages: {_PORT}")]
MqttPort = Annotated[int, typer.Option(envvar="MQTT_PORT", min=0, max=65535, help=f"MQTT for carts: {_PORT}")]
WsPort = Annotated[int, typer.Option(envvar="WS_PORT", min=0, max=65535, help=f"MQTT over WebSocket: {_PORT}")]
MetricsPort = Annotated[
    int, typer.Option(envvar="INGEST_HTTP_PORT", min=0, max=65535, help=f"Metrics of ingest: {_PORT}")
]


def up(
    context: typer.Context,
    http_port: HttpPort = 8000,
    mqtt_port: MqttPort = 1883,
    ws_port: WsPort = 8083,
    metrics_port: MetricsPort = 0,
    broker: Annotated[
        BrokerKind,
        typer.Option(envvar="BROKER", help="Which broker of ours; amqtt is for development (docs/brokers.md)."),
    ] = "embedded",
    sim: Annotated[
        bool, typer.Option("--sim", help="For simulated shoppers: codes without a limit, and in the gateway's log.")
    ] = False,
    new_secrets: Annotated[
        bool, typer.Option("--new-secrets", help="Give up lost secrets: known phone numbers become strangers.")
    ] = False,
) -> None:
    """Run PostgreSQL, broker, ingest and gateway until Ctrl-C, starting again what dies.

    Prints one line `ready http=… mqtt=… ws=…` when everything answers. With DATABASE_URL or MQTT_URL set,
    that database or broker is used and none is started. Two stacks run side by side with different --data and
    ports. Ctrl-C stops all of it within 10 s; a second one kills at once.
    """
    selection = selected(context)
    run_stack(
        StackFolder.at(selection.data_dir),
        Ports(http=http_port, mqtt=mqtt_port, ws=ws_port, metrics=metrics_port),
        selection.environment,
        simulated=sim,
        broker=broker,
        announce=tell,
        say=lambda line: tell(f"smartcart: {line}", err=True),
        new_secrets=new_secrets,
    )


def tell(line: str, err: bool = False) -> None:
    """Print a line; a reader that has gone away is no reason to stop a stack."""
    with contextlib.suppress(BrokenPipeError):
        typer.echo(line, err=err)


def demo(
    context: typer.Context,
    for_s: Annotated[float | None, typer.Option("--for", min=1, help="End by itself after so many seconds.")] = None,
    carts: Annotated[int, typer.Option(min=1, max=500, help="How many carts shop.")] = 5,
    http_port: HttpPort = 0,
    mqtt_port: MqttPort = 0,
    ws_port: WsPort = 0,
) -> None:
    """Run a whole stack with the demo store and carts that shop, each event a readable sentence."""
    from services.demo import run_demo

    selection = selected(context)
    # Whoever follows along by phone needs a code, and no SMS is sent from a demo.
    environment = {"FIXED_OTP": "123456", **selection.environment}
    ports = Ports(http=http_port, mqtt=mqtt_port, ws=ws_port)
    with (
        stack_in_background(selection.data_dir, environment, ports, simulated=True) as stack,
        contextlib.suppress(KeyboardInterrupt),
    ):
        run_demo(stack, selection.data_dir, environment["FIXED_OTP"], carts, for_s)


def migrate(context: typer.Context) -> None:
    """Apply the migrations that the database still lacks; running it twice changes nothing."""
    applied = migrate_database(selected(context).database_url())
    for name in applied:
        typer.echo(name)
    typer.echo(f"applied={len(applied)}")
