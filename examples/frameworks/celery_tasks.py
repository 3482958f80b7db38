"""A Celery task that grants an entitlement, and never twice.

A task whose worker is killed isn't delivered again (`acks_late` is off), so its grant may be missing. A bulk
run with a journal also finds that out. A grant whose response is lost may also be missing if another worker
grants the same item to the same user in between: lock the user during the task if that can happen.

Run it with `celery -A celery_tasks worker`. The host and the credentials come from the environment.
"""

import os
from typing import Any

from celery import Celery, Task, signals

from knetik_cloud import ApiClient, ApiException, EntitlementGrantRequest, UsersInventoryApi

app = Celery(
    "shop",
    broker=os.environ.get("CELERY_BROKER_URL", "memory://"),
    backend=os.environ.get("CELERY_RESULT_BACKEND", "cache+memory://"),
)
client = ApiClient()  # before the workers are forked: each gets connections of its own


@signals.worker_process_init.connect
def warm_up(**_: Any) -> None:
    """Connect and obtain a token before the first task comes."""
    client.warm_up()


@app.task(bind=True, max_retries=5)
def grant(self: "Task[Any, Any]", user_id: int, entitlement_id: int) -> str:
    """Grant an entitlement, and try again later only if it was certainly not granted."""
    try:
        UsersInventoryApi(client).grant_user_entitlement(
            user_id, EntitlementGrantRequest(entitlement_id=entitlement_id)
        )
    except ApiException as error:
        if error.may_have_applied:
            state = client.find_out(error).state
            if state != "absent":
                return state
        elif error.status is not None and error.status < 500 and error.status != 429:
            raise  # the service rejected the grant, and would do so again
        raise self.retry(exc=error, countdown=error.retry_after or 1) from error
    return "applied"
