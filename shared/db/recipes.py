"""Recipes: which ones fit what a shopper has, and what they still need."""

from dataclasses import dataclass

from psycopg.rows import args_row

from shared.db.queries import sql
from shared.db.types import Tx

ROWS_MAX = 200


@dataclass(frozen=True, slots=True)
class RecipeUse:
    """A recipe that uses one product of the shopper's."""

    recipe_id: int
    name: str
    product_id: int


@dataclass(frozen=True, slots=True)
class Ingredient:
    """What a recipe needs of one product, and what the cart holds of it."""

    product_id: int
    quantity: int
    in_cart: int

    @property
    def is_missing(self) -> bool:
        return self.in_cart == 0


@dataclass(frozen=True, slots=True)
class Recipe:
    """One recipe with its ingredients."""

    recipe_id: int
    name: str
    ingredients: tuple[Ingredient, ...]

    @property
    def missing_product_ids(self) -> list[int]:
        """What is not in the cart at all."""
        return [one.product_id for one in self.ingredients if one.is_missing]


def list_recipes_of_cart(tx: Tx, shopper_id: int) -> list[RecipeUse]:
    """Recipes for what is in the cart."""
    with tx.cursor(row_factory=args_row(RecipeUse)) as cursor:
        return cursor.execute(sql("list_recipes_of_cart"), {"shopper_id": shopper_id, "limit": ROWS_MAX}).fetchall()


def list_recipes_of_checklist(tx: Tx, shopper_id: int) -> list[RecipeUse]:
    """Recipes for what is on the list."""
    with tx.cursor(row_factory=args_row(RecipeUse)) as cursor:
        return cursor.execute(
            sql("list_recipes_of_checklist"), {"shopper_id": shopper_id, "limit": ROWS_MAX}
        ).fetchall()


def find_recipe(tx: Tx, recipe_id: int, shopper_id: int) -> Recipe | None:
    """One recipe, seen by a shopper."""
    row = tx.execute(sql("find_recipe"), {"recipe_id": recipe_id}).fetchone()
    if row is None:
        return None
    with tx.cursor(row_factory=args_row(Ingredient)) as cursor:
        rows = cursor.execute(sql("list_recipe_products"), {"recipe_id": recipe_id, "shopper_id": shopper_id})
        return Recipe(row[0], row[1], tuple(rows))
