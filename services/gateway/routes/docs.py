"""The interactive page at /docs, in development: Swagger UI from a package, so that it works without the internet."""

from functools import cache
from importlib.resources import files

from fastapi import APIRouter, Response

from services.gateway.errors import Refusal, Refused
from services.gateway.openapi import TITLE

router = APIRouter(include_in_schema=False)

# Swagger UI writes style attributes of its own and shows its icons as data; scripts are ours and the package's only.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_PAGE = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{TITLE}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body>
<div id="calls"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
"""
_START = """window.addEventListener("load", () => SwaggerUIBundle({
  url: "/openapi.json", dom_id: "#calls", deepLinking: true, tryItOutEnabled: true, persistAuthorization: false,
}));
"""
_OF_THE_PACKAGE = {"swagger-ui-bundle.js": "text/javascript", "swagger-ui.css": "text/css"}


@router.get("/docs")
def docs_page() -> Response:
    """Every call, to try."""
    return Response(_PAGE, media_type="text/html", headers={"Content-Security-Policy": _POLICY})


@router.get("/docs/{name}")
def docs_file(name: str) -> Response:
    """What the page needs."""
    if name == "start.js":
        return Response(_START, media_type="text/javascript")
    if name not in _OF_THE_PACKAGE:
        raise Refused(Refusal.NOT_FOUND)
    return Response(_asset(name), media_type=_OF_THE_PACKAGE[name])


@cache
def _asset(name: str) -> bytes:
    return (files("fastapi_offline") / "static" / name).read_bytes()
