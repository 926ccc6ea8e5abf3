"""Products: on offer, searched for, and one with everything about it."""

from typing import Annotated, Any, assert_never

from fastapi import APIRouter, Path, Query, Response
from pydantic import Field, StringConstraints

from services.gateway.callers import MaybeShopper
from services.gateway.errors import EVERYWHERE, Refusal, Refused, refusals
from services.gateway.fields import NO_CONTROLS, After, Answer, Limit, PathId, ProductBody, product_body
from services.gateway.keyed import json_answer
from services.gateway.product_views import ProductDetailBody, find_detail
from services.gateway.wiring import Here
from shared.db.products import find_product_ids, list_offers
from shared.domain.reading import ReadError, read_code

router = APIRouter(prefix="/products", tags=["products"])
# A token is welcome but not needed.
_TOKEN_OPTIONAL: dict[str, Any] = {"security": [{}, {"shopper": []}]}


class Offers(Answer):
    """A page of products that cost less."""

    offers: list[ProductBody]
    next_after: int | None = Field(description="`after` of the next page; null: this was the last one")


class SearchResults(Answer):
    """A page of hits, best first."""

    results: list[ProductBody]
    next_after: int | None = Field(description="`after` of the next page; null: this was the last one")


@router.get("/offers", summary="Products on offer", response_model=Offers, responses=refusals(*EVERYWHERE))
def offers(here: Here, limit: Limit = 20, after: After = 0) -> Response:
    """In the order of their ids; ask again with `after` = the last `product_id`."""
    with here.pool.connection() as connection:
        found = list_offers(connection, after, limit)
    last = found[-1].product_id if len(found) == limit else None
    return json_answer(Offers(offers=[product_body(product) for product in found], next_after=last))


@router.get(
    "/search",
    summary="Find products by name or barcode",
    response_model=SearchResults,
    responses=refusals(*EVERYWHERE, Refusal.QUERY_MISSING),
)
async def search(
    here: Here,
    query: Annotated[
        str, Query(max_length=100, pattern=NO_CONTROLS, description="words or a code", examples=["milk"])
    ] = "",
    limit: Limit = 20,
    after: After = 0,
) -> Response:
    """Accents do not matter and typos are forgiven. Ask again with `after` = the last `product_id`."""
    if not query.strip():
        raise Refused(Refusal.QUERY_MISSING)
    found = await here.product_finder.find(query, limit, after)
    last = found[-1].product_id if len(found) == limit else None
    return json_answer(SearchResults(results=[product_body(product) for product in found], next_after=last))


@router.get(
    "/by_code/{code:path}",
    summary="The product behind a code",
    response_model=ProductDetailBody,
    responses=refusals(
        *EVERYWHERE,
        Refusal.NOT_AUTHENTICATED,
        Refusal.UNKNOWN_PRODUCT,
        Refusal.WRONG_CHECK_DIGIT,
        Refusal.AMBIGUOUS_CODE,
    ),
    openapi_extra=_TOKEN_OPTIONAL,
)
def by_code(
    here: Here,
    caller: MaybeShopper,
    code: Annotated[
        str, StringConstraints(max_length=512), Path(description="whatever a scanner read", examples=["9520000000011"])
    ],
) -> Response:
    """EAN, UPC, GTIN-14, GS1 element strings and links, or a house code."""
    reading = read_code(code, here.now().date())
    match reading.error:
        case ReadError.UNREADABLE_CODE:
            raise Refused(Refusal.INVALID_REQUEST, "No scanner reads such a code.")
        case ReadError.WRONG_CHECK_DIGIT:
            raise Refused(Refusal.WRONG_CHECK_DIGIT, "A digit was misread or mistyped.")
        case None:
            pass
        case _ as never:
            assert_never(never)
    with here.pool.connection() as connection:
        found = find_product_ids(connection, reading.keys)
        if not found:
            raise Refused(Refusal.UNKNOWN_PRODUCT)
        if reading.is_ambiguous and len(set(found)) > 1:
            raise Refused(Refusal.AMBIGUOUS_CODE)
        return json_answer(find_detail(connection, found[0], caller))


@router.get(
    "/{product_id}",
    summary="Everything about a product",
    response_model=ProductDetailBody,
    responses=refusals(*EVERYWHERE, Refusal.NOT_AUTHENTICATED, Refusal.UNKNOWN_PRODUCT),
    openapi_extra=_TOKEN_OPTIONAL,
)
def product(here: Here, caller: MaybeShopper, product_id: PathId) -> Response:
    """With a token it warns about the caller's own allergies."""
    with here.pool.connection() as connection:
        return json_answer(find_detail(connection, product_id, caller))
