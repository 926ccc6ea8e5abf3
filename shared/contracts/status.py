"""CartStatus: a cart's birth message and its last will, retained."""

from typing import Annotated

from pydantic import Field

from shared.contracts.fields import Epoch, FromCart, Version


class CartStatus(FromCart):
    """`online` false is the will: the broker says it when the connection is lost."""

    v: Version = 1
    online: bool
    epoch: Epoch | None = None
    firmware: Annotated[str, Field(max_length=32, pattern=r"^[\x20-\x7e]*$")] | None = None
