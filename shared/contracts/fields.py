"""Field types and model bases that several payloads share."""

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

INT64_MAX = 2**63 - 1


def _whole(value: object) -> object:
    if type(value) is not int:
        raise ValueError("an integer is needed")
    return value


# A literal 1 alone would let true and 1.0 through, being equal to it (docs/reliability.md M8).
Version = Annotated[Literal[1], BeforeValidator(_whole)]

Epoch = Annotated[int, Field(ge=1, le=INT64_MAX, description="grows when the cart's storage was reset")]
Seq = Annotated[int, Field(ge=1, le=INT64_MAX, description="1, 2, 3 … within the epoch; survives reboots")]
Code = Annotated[
    str,
    Field(
        min_length=1,
        max_length=512,
        pattern=r"^[\x21-\x7e\x1d]+[\r\n\t]*$",
        description="what the scanner read: printable ASCII without spaces, FNC1 as GS (\\u001d); CR, LF and TAB that "
        "a scanner module adds at the end are taken off",
    ),
]
SessionRef = Annotated[str, Field(min_length=1, max_length=36, pattern=r"^[a-z0-9-]+$", description="session id")]
Minor = Annotated[int, Field(ge=-INT64_MAX, le=INT64_MAX, description="money in minor units (cents)")]


class FromCart(BaseModel):
    """Base of what carts send: strict types, unknown fields ignored so that newer firmware still gets through."""

    model_config = ConfigDict(strict=True, frozen=True, extra="ignore", allow_inf_nan=False)


class FromBackend(BaseModel):
    """Base of what we send: nothing that the contract does not name."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
