"""The file of promotions, `"v": 1`: strict, each error with its place and reason, printed as JSON Schema."""

import json
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

PROMOTIONS_MAX = 10_000
Text = Annotated[str, Field(min_length=1, max_length=120, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$")]
Minor = Annotated[int, Field(ge=0, le=10**9)]
Count = Annotated[int, Field(ge=1, le=999)]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


def _moment(given: object) -> object:
    """A date means the store's midnight. A time with a zone is refused: a store has one, and no other counts."""
    if not isinstance(given, str):
        raise ValueError("an ISO 8601 date or time as a text")
    try:
        moment = datetime.fromisoformat(given)
    except ValueError:
        raise ValueError("no ISO 8601 date or time") from None
    if moment.tzinfo is not None:
        raise ValueError("without a zone: it is the store's own time")
    return moment


def _time_of_day(given: object) -> object:
    if not isinstance(given, str) or len(given) != 5:
        raise ValueError("a time of day as HH:MM")
    return time.fromisoformat(given)


Moment = Annotated[
    datetime,
    BeforeValidator(_moment, json_schema_input_type=date | datetime),
    Field(description="ISO 8601 without a zone: the store's time; a date is its midnight"),
]
TimeOfDay = Annotated[time, BeforeValidator(_time_of_day, json_schema_input_type=str)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Codes(_Part):
    codes: Annotated[list[Text], Field(min_length=1, max_length=10_000)]


class Categories(_Part):
    categories: Annotated[list[Text], Field(min_length=1, max_length=1_000)]


class UnitsNeeded(_Part):
    """Three means three units; a label of weighed goods is one unit."""

    of: Codes | Categories | Literal["all"]
    quantity: Count


class TripNeeded(_Part):
    """The trip costs at least this much before any discount."""

    trip_minor: Annotated[int, Field(ge=1, le=10**9)]


class Percent(_Part):
    percent: Annotated[int, Field(ge=1, le=100)]
    on: Literal["needed", "cheapest", "trip"]


class AmountOff(_Part):
    off_minor: Annotated[int, Field(ge=1, le=10**9)]
    on: Literal["needed", "trip"]


class FixedPrice(_Part):
    """For all the needed units together."""

    price_minor: Minor


class Free(_Part):
    """So many of the needed units, the cheapest ones."""

    free: Count


class PromotionEntry(_Part):
    """One promotion as it stands in the file."""

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
    name: Text
    begins: Annotated[Moment | None, Field(alias="from")] = None
    until: Moment | None = None
    days: Annotated[list[Day], Field(min_length=1, max_length=7)] | None = None
    hours: Annotated[list[TimeOfDay], Field(min_length=2, max_length=2)] | None = None
    needs: Annotated[list[UnitsNeeded | TripNeeded], Field(min_length=1, max_length=10)]
    gives: Percent | AmountOff | FixedPrice | Free
    limit: Count | None = None
    group: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")] = ""
    combine: bool = False
    coupon: Text | None = None
    loyalty: bool = False

    @property
    def on_trip(self) -> bool:
        return isinstance(self.gives, Percent | AmountOff) and self.gives.on == "trip"

    @model_validator(mode="after")
    def _makes_sense(self) -> "PromotionEntry":
        units = sum(need.quantity for need in self.needs if isinstance(need, UnitsNeeded))
        if self.begins is not None and self.until is not None and self.begins >= self.until:
            raise ValueError("`until` is not after `from`")
        if self.hours is not None and self.hours[0] == self.hours[1]:
            raise ValueError("`hours` begin and end at the same time")
        if not units and not self.on_trip:
            raise ValueError("what is given needs units to be given on; use `on: trip`")
        if isinstance(self.gives, Free) and self.gives.free > units:
            raise ValueError(f"{self.gives.free} free of {units} needed units")
        if self.on_trip and self.limit not in (None, 1):
            raise ValueError("what is given on the trip is given once")
        return self


class PromotionFile(_Part):
    """The whole file. Groups that add up (`combine`) do so in the order of their names."""

    v: Literal[1]
    promotions: Annotated[list[PromotionEntry], Field(max_length=PROMOTIONS_MAX)]

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> "PromotionFile":
        seen: set[str] = set()
        adds_up: dict[str, bool] = {}
        for entry in self.promotions:
            if entry.id in seen:
                raise ValueError(f"promotion {entry.id} stands here twice")
            seen.add(entry.id)
            if adds_up.setdefault(entry.group, entry.combine) != entry.combine:
                raise ValueError(f"promotion {entry.id}: `combine` is the same for all of group {entry.group!r}")
        return self


@dataclass(frozen=True, slots=True)
class FileError:
    """`place` as in `promotions[3].gives.percent`; empty for the file as a whole."""

    place: str
    reason: str


_FILE = TypeAdapter(PromotionFile)


def read_promotions(raw: bytes) -> PromotionFile | tuple[FileError, ...]:
    """The file, or everything that is wrong with it; never an exception."""
    try:
        document = json.loads(raw, object_pairs_hook=_without_repeats, parse_constant=_refuse)
    except (ValueError, RecursionError) as problem:
        return (FileError("", f"no JSON: {problem}"),)
    try:
        return _FILE.validate_python(document)
    except ValidationError as problem:
        errors = {(_place(error["loc"]), _reason(error)): None for error in problem.errors(include_url=False)}
        return tuple(FileError(place, reason) for place, reason in errors)


def print_schema() -> str:
    """The JSON Schema of the file."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **_FILE.json_schema(by_alias=True)}
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return found


def _refuse(text: str) -> None:
    raise ValueError(f"{text} is no JSON")


def _place(path: tuple[int | str, ...]) -> str:
    """pydantic also names the variant of a union that it tried: those names are capitalised, our keys are not."""
    place = ""
    for step in path:
        if isinstance(step, int):
            place += f"[{step}]"
        elif step[:1].islower() and not step.startswith(("literal[", "function-", "list[")):
            place += f".{step}" if place else step
    return place


def _reason(error: Any) -> str:
    return str(error["msg"]).removeprefix("Value error, ")
