"""The calls of `AccessTokenApi`.

Generated from the contract by `python -m codegen`: edit the contract, not this file.
"""

from __future__ import annotations

from typing import Unpack

from knetik_cloud import models
from knetik_cloud.aio.api_client import Api
from knetik_cloud.core.methods import with_http_info_async
from knetik_cloud.core.options import CallOptions
from knetik_cloud.operations import GET_O_AUTH_TOKEN
from knetik_cloud.secret import Secret


class AccessTokenApi(Api):
    """Access tokens for all other calls.

    `AccessTokenApi(api_client)` calls through that client. Without one, it creates a client from a
    default `Configuration`, which is closed with this object.

    Each method also takes the options of `CallOptions`, and has a variant `..._with_http_info`. The
    client retries a failed attempt only if that is safe.

    An `iter_...` method takes the same arguments as its list, except the page, and returns a `Pager`.
    The pager sends nothing until an `async for` reads it, page by page. It never returns an item twice,
    and warns with a `RowsMovedWarning` if it may have missed one.

    Raises:
        BadRequestException: No token was granted because the grant is unknown, or its credentials are
            missing or wrong. The body is an OAuth error or a Result.
        UnauthorizedException: No token was granted because the grant is unknown, or its credentials are
            missing or wrong. The body is an OAuth error or a Result.
        ForbiddenException: The caller is missing a permission, or a rule of the item denies the
            request.
        NotFoundException: The user, item, template or entry in the request does not exist.
        ApiException: If the call fails for any other reason. The exceptions above are subclasses.
    """

    async def get_o_auth_token(
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
    ) -> models.OAuth2Resource:
        """Get an access token.

        Exchanges credentials for an access token, which authorizes all other calls and expires after
        `expires_in` seconds. Send the credentials in the form body. The service also accepts them in
        the query string, but URLs end up in logs. The call is safe to retry.

        Args:
            grant_type: The grant to use. `client_credentials` requires `client_id` and `client_secret`.
                `password` requires `client_id`, `username` and `password`. `refresh_token` requires
                `client_id` and `refresh_token`. `facebook` and `google` require `client_id` and
                `token`. The other grants also send `client_secret` if the client has one. Known values
                (others may be added): `client_credentials`, `password`, `refresh_token`, `facebook`,
                `google`.
            client_id: The id under which the application is registered.
            client_secret: The application's secret.
            username: The user's login name, for the `password` grant.
            password: The user's password, for the `password` grant.
            token: An access token of the social network, for the `facebook` and `google` grants.
            refresh_token: The refresh token that came with an earlier access token, for the
                `refresh_token` grant.

        Returns:
            The access token.

        Permission: none. Safe to retry.
        """
        client_secret = Secret.wrap(client_secret)
        password = Secret.wrap(password)
        token = Secret.wrap(token)
        refresh_token = Secret.wrap(refresh_token)
        return await self._call(
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

    get_o_auth_token_with_http_info = with_http_info_async(
        get_o_auth_token, "client_secret", "password", "token", "refresh_token"
    )
