"""How answers leave: JSON, pages and files, with a tag by which a client need not fetch the same thing twice."""

import asyncio
import json
from collections.abc import Callable
from concurrent.futures import Executor
from hashlib import blake2b
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.responses import Response

from voicebill.web.site import Site

Result = TypeVar("Result")

REVALIDATE = "no-cache"
"""To be asked for again each time: prices and days move on. With the tag that costs little."""
IMMUTABLE = "public, max-age=31536000, immutable"
"""For what never changes under its address."""


def with_etag(
    request: Request, body: bytes, media_type: str, *, cache: str = REVALIDATE, headers: dict[str, str] | None = None
) -> Response:
    """An answer with its tag; nothing but the tag where the client has it already."""
    etag = f'W/"{blake2b(body, digest_size=12).hexdigest()}"'
    response_headers = {"etag": etag, "cache-control": cache, **(headers or {})}
    if request.method in ("GET", "HEAD") and etag in (
        client_tag.strip() for client_tag in request.headers.get("if-none-match", "").split(",")
    ):
        return Response(status_code=304, headers=response_headers)
    return Response(body, media_type=media_type, headers=response_headers)


def json_response(request: Request, shape: dict[str, Any], site: Site) -> Response:
    """An answer's shape, with the version that gave it, as the command line prints it."""
    return with_etag(request, _body(shape, site), "application/json")


def uncached(shape: dict[str, Any], site: Site) -> Response:
    """An answer's shape that nobody on its way may keep."""
    return Response(_body(shape, site), media_type="application/json", headers={"cache-control": "no-store"})


def _body(shape: dict[str, Any], site: Site) -> bytes:
    return json.dumps({"voicebill": site.version, **shape}, ensure_ascii=False, separators=(",", ":")).encode()


async def run_in_threads(site: Site, work: Callable[[], Result], workers: Executor | None = None) -> Result:
    """Something that takes longer than a few milliseconds, done beside the loop, by the site's workers or by these."""
    return await asyncio.get_running_loop().run_in_executor(workers or site.workers, work)
