"""The calls of `AccessTokenApi`.

Generated from the contract by `python -m codegen`: edit the contract, not this file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from knetik_cloud.api_client import Api
from knetik_cloud.operations import GET_O_AUTH_TOKEN
from knetik_cloud.secret import Secret

if TYPE_CHECKING:
    from typing import Unpack

    from knetik_cloud.core.operation import ApiResponse
    from knetik_cloud.core.options import CallOptions
    from knetik_cloud.models import OAuth2Resource


class AccessTokenApi(Api):
    """Access tokens for all other calls.

    `AccessTokenApi(api_client)` calls through that client; without one it makes its own from a default
    `Configuration`, which is closed with it.
    """

    def get_o_auth_token(
        self,
        grant_type: str = "client_credentials",
        client_id: str = "knetik",
        *,
        client_secret: str | Secret | None = None,
        username: str | None = None,
        password: str | Secret | None = None,
        token: str | Secret | None = None,
        refresh_token: str | Secret | None = None,
        **options: Unpack[CallOptions],
    ) -> OAuth2Resource:
        """Get an access token.

        Exchanges credentials for an access token, which goes with every other call and lasts for
        `expires_in` seconds. The credentials travel in the form body; the service also takes them in
        the query string, but URLs end up in logs. Asking again does no harm.

        Args:
            grant_type: Grant to use. `client_credentials` needs `client_id` and `client_secret`;
                `password` needs `client_id`, `username` and `password`; `refresh_token` needs
                `client_id` and `refresh_token`; `facebook` and `google` need `client_id` and `token`.
                Grants other than `client_credentials` send `client_secret` too where the client has
                one. Known values, others may come: `client_credentials`, `password`, `refresh_token`,
                `facebook`, `google`.
            client_id: Id that the application is registered under.
            client_secret: Secret of the application.
            username: Name that the user logs in with; for the `password` grant.
            password: The user's password; for the `password` grant.
            token: Access token of the social network; for the `facebook` and `google` grants.
            refresh_token: Refresh token that came with an earlier access token; for the `refresh_token`
                grant.
            **options: What holds for this call only; see `CallOptions`.

        Returns:
            The access token.

        Raises:
            BadRequestException: No token is given: the grant is unknown, or its credentials are missing
                or wrong. The body comes in OAuth's form or as a Result.
            UnauthorizedException: No token is given: the grant is unknown, or its credentials are
                missing or wrong. The body comes in OAuth's form or as a Result.
            ForbiddenException: The caller may not do this: a permission is lacking, or a rule of the
                item stands against it.
            NotFoundException: Something that the request names does not exist.
            ApiException: Whatever else goes wrong; the errors above are kinds of it.

        Permission: none. Safe to repeat: a try that fails on the way changes nothing, so the client
        makes another.
        """
        client_secret = Secret.wrap(client_secret)
        password = Secret.wrap(password)
        token = Secret.wrap(token)
        refresh_token = Secret.wrap(refresh_token)
        return self._call(
            GET_O_AUTH_TOKEN,
            {
                "grant_type": grant_type,
                "client_id": client_id,
                "client_secret": client_secret,
                "username": username,
                "password": password,
                "token": token,
                "refresh_token": refresh_token,
            },
            options,
        )

    def get_o_auth_token_with_http_info(
        self,
        grant_type: str = "client_credentials",
        client_id: str = "knetik",
        *,
        client_secret: str | Secret | None = None,
        username: str | None = None,
        password: str | Secret | None = None,
        token: str | Secret | None = None,
        refresh_token: str | Secret | None = None,
        **options: Unpack[CallOptions],
    ) -> ApiResponse[OAuth2Resource]:
        """Do `get_o_auth_token`; return its result together with the HTTP status and headers."""
        client_secret = Secret.wrap(client_secret)
        password = Secret.wrap(password)
        token = Secret.wrap(token)
        refresh_token = Secret.wrap(refresh_token)
        return self._call_with_http_info(
            GET_O_AUTH_TOKEN,
            {
                "grant_type": grant_type,
                "client_id": client_id,
                "client_secret": client_secret,
                "username": username,
                "password": password,
                "token": token,
                "refresh_token": refresh_token,
            },
            options,
        )
