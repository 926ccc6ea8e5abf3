"""CartCommand: what the backend asks of a cart. A command is a hint that may be lost or repeated."""

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from shared.contracts.fields import Epoch, FromBackend, Seq


class _Command(FromBackend):
    v: Literal[1] = 1
    expires_at: int = Field(description="milliseconds since 1970; a cart ignores a command that has expired")


class Identify(_Command):
    """Blink and beep so that staff find the cart."""

    type: Literal["identify"] = "identify"


class Resend(_Command):
    """Publish again every journalled event from (epoch, seq) on."""

    type: Literal["resend"] = "resend"
    epoch: Epoch
    seq: Seq


class ShowMessage(_Command):
    """Show a text to the shopper."""

    type: Literal["message"] = "message"
    text: str = Field(max_length=200)


CartCommand = Annotated[Identify | Resend | ShowMessage, Field(discriminator="type")]
CART_COMMAND: TypeAdapter[Identify | Resend | ShowMessage] = TypeAdapter(CartCommand)
