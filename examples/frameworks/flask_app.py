"""A Flask app. Its client is made before gunicorn forks the workers, each of which connects by itself.

Run it with `gunicorn --preload --workers 4 --threads 8 flask_app:app`.
"""

import logging

from flask import Flask, Response, jsonify, request
from flask.typing import ResponseReturnValue

from knetik_cloud import ApiClient, ApiException, Hook, UsersInventoryApi, deadline
from knetik_cloud.hooks import Attempt

app = Flask(__name__)


class CorrelationId(Hook):
    """Sends the id of the request being handled along with each call, and logs slow attempts."""

    def on_attempt_start(self, attempt: Attempt) -> None:
        if request:
            attempt.headers["X-Correlation-Id"] = request.headers.get("X-Correlation-Id", "none")

    def on_attempt_end(self, attempt: Attempt) -> None:
        if attempt.seconds > 1:
            logging.getLogger(__name__).warning("%s took %.1f s", attempt.operation, attempt.seconds)


client = ApiClient()
client.configuration.hooks = (CorrelationId(),)
api = UsersInventoryApi(client)


@app.get("/users/<int:user_id>/entries/<int:entry_id>")
def read_entry(user_id: int, entry_id: int) -> ResponseReturnValue:
    with deadline(2.0):  # for all calls of the request
        entry = api.get_user_inventory(user_id, entry_id)
    return Response(entry.to_json(), mimetype="application/json")


@app.get("/health")
def health() -> ResponseReturnValue:
    found = client.ping()
    return found.problem or "ok", 200 if found else 503


@app.errorhandler(ApiException)
def report(error: ApiException) -> ResponseReturnValue:
    status = error.status if error.status in (403, 404, 409) else 502
    return jsonify(detail=error.reason, request_id=error.request_id), status
