"""The pages for people: static files that hold no data, so anyone may have them."""

from __future__ import annotations

import hashlib
from pathlib import Path

from fastapi import Request, Response
from starlette.routing import Route

_FOLDER = Path(__file__).parent.parent / "console"
_MEDIA_TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
_ADDRESSES = {"index.html": "/", "lead.html": "/lead"}


def page_routes() -> list[Route]:
    """The reviewers' page at ``/``, the leads' at ``/lead``, and their scripts and styles beside them."""
    return [_route(file) for file in sorted(_FOLDER.rglob("*")) if file.suffix in _MEDIA_TYPES]


def _route(file: Path) -> Route:
    content, media_type = file.read_bytes(), _MEDIA_TYPES[file.suffix]
    # Asked for every time, sent when new: after an upgrade nobody may keep an old script with a new page.
    headers = {"Cache-Control": "no-cache", "ETag": f'"{hashlib.sha256(content).hexdigest()[:16]}"'}

    async def serve(request: Request) -> Response:
        if request.headers.get("if-none-match") == headers["ETag"]:
            return Response(status_code=304, headers=headers)
        return Response(content, media_type=media_type, headers=headers)

    name = file.relative_to(_FOLDER).as_posix()
    return Route(_ADDRESSES.get(name, f"/{name}"), serve)
