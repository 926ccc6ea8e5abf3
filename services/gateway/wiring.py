"""What the endpoints work with, built once per process and handed to them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, cast

from fastapi import Depends, Request

from services.gateway.catalogue_words import CatalogueWords
from services.gateway.code_delivery import CodeSender
from services.gateway.console.ingest_samples import IngestSamples
from services.gateway.item_changes import ItemChanges
from services.gateway.login_ends import LoginEnds
from services.gateway.phone_accounts import PhoneAccounts
from services.gateway.phones import PhoneVault
from services.gateway.pool import Pool
from services.gateway.product_finder import ProductFinder
from services.gateway.rates import Kind, TokenBuckets
from services.gateway.readiness import Readiness
from services.gateway.sealed_answers import AnswerSeal
from services.gateway.shared_reads import SharedRead
from services.gateway.store_maps import StoreMaps
from services.gateway.tokens import AccessTokens
from shared.db.held_carts import HeldCart
from shared.settings import GatewaySettings


def utc_now() -> datetime:
    """The clock; tests hand in another one."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Gateway:
    """One gateway process."""

    settings: GatewaySettings
    pool: Pool
    held_carts: SharedRead[int, HeldCart]
    item_changes: ItemChanges
    answer_seal: AnswerSeal
    access_tokens: AccessTokens
    shopper_rates: Mapping[Kind, TokenBuckets]
    board_rates: TokenBuckets
    phones: PhoneVault
    phone_accounts: PhoneAccounts
    login_ends: LoginEnds
    code_sender: CodeSender
    catalogue_words: CatalogueWords
    product_finder: ProductFinder
    store_maps: StoreMaps
    ingest_samples: IngestSamples
    readiness: Readiness
    now: Callable[[], datetime] = utc_now


async def gateway_of(request: Request) -> Gateway:
    """A coroutine, because FastAPI would send a plain function through a thread."""
    return cast(Gateway, request.app.state.gateway)


Here = Annotated[Gateway, Depends(gateway_of)]
