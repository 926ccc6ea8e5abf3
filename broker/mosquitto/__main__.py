"""`python -m broker.mosquitto FILE`: write the dynamic security plugin's file before Mosquitto's first start.

It has the service accounts and `admin`. An existing file is left alone: Mosquitto keeps the carts' accounts in it.
"""

import argparse
import sys
from pathlib import Path

from pydantic import ValidationError

from broker.mosquitto.render import write_security
from broker.mosquitto.settings import MosquittoSettings
from shared.access import ServiceIdentity
from shared.mosquitto.rights import Account
from shared.settings import EX_CONFIG

INGEST_WORKERS = 10
SERVICES = tuple(ServiceIdentity(f"ingest-{number}") for number in range(INGEST_WORKERS)) + tuple(
    ServiceIdentity(f"publisher-{number}") for number in range(INGEST_WORKERS)
)


def main(arguments: list[str] | None = None) -> int:
    """0 when the file is there, 78 for a bad setting (sysexits.h)."""
    parser = argparse.ArgumentParser(prog="python -m broker.mosquitto", description=__doc__)
    parser.add_argument("file", type=Path, help="dynamic-security.json, as named in mosquitto.conf")
    target: Path = parser.parse_args(arguments).file
    if target.exists():
        print(f"{target} exists and stays as it is")  # noqa: T201
        return 0
    try:
        settings = MosquittoSettings()
    except ValidationError as problem:
        for error in problem.errors(include_input=False, include_url=False, include_context=False):
            print(f"smartcart: bad setting: {str(error['loc'][0]).upper()}: {error['msg']}", file=sys.stderr)  # noqa: T201
        return EX_CONFIG
    password = settings.mqtt_service_password.get_secret_value()
    write_security(
        target,
        [Account(service, password) for service in SERVICES],
        settings.mqtt_admin_password.get_secret_value(),
    )
    print(f"{target} written with {len(SERVICES)} service accounts and `admin`")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
