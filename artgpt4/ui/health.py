"""What a load balancer or a monitor asks: /healthz, is the process there; /readyz, would a question be answered."""

from concurrent.futures import Future
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from artgpt4.ui.words import fetched

if TYPE_CHECKING:
    from artgpt4.chat import ChatModel


def health_routes(model: "Future[ChatModel]") -> list[Route]:
    """Both routes. /readyz answers 503 while the model is being loaded, and when it could not be."""

    async def healthz(request: Request) -> JSONResponse:
        return JSONResponse({"status": "ok"})

    async def readyz(request: Request) -> JSONResponse:
        if not model.done():
            return JSONResponse({"status": "loading", "progress": fetched(model, "en")}, status_code=503)
        if model.exception() is not None:
            return JSONResponse({"status": "failed"}, status_code=503)
        return JSONResponse({"status": "ready", "model": model.result().name})

    return [Route("/healthz", healthz), Route("/readyz", readyz)]
