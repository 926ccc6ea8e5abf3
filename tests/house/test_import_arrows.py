"""Imports point one way: contracts <- domain <- db <- {cart_ingest, gateway}; the simulator sees contracts only."""

import pytest

from tests.house.source import imports, modules, modules_in

# Each layer, and what of ours it may import besides itself.
ARROWS: dict[str, tuple[str, ...]] = {
    "shared.contracts": (),
    "shared.domain": ("shared.contracts",),
    "shared.navigation": (),
    "shared.access": ("shared.contracts",),
    "shared.mosquitto": ("shared.contracts", "shared.access"),
    "shared.mqtt_tokens": (),
    "shared.logs": (),
    "shared.open_files": (),
    "shared.settings": (),
    "shared.version": (),
    "shared.db": (
        "shared.contracts",
        "shared.domain",
        "shared.navigation",
        "shared.access",
        "shared.logs",
        "shared.version",
    ),
    "firmware_sim": ("shared.contracts",),
    "broker": ("shared",),
    "services.cart_ingest": ("shared",),
    "services.gateway": ("shared",),
    "services.stack": ("shared",),
    "services.env_example": ("shared", "broker"),
    "services.commands": ("shared", "services.stack", "services.env_example", "services.demo"),
    "services.operations": ("shared", "services.stack", "services.commands", "firmware_sim"),
    "services.demo": ("shared", "services.stack", "services.operations", "firmware_sim"),
    "services.cli": ("services.commands", "services.stack", "shared.version"),
}
OURS = ("broker", "firmware_sim", "services", "shared", "tests")


@pytest.mark.parametrize("layer", ARROWS)
def test_a_layer_imports_only_what_its_arrow_allows(layer: str) -> None:
    allowed = (layer, *ARROWS[layer])
    wrong = [
        f"{module.path}:{line} imports {name}"
        for module in modules_in(layer)
        for line, name in imports(module)
        if name.split(".")[0] in OURS and not any(name == a or name.startswith(f"{a}.") for a in allowed)
    ]
    assert wrong == []


def test_every_module_belongs_to_a_layer() -> None:
    containers = {"broker", "services", "shared"}
    homeless = [module.path for module in modules() if module.name not in containers and not module.is_in(*ARROWS)]
    assert homeless == []
