"""Which stack a command is about. Kept apart, and light, because every command line begins here."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from services.stack.address import StackAddress

DEFAULT_DATA_DIR = Path(".smartcart")


@dataclass(frozen=True)
class Selection:
    """The stack's folder, by `--data` or SMARTCART_DATA, and the environment, which may name other parts."""

    data_dir: Path
    environment: Mapping[str, str] = field(repr=False)

    def stack(self) -> "StackAddress":
        """Every address; raises StackNotFound."""
        from services.stack.address import find_stack

        return find_stack(self.data_dir, self.environment)

    def database_url(self) -> str:
        """For commands that need nothing else; raises StackNotFound."""
        from services.stack.address import find_database

        return find_database(self.data_dir, self.environment)
