"""Serves the pages' files, with the headers that keep a page to itself."""

from http import HTTPStatus
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Header, Response
from fastapi.responses import RedirectResponse

from services.gateway.errors import Refusal, Refused
from services.gateway.pages.files import page_files
from services.gateway.pages.plan import router as plan_router
from services.gateway.wiring import Here

router = APIRouter()
router.include_router(plan_router)

# What a page may do: run our own scripts, no inline ones, and never turn text into markup (Trusted Types).
# `smartcart` is the one policy by which a page names its own service worker.
_PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; manifest-src 'self'; worker-src 'self'; "
    "connect-src 'self'{live}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types smartcart"
)
# A service worker obeys the policy of its own script: it fetches the shell and imports the list of its files.
_SCRIPT_POLICY = "default-src 'none'; script-src 'self'; connect-src 'self'"
_PERMISSIONS = "camera=(self), microphone=(), geolocation=(), payment=(), usb=()"

AcceptEncoding = Annotated[str, Header(max_length=256)]
IfNoneMatch = Annotated[str, Header(max_length=256)]


@router.get("/app", include_in_schema=False)
def app_without_slash() -> Response:
    """The page names its files relative to /app/."""
    return RedirectResponse("/app/")


@router.get("/app/{name:path}", include_in_schema=False)
def app_file(here: Here, name: str, accept_encoding: AcceptEncoding = "", if_none_match: IfNoneMatch = "") -> Response:
    """The shopper's page."""
    return _send(here.settings.mqtt_ws_url, f"app/{name or 'index.html'}", accept_encoding, if_none_match)


@router.get("/console", include_in_schema=False)
def console_without_slash() -> Response:
    """The page names its files relative to /console/."""
    return RedirectResponse("/console/")


# Not every path below /console: its calls are at /console/api, and a wrong method there has to be said as such.
@router.get("/console/", include_in_schema=False)
@router.get("/console/{name}", include_in_schema=False)
@router.get("/console/screens/{screen}", include_in_schema=False)
@router.get("/console/texts/{language}", include_in_schema=False)
def console_file(
    name: str = "",
    screen: str = "",
    language: str = "",
    accept_encoding: AcceptEncoding = "",
    if_none_match: IfNoneMatch = "",
) -> Response:
    """The store's screen. It speaks with nobody but the gateway."""
    below = f"screens/{screen}" if screen else f"texts/{language}" if language else name or "index.html"
    return _send(None, f"console/{below}", accept_encoding, if_none_match)


@router.get("/shell/{name:path}", include_in_schema=False)
def shell_file(
    here: Here, name: str, accept_encoding: AcceptEncoding = "", if_none_match: IfNoneMatch = ""
) -> Response:
    """What the pages share."""
    return _send(here.settings.mqtt_ws_url, f"shell/{name}", accept_encoding, if_none_match)


def _send(live_url: str | None, path: str, accept_encoding: str, if_none_match: str) -> Response:
    file = page_files().get(path)
    if file is None:
        raise Refused(Refusal.NOT_FOUND)
    headers = {
        # Asked for again each time, and answered without content while it is the same.
        "Cache-Control": "no-cache",
        "ETag": file.tag,
        "Vary": "Accept-Encoding",
        "Content-Security-Policy": _policy(file.media_type, live_url),
        "Permissions-Policy": _PERMISSIONS,
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
    }
    if file.tag in if_none_match:
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    if file.packed is not None and "gzip" in accept_encoding:
        return Response(file.packed, media_type=file.media_type, headers={**headers, "Content-Encoding": "gzip"})
    return Response(file.content, media_type=file.media_type, headers=headers)


def _policy(media_type: str, live_url: str | None) -> str:
    if media_type.startswith("text/html"):
        live = urlsplit(live_url or "")
        return _PAGE_POLICY.format(live=f" {live.scheme}://{live.netloc}" if live_url else "")
    return _SCRIPT_POLICY
