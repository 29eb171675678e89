"""The page to label by hand: static files that hold no data, so anyone may have them."""

from __future__ import annotations

from pathlib import Path

from fastapi import Request, Response
from starlette.routing import Route

_FOLDER = Path(__file__).parent.parent / "console"
_MEDIA_TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css"}


def page_routes() -> list[Route]:
    """The page at ``/`` and its scripts and styles beside it."""
    return [_route(file) for file in sorted(_FOLDER.iterdir()) if file.suffix in _MEDIA_TYPES]


def _route(file: Path) -> Route:
    content, media_type = file.read_bytes(), _MEDIA_TYPES[file.suffix]

    async def serve(_: Request) -> Response:
        # After an upgrade nobody may keep the old script with the new page.
        return Response(content, media_type=media_type, headers={"Cache-Control": "no-cache"})

    return Route("/" if file.name == "index.html" else f"/{file.name}", serve)
