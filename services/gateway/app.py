"""Puts the gateway together: routes inside, error answers around them, the door outside."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from functools import partial

from anyio import to_thread
from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from services.gateway.answers import install_error_answers
from services.gateway.catalogue_words import CatalogueWords
from services.gateway.chores import CHORES_EVERY_S, do_chores
from services.gateway.code_delivery import (
    CodeSender,
    FixedCodeSender,
    LogCodeSender,
    NoCodeSender,
    WebhookCodeSender,
)
from services.gateway.console.ingest_samples import IngestSamples
from services.gateway.console.router import router as console_router
from services.gateway.door.limits import Limits
from services.gateway.door.rates import Rates
from services.gateway.door.record import Record
from services.gateway.item_changes import ItemChanges
from services.gateway.login_ends import LoginEnds
from services.gateway.openapi import DESCRIPTION, TITLE, VERSION, add_examples
from services.gateway.pages.router import router as pages_router
from services.gateway.phone_accounts import SWEEP_EVERY_S, make_phone_accounts
from services.gateway.phones import PhoneVault
from services.gateway.pool import make_pool
from services.gateway.product_finder import ProductFinder
from services.gateway.rates import Kind, TokenBuckets
from services.gateway.readiness import Readiness
from services.gateway.rounds import Rounds
from services.gateway.routes import auth, cart, docs, esp32, health, lists, misc, mqtt, orders, places, products, user
from services.gateway.sealed_answers import AnswerSeal
from services.gateway.shared_reads import SharedRead
from services.gateway.store_maps import StoreMaps
from services.gateway.tokens import AccessTokens, parse_keys
from services.gateway.wiring import Gateway
from shared.db.ended_logins import READ_EVERY_S
from shared.db.held_carts import list_held_carts
from shared.settings import GatewaySettings

THREADS_MAX = 6  # measured: with 10, requests wait 5 ms and more for their turn
ROUTERS = (
    auth.router,
    user.router,
    lists.router,
    products.router,
    cart.router,
    places.router,
    esp32.router,
    orders.router,
    misc.router,
    mqtt.router,
    health.router,
    console_router,
    pages_router,
)


def make_gateway(settings: GatewaySettings) -> Gateway:
    """What the endpoints work with; nothing is opened yet."""
    pool = make_pool(settings.database_url, settings.db_pool_max)
    words = CatalogueWords(pool)
    phone_accounts = make_phone_accounts(settings)
    answer_seal = AnswerSeal(settings.code_pepper.get_secret_value())
    return Gateway(
        settings=settings,
        pool=pool,
        held_carts=SharedRead(pool, list_held_carts),
        item_changes=ItemChanges(pool, answer_seal),
        answer_seal=answer_seal,
        access_tokens=AccessTokens(
            parse_keys(settings.access_token_secret.get_secret_value()), settings.access_token_ttl_s
        ),
        shopper_rates={
            Kind.READ: TokenBuckets(settings.reads_per_shopper_per_minute),
            Kind.WRITE: TokenBuckets(settings.writes_per_shopper_per_minute),
            Kind.LOGIN: TokenBuckets(settings.writes_per_shopper_per_minute),
        },
        board_rates=TokenBuckets(settings.scans_per_board_per_minute),
        phones=PhoneVault(settings.code_pepper.get_secret_value()),
        phone_accounts=phone_accounts,
        login_ends=LoginEnds(pool, phone_accounts),
        code_sender=_code_sender(settings),
        catalogue_words=words,
        product_finder=ProductFinder(pool, words),
        store_maps=StoreMaps(pool),
        ingest_samples=IngestSamples(pool, settings.ingest_metrics_url),
        readiness=Readiness(pool, settings.database_url, settings.http_workers * (settings.db_pool_max + 1)),
    )


def make_app(gateway: Gateway) -> FastAPI:
    """The application. Its pool opens when it starts and closes when it stops."""
    settings = gateway.settings

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        # Not waited for: while the database is away the process lives, and says so on /readyz.
        gateway.pool.open(wait=False)
        # No token is taken before it is known which logins are over. While the database is away this waits 2 s.
        await to_thread.run_sync(gateway.login_ends.do_round)
        # More threads than this, or than connections, would only wait for each other: they share Python's lock.
        to_thread.current_default_thread_limiter().total_tokens = min(settings.db_pool_max, THREADS_MAX)
        beside: tuple[StoreMaps | Rounds, ...] = (gateway.store_maps, *_rounds(gateway))
        gateway.readiness.complaints = lambda: [work.complaint() for work in (*beside, gateway.code_sender)]
        for work in beside:
            work.start()
        try:
            yield
        finally:
            for work in beside:
                work.stop()
            gateway.readiness.close()
            gateway.code_sender.close()
            gateway.pool.close(timeout=0.5)

    in_development = settings.env == "development"
    app = FastAPI(
        title=TITLE,
        version=VERSION,
        description=DESCRIPTION,
        lifespan=lifespan,
        openapi_url="/openapi.json" if in_development else None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.gateway = gateway
    for router in (*ROUTERS, *((docs.router,) if in_development else ())):
        app.include_router(router)
    install_error_answers(app)
    add_examples(app)
    _install_door(app, settings)
    return app


def _rounds(gateway: Gateway) -> Iterable[Rounds]:
    """What is done again and again beside the requests, by every process of the gateway."""
    return (
        Rounds("readiness", gateway.readiness.do_round),
        Rounds("chores", partial(do_chores, gateway), first_in_s=CHORES_EVERY_S),
        Rounds("catalogue-words", gateway.catalogue_words.do_round),
        Rounds("ingest-samples", gateway.ingest_samples.do_round),
        Rounds("login-ends", gateway.login_ends.do_round, first_in_s=READ_EVERY_S),
        Rounds("phone-accounts", gateway.phone_accounts.do_round, first_in_s=SWEEP_EVERY_S),
    )


def _install_door(app: FastAPI, settings: GatewaySettings) -> None:
    """The last added is the first passed."""
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(settings.cors_origins),
            allow_methods=["GET", "POST", "PATCH", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "Idempotency-Key"],
            expose_headers=["X-Request-Id", "Retry-After"],
        )
    app.add_middleware(Limits, allowed_hosts=settings.allowed_hosts)
    app.add_middleware(
        Rates,
        buckets={
            Kind.READ: TokenBuckets(settings.reads_per_address_per_minute),
            Kind.WRITE: TokenBuckets(settings.writes_per_address_per_minute),
            Kind.LOGIN: TokenBuckets(settings.logins_per_address_per_minute),
        },
    )
    app.add_middleware(Record, https=settings.env == "production")
    if settings.trusted_proxies:
        app.add_middleware(ProxyHeadersMiddleware, trusted_hosts=list(settings.trusted_proxies))


def _code_sender(settings: GatewaySettings) -> CodeSender:
    if settings.sms_webhook_url is not None:
        return WebhookCodeSender(settings.sms_webhook_url, settings.sms_webhook_secret.get_secret_value())
    if settings.codes_in_log:
        return LogCodeSender()
    return NoCodeSender() if settings.fixed_otp is None else FixedCodeSender()
