"""The shopper's checklist, and recipes for what is in the cart or on the list."""

from typing import Annotated, Literal, assert_never

from fastapi import APIRouter, Query, Response
from pydantic import Field

from services.gateway.callers import Shopper
from services.gateway.errors import EVERYWHERE, Refusal, Refused, refusals
from services.gateway.fields import Answer, Ask, Id, Message, PathId, ProductBody, product_body
from services.gateway.keyed import KEY_REFUSALS, Keyed, answer_once
from services.gateway.wiring import Here
from shared.db.checklists import (
    Added,
    ChecklistItem,
    ListLimit,
    UnknownProduct,
    add_missing_to_checklist,
    add_to_checklist,
    list_checklist,
    remove_from_checklist,
)
from shared.db.products import list_products
from shared.db.recipes import find_recipe, list_recipes_of_cart, list_recipes_of_checklist
from shared.db.types import Tx

router = APIRouter(prefix="/user", tags=["lists"])
_ALWAYS = (*EVERYWHERE, Refusal.NOT_AUTHENTICATED)


class ChecklistItemBody(Answer):
    """One product on the list."""

    checklist_id: int
    user_id: int
    product_id: int
    quantity: int
    product: ProductBody
    ticked: bool = Field(description="the cart holds as many already")
    in_cart: int = Field(description="pieces in the cart")


class ChecklistBody(Answer):
    """The list."""

    items: list[ChecklistItemBody]


class ItemWanted(Ask):
    """Pieces of a product to put on the list."""

    product_id: Id = Field(examples=[1])
    quantity: int = Field(ge=1, le=999, examples=[1])


class ItemNotWanted(Ask):
    """A product to take off the list."""

    product_id: Id = Field(examples=[1])


class RecipeUseBody(Answer):
    """A recipe, and one product of yours that it uses."""

    recipe_id: int
    recipe_name: str
    product_id: int
    product: ProductBody


class RecipesBody(Answer):
    """One entry for each recipe and product of yours in it."""

    recipes: list[RecipeUseBody]


class RecipeBody(Answer):
    """A recipe with all its products."""

    recipe_id: int
    recipe_name: str
    products: list[ProductBody]
    missing_product_ids: list[int] = Field(description="what the cart does not hold yet")


def _item_bodies(tx: Tx, shopper_id: int, items: list[ChecklistItem]) -> list[ChecklistItemBody]:
    products = list_products(tx, {item.product_id for item in items})
    return [
        ChecklistItemBody(
            checklist_id=item.checklist_id,
            user_id=shopper_id,
            product_id=item.product_id,
            quantity=item.quantity,
            product=product_body(products[item.product_id]),
            ticked=item.ticked,
            in_cart=item.in_cart,
        )
        for item in items
        if item.product_id in products
    ]


@router.get("/checklist", summary="My shopping list", responses=refusals(*_ALWAYS))
def checklist(here: Here, shopper: Shopper) -> ChecklistBody:
    """What is in the cart is ticked by itself."""
    with here.pool.connection() as connection, connection.transaction():
        items = list_checklist(connection, shopper.shopper_id)
        return ChecklistBody(items=_item_bodies(connection, shopper.shopper_id, items))


@router.post(
    "/checklist/add",
    summary="Put a product on the list",
    response_model=ChecklistItemBody,
    responses=refusals(*_ALWAYS, *KEY_REFUSALS, Refusal.UNKNOWN_PRODUCT, Refusal.CHECKLIST_LIMIT),
)
def add(here: Here, shopper: Shopper, keyed: Keyed, asked: ItemWanted) -> Response:
    """Adds to what is there."""
    me = shopper.shopper_id

    def act() -> ChecklistItemBody:
        outcome = add_to_checklist(connection, me, asked.product_id, asked.quantity)
        match outcome:
            case Added(checklist_id=checklist_id):
                items = [item for item in list_checklist(connection, me) if item.checklist_id == checklist_id]
                return _item_bodies(connection, me, items)[0]
            case UnknownProduct():
                raise Refused(Refusal.UNKNOWN_PRODUCT)
            case ListLimit():
                raise Refused(Refusal.CHECKLIST_LIMIT)
            case _ as never:
                assert_never(never)

    with here.pool.connection() as connection, connection.transaction():
        return answer_once(connection, me, keyed, here.now(), act)


@router.post(
    "/checklist/remove",
    summary="Take a product off the list",
    response_model=Message,
    responses=refusals(*_ALWAYS, *KEY_REFUSALS, Refusal.NOT_ON_CHECKLIST),
)
def remove(here: Here, shopper: Shopper, keyed: Keyed, asked: ItemNotWanted) -> Response:
    """All of it, whatever the quantity."""

    def act() -> Message:
        if not remove_from_checklist(connection, shopper.shopper_id, asked.product_id):
            raise Refused(Refusal.NOT_ON_CHECKLIST)
        return Message(message="Taken off the list.")

    with here.pool.connection() as connection, connection.transaction():
        return answer_once(connection, shopper.shopper_id, keyed, here.now(), act)


@router.get("/recipes", summary="Recipes for what I have", responses=refusals(*_ALWAYS))
def recipes(
    here: Here,
    shopper: Shopper,
    source: Annotated[Literal["cart", "checklist"], Query(description="what to cook from")] = "cart",
) -> RecipesBody:
    """One entry for each recipe and product of the source in it."""
    with here.pool.connection() as connection, connection.transaction():
        find = list_recipes_of_cart if source == "cart" else list_recipes_of_checklist
        uses = find(connection, shopper.shopper_id)
        products = list_products(connection, {use.product_id for use in uses})
    return RecipesBody(
        recipes=[
            RecipeUseBody(
                recipe_id=use.recipe_id,
                recipe_name=use.name,
                product_id=use.product_id,
                product=product_body(products[use.product_id]),
            )
            for use in uses
        ]
    )


@router.get("/recipes/{recipe_id}", summary="One recipe", responses=refusals(*_ALWAYS, Refusal.UNKNOWN_RECIPE))
def recipe(here: Here, shopper: Shopper, recipe_id: PathId) -> RecipeBody:
    """All its products, and which of them the cart lacks."""
    with here.pool.connection() as connection, connection.transaction():
        found = find_recipe(connection, recipe_id, shopper.shopper_id)
        if found is None:
            raise Refused(Refusal.UNKNOWN_RECIPE)
        products = list_products(connection, {one.product_id for one in found.ingredients})
    return RecipeBody(
        recipe_id=found.recipe_id,
        recipe_name=found.name,
        products=[product_body(products[one.product_id]) for one in found.ingredients],
        missing_product_ids=found.missing_product_ids,
    )


@router.post(
    "/recipes/{recipe_id}/add_to_checklist",
    summary="Put what a recipe still needs on the list",
    response_model=ChecklistBody,
    responses=refusals(*_ALWAYS, *KEY_REFUSALS, Refusal.UNKNOWN_RECIPE),
)
def shop_for_recipe(here: Here, shopper: Shopper, keyed: Keyed, recipe_id: PathId) -> Response:
    """What the cart holds or the list has already is left alone. Answers with the whole list."""
    me = shopper.shopper_id

    def act() -> ChecklistBody:
        found = find_recipe(connection, recipe_id, me)
        if found is None:
            raise Refused(Refusal.UNKNOWN_RECIPE)
        add_missing_to_checklist(connection, me, recipe_id, found.missing_product_ids)
        return ChecklistBody(items=_item_bodies(connection, me, list_checklist(connection, me)))

    with here.pool.connection() as connection, connection.transaction():
        return answer_once(connection, me, keyed, here.now(), act)
