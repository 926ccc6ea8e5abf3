"""The shopper's profile: its REST shape, and how a change of some fields becomes the whole that is stored."""

from typing import Annotated, assert_never

from pydantic import Field, StringConstraints

from services.gateway.errors import Refusal, Refused
from services.gateway.fields import Answer, Ask, Id, Line
from services.gateway.phones import PhoneVault
from shared.db.shoppers import EmailTaken, Profile, Saved, Shopper, UnknownChoice, find_shopper, save_profile
from shared.db.types import Tx

# Enough to catch a slip of the finger; whether mail arrives is not decided by a pattern.
Email = Annotated[
    str,
    StringConstraints(pattern=r"^[^\s@\x00-\x1f\x7f]{1,64}@[^\s@\x00-\x1f\x7f]{1,180}$", max_length=254),
    Field(examples=["ada@example.org"]),
]
Choice = Annotated[list[Id], Field(max_length=50)]


class ProfileChange(Ask):
    """Any of the profile's fields; null takes a value away. The plural lists win over the single ids."""

    user_name: Line | None = Field(None, examples=["Ada"])
    email: Email | None = None
    user_foodtype_id: Id | None = Field(None, description="the one food type that older apps know")
    user_allergy_id: Id | None = Field(None, description="the one allergy that older apps know")
    foodtype_ids: Choice | None = None
    allergy_ids: Choice | None = None


class NewProfile(ProfileChange):
    """A first profile: at least a name."""

    user_name: Line = Field(examples=["Ada"])


class ProfileBody(Answer):
    """A shopper's profile."""

    user_id: int
    user_name: str | None
    mobilenum: str | None = Field(description="digits; null when it cannot be unsealed any more")
    email: str | None
    user_foodtype_id: int | None = Field(description="the first of foodtype_ids")
    user_allergy_id: int | None = Field(description="the first of allergy_ids")
    is_profile_complete: bool
    foodtype_ids: list[int]
    allergy_ids: list[int]


def change_profile(tx: Tx, phones: PhoneVault, shopper_id: int, change: ProfileChange) -> ProfileBody:
    """Store the change and show the profile as it is now. Raises Refused."""
    shopper = find_shopper(tx, shopper_id)
    if shopper is None:
        raise Refused(Refusal.NOT_AUTHENTICATED)
    given = change.model_fields_set
    user_name = change.user_name if "user_name" in given else shopper.user_name
    profile = Profile(
        user_name=user_name,
        email=change.email if "email" in given else shopper.email,
        is_profile_complete=user_name is not None,
        food_type_ids=_chosen(
            change.foodtype_ids, change.user_foodtype_id, "user_foodtype_id" in given, shopper.food_type_ids
        ),
        allergen_ids=_chosen(
            change.allergy_ids, change.user_allergy_id, "user_allergy_id" in given, shopper.allergen_ids
        ),
    )
    match save_profile(tx, shopper_id, profile):
        case Saved():
            return get_profile(tx, phones, shopper_id)
        case EmailTaken():
            raise Refused(Refusal.EMAIL_TAKEN)
        case UnknownChoice():
            raise Refused(Refusal.UNKNOWN_REFERENCE, "There is no such food type or allergy.")
        case _ as never:
            assert_never(never)


def get_profile(tx: Tx, phones: PhoneVault, shopper_id: int) -> ProfileBody:
    """The profile as REST shows it. Raises Refused for a shopper who is gone."""
    shopper = find_shopper(tx, shopper_id)
    if shopper is None:
        raise Refused(Refusal.NOT_AUTHENTICATED)
    return profile_body(shopper, phones)


def profile_body(shopper: Shopper, phones: PhoneVault) -> ProfileBody:
    """A stored profile in its REST shape."""
    return ProfileBody(
        user_id=shopper.shopper_id,
        user_name=shopper.user_name,
        mobilenum=phones.open_number(shopper.phone_sealed),
        email=shopper.email,
        user_foodtype_id=next(iter(shopper.food_type_ids), None),
        user_allergy_id=next(iter(shopper.allergen_ids), None),
        is_profile_complete=shopper.is_profile_complete,
        foodtype_ids=shopper.food_type_ids,
        allergy_ids=shopper.allergen_ids,
    )


def _chosen(several: list[int] | None, single: int | None, single_given: bool, stored: list[int]) -> list[int]:
    """The new list: the single id goes first; where nothing was said, what is stored stays."""
    if several is None and not single_given:
        return stored
    first = [single] if single is not None else []
    return list(dict.fromkeys([*first, *(several or [])]))
