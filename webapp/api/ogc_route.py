"""Routes of OGC API Features: what the standard answers with 400 and 404, where others of this API answer with 422."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute

from webapp.building_errors import CursorInvalid
from webapp.errors import NotFound, RequestInvalid
from webapp.ogc_errors import QueryInvalid

type Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class OgcRoute(APIRoute):
    """A route whose unknown or wrong parameters are a `QueryInvalid`, and whose impossible ids are `NotFound`."""

    def get_route_handler(self) -> Handler:
        """Return the usual handler with its errors turned."""
        handle = super().get_route_handler()

        async def handle_as_standard(request: Request) -> Response:
            try:
                return await handle(request)
            except RequestValidationError as error:
                raise _turned(error, request) from error
            except (CursorInvalid, RequestInvalid) as error:
                raise QueryInvalid(detail=str(error).rstrip(".")) from error

        return handle_as_standard


def _turned(error: RequestValidationError, request: Request) -> QueryInvalid | NotFound:
    found = error.errors()
    wrong_path = next((one for one in found if one["loc"][:1] == ("path",)), None)
    if wrong_path is not None:
        name = str(wrong_path["loc"][-1])
        return NotFound(kind=name.removesuffix("_id"), id=str(request.path_params.get(name, ""))[:100])
    listed = (f"{'.'.join(map(str, one['loc'][1:]))}: {one['msg']}" for one in found[:5])
    return QueryInvalid(detail="; ".join(listed)[:500])
