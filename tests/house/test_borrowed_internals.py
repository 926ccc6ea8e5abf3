"""Names of paho and uvicorn that are not promised to us and that we use all the same: all of them, in one table.

Both libraries are capped in pyproject.toml. Before a cap is raised, what stands here is compared with the new version.
"""

import ast
import inspect
import tomllib
from dataclasses import dataclass

import pytest
from paho.mqtt.client import Client
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from services.cart_ingest.gated_client import GatedClient
from services.cart_ingest.service_client import ServiceClient
from services.gateway.door.protocol import BoundedHttpProtocol
from tests.house.source import ROOT, modules_in


@dataclass(frozen=True)
class Borrowed:
    """What our classes below one module take from a class of a library."""

    requirement: str
    theirs: type
    ours: tuple[type, ...]
    called: dict[str, tuple[str, ...]]  # private methods that we call, and methods that we override, with parameters
    held: tuple[str, ...]  # attributes that are set when an object is made


PAHO = Borrowed(
    requirement="paho-mqtt>=2.2,<2.3",
    theirs=Client,
    ours=(ServiceClient, GatedClient),
    called={
        "_packet_queue": ("self", "command", "packet", "mid", "qos", "info"),
        "_sock_recv": ("self", "bufsize"),
        "loop_forever": ("self", "timeout", "retry_first_connection"),
        "loop_read": ("self", "max_packets"),
        "reconnect": ("self",),
    },
    held=("_last_bytes_received", "_msgtime_mutex"),
)
UVICORN = Borrowed(
    requirement="uvicorn>=0.54,<0.55",
    theirs=HttpToolsProtocol,
    ours=(BoundedHttpProtocol,),
    called={
        "connection_lost": ("self", "exc"),
        "connection_made": ("self", "transport"),
        "data_received": ("self", "data"),
        "on_headers_complete": ("self",),
        "on_response_complete": ("self",),
        "send_400_response": ("self", "msg"),
    },
    held=("cycle", "loop", "transport"),
)
EACH = pytest.mark.parametrize("borrowed", [PAHO, UVICORN], ids=["paho", "uvicorn"])


@EACH
def test_what_we_borrow_is_there_in_the_installed_version_and_takes_what_we_hand_it(borrowed: Borrowed) -> None:
    for name, parameters in borrowed.called.items():
        assert tuple(inspect.signature(getattr(borrowed.theirs, name)).parameters) == parameters, name
    made = ast.parse(inspect.getsource(inspect.getmodule(borrowed.theirs) or borrowed.theirs))
    assigned = {
        node.attr for node in ast.walk(made) if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
    }
    assert set(borrowed.held) <= assigned


@EACH
def test_we_borrow_nothing_that_the_table_does_not_name(borrowed: Borrowed) -> None:
    known = {*borrowed.called, *borrowed.held}
    theirs = set(vars(borrowed.theirs)) | set(borrowed.held)
    for ours in borrowed.ours:
        overridden = {name for name in vars(ours) if name in theirs and not name.startswith("__")}
        assert overridden - known == set()
    paths = {inspect.getmodule(ours).__name__ for ours in borrowed.ours}  # type: ignore[union-attr]
    own = {name for ours in borrowed.ours for name in vars(ours)} | set().union(*map(_set_by, borrowed.ours))
    used = {
        node.attr
        for module in modules_in(*paths)
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute) and node.attr.startswith("_") and not node.attr.startswith("__")
    }
    assert used - own - known - {"_exit"} == set(), "os._exit apart, every private name is ours or in the table"


@EACH
def test_what_lends_us_its_internals_is_capped(borrowed: Borrowed) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert borrowed.requirement in project["dependencies"]


def _set_by(ours: type) -> set[str]:
    """Attributes that a class of ours sets on itself and its library's class does not."""
    tree = ast.parse(inspect.getsource(ours))
    stored = {
        node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
    }
    return stored - {"_last_bytes_received"}
