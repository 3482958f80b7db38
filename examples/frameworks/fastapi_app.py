"""A FastAPI app: one client for all requests, models as parameters and results, errors as responses.

Run it with `uvicorn fastapi_app:app`. `KNETIK_CLOUD_HOST` and the credentials come from the environment.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import Body, Depends, FastAPI, Request, Response
from fastapi.responses import JSONResponse

from knetik_cloud import ApiException, EntitlementGrantRequest, UserInventoryResource, deadline
from knetik_cloud.aio import ApiClient, UsersInventoryApi


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with ApiClient() as client:
        app.state.inventory = UsersInventoryApi(client)
        yield


async def shared_api(request: Request) -> UsersInventoryApi:
    api: UsersInventoryApi = request.app.state.inventory
    return api


app = FastAPI(lifespan=lifespan)
Api = Annotated[UsersInventoryApi, Depends(shared_api)]


@app.get("/users/{user_id}/entries/{entry_id}")
async def read_entry(user_id: int, entry_id: int, api: Api) -> UserInventoryResource:
    with deadline(2.0):  # for all calls of the request
        return await api.get_user_inventory(user_id, entry_id)


@app.post("/users/{user_id}/grants", status_code=204)
async def grant(user_id: int, grant_request: Annotated[EntitlementGrantRequest, Body()], api: Api) -> None:
    await api.grant_user_entitlement(user_id, grant_request)


@app.get("/health")
async def health(response: Response, api: Api) -> str:
    found = await api.api_client.ping()
    response.status_code = 200 if found else 503
    return found.problem or "ok"


@app.exception_handler(ApiException)
async def report(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ApiException)
    status = error.status if error.status in (403, 404, 409) else 502
    return JSONResponse({"detail": error.reason, "request_id": error.request_id}, status)
