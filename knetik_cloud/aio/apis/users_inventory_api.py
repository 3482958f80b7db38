"""The calls of `UsersInventoryApi`.

Generated from the contract by `python -m codegen`: edit the contract, not this file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from knetik_cloud.aio.api_client import Api
from knetik_cloud.operations import (
    ADD_ITEM_TO_USER_INVENTORY,
    CHECK_USER_ENTITLEMENT_ITEM,
    CREATE_ENTITLEMENT_ITEM,
    CREATE_ENTITLEMENT_TEMPLATE,
    DELETE_ENTITLEMENT_ITEM,
    DELETE_ENTITLEMENT_TEMPLATE,
    GET_ENTITLEMENT_ITEM,
    GET_ENTITLEMENT_ITEMS,
    GET_ENTITLEMENT_TEMPLATE,
    GET_ENTITLEMENT_TEMPLATES,
    GET_USER_INVENTORIES,
    GET_USER_INVENTORY,
    GET_USER_INVENTORY_LOG,
    GET_USERS_INVENTORY,
    GRANT_USER_ENTITLEMENT,
    UPDATE_ENTITLEMENT_ITEM,
    UPDATE_ENTITLEMENT_TEMPLATE,
    UPDATE_USER_INVENTORY_BEHAVIOR_DATA,
    UPDATE_USER_INVENTORY_EXPIRES,
    UPDATE_USER_INVENTORY_STATUS,
    USE_USER_ENTITLEMENT_ITEM,
)

if TYPE_CHECKING:
    import datetime as dt
    from typing import Unpack

    from knetik_cloud.aio.paging import Pager
    from knetik_cloud.core.operation import ApiResponse
    from knetik_cloud.core.options import CallOptions
    from knetik_cloud.filters import DateFilter
    from knetik_cloud.models import (
        EntitlementGrantRequest,
        EntitlementItem,
        InvoiceResource,
        ItemTemplateResource,
        PageResourceEntitlementItem,
        PageResourceItemTemplateResource,
        PageResourceUserInventoryResource,
        PageResourceUserItemLogResource,
        UserInventoryAddRequest,
        UserInventoryResource,
        UserItemLogResource,
    )
    from knetik_cloud.sorting import SortOrder


class UsersInventoryApi(Api):
    """Entitlement items and templates, and the inventories of users.

    `UsersInventoryApi(api_client)` calls through that client; without one it makes its own from a
    default `Configuration`, which is closed with it.
    """

    async def add_item_to_user_inventory(
        self,
        id: int | str,
        *,
        user_inventory_add_request: UserInventoryAddRequest | None = None,
        **options: Unpack[CallOptions],
    ) -> InvoiceResource | None:
        """Add an item to a user's inventory by SKU.

        Puts what an SKU stands for into a user's inventory, through an invoice. The invoice is answered
        at once and fulfilled later: to be sure, read the inventory until the entry is there and active.
        With `skip_invoice` the item is delivered before the call returns, and since there is no
        invoice, the answer is empty. Sent twice, it adds twice.

        Args:
            id: Id of the user who holds the inventory.
            user_inventory_add_request: What to add, and how.
            **options: What holds for this call only; see `CallOptions`.

        Returns:
            The invoice, which may not be fulfilled yet; null, or no body at all, when `skip_invoice`
                was true. An empty answer is None.

        Raises:
            BadRequestException: The request was refused: a value is missing or wrong, or it conflicts
                with what the service holds. Nothing was changed.
            UnauthorizedException: The access token is missing, expired or revoked. The body comes in
                OAuth's form or as a Result.
            ForbiddenException: The caller may not do this: a permission is lacking, or a rule of the
                item stands against it.
            NotFoundException: Something that the request names does not exist.
            ApiException: Whatever else goes wrong; the errors above are kinds of it.

        Permission: INVENTORY_ADMIN. Sent once: the client repeats it only where the service can't have
        acted; otherwise the error's `may_have_applied` says whether it may have.
        """
        return await self._call(
            ADD_ITEM_TO_USER_INVENTORY,
            {"id": id, "user_inventory_add_request": user_inventory_add_request},
            options,
        )

    async def add_item_to_user_inventory_with_http_info(
        self,
        id: int | str,
        *,
        user_inventory_add_request: UserInventoryAddRequest | None = None,
        **options: Unpack[CallOptions],
    ) -> ApiResponse[InvoiceResource | None]:
        """Do `add_item_to_user_inventory`; return its result together with the HTTP status and headers."""
        return await self._call_with_http_info(
            ADD_ITEM_TO_USER_INVENTORY,
            {"id": id, "user_inventory_add_request": user_inventory_add_request},
            options,
        )

    async def check_user_entitlement_item(
        self,
        user_id: int | str,
        item_id: int | str,
        *,
        sku: str | None = None,
        **options: Unpack[CallOptions],
    ) -> None:
        """Check whether a user may use an item.

        Applies every rule that a use would meet (expiry, uses left, periods, status) and consumes
        nothing. An empty answer means yes; a refusal comes as an error, 403 with the reason.

        Args:
            user_id: Id of the user who holds the inventory, or `me` for the user whom the access token
                belongs to.
            item_id: Id of the entitlement item.
            sku: SKU of the one addition that is meant, where the item is an entitlement list. Rarely
                needed: leave it out for every other kind of item.
            **options: What holds for this call only; see `CallOptions`.

        Raises:
            BadRequestException: The request was refused: a value is missing or wrong, or it conflicts
                with what the service holds. Nothing was changed.
            UnauthorizedException: The access token is missing, expired or revoked. The body comes in
                OAuth's form or as a Result.
            ForbiddenException: The caller may not do this: a permission is lacking, or a rule of the
                item stands against it.
            NotFoundException: Something that the request names does not exist.
            ApiException: Whatever else goes wrong; the errors above are kinds of it.

        Permission: INVENTORY_ADMIN or owner. Safe to repeat: a try that fails on the way changes
        nothing, so the client makes another.
        """
        return await self._call(
            CHECK_USER_ENTITLEMENT_ITEM, {"user_id": user_id, "item_id": item_id, "sku": sku}, options
        )

    async def check_user_entitlement_item_with_http_info(
        self,
        user_id: int | str,
        item_id: int | str,
        *,
        sku: str | None = None,
        **options: Unpack[CallOptions],
    ) -> ApiResponse[None]:
        """Do `check_user_entitlement_item`; return its result together with the HTTP status and headers."""
        return await self._call_with_http_info(
            CHECK_USER_ENTITLEMENT_ITEM, {"user_id": user_id, "item_id": item_id, "sku": sku}, options
        )

    async def create_entitlement_item(
        self,
        *,
        cascade: bool | None = None,
        entitlement_item: EntitlementItem | None = None,
        **options: Unpack[CallOptions],
    ) -> EntitlementItem:
        """Create an entitlement item.

        Creates an entitlement item and answers with it, complete with its id. `name` and `type_hint`
        are required. An item with a template must carry what the template asks for. Sent twice, it
        makes two items, unless a `unique_key` stops the second.

        Args:
            cascade: Groups of limits are shared by items. True carries settings of this item's groups
                over to the other items of these groups; false refuses (400) an item whose group is in
                use with other settings. Left out, the service takes False.
            entitlement_item: The item to create. Its id and dates are the service's to set, and are
                ignored here.
            **options: What holds for this call only; see `CallOptions`.

        Returns:
            The item that was created.

        Raises:
            BadRequestException: The request was refused: a value is missing or wrong, or it conflicts
                with what the service holds. Nothing was changed.
            UnauthorizedException: The access token is missing, expired or revoked. The body comes in
                OAuth's form or as a Result.
            ForbiddenException: The caller may not do this: a permission is lacking, or a rule of the
                item stands against it.
            NotFoundException: Something that the request names does not exist.
            ApiException: Whatever else goes wrong; the errors above are kinds of it.

        Permission: INVENTORY_ADMIN. Sent once: the client repeats it only where the service can't have
        acted; otherwise the error's `may_have_applied` says whether it may have.
        """
        return await self._call(
            CREATE_ENTITLEMENT_ITEM, {"cascade": cascade, "entitlement_item": entitlement_item}, options
        )

    async def create_entitlement_item_with_http_info(
        self,
        *,
        cascade: bool | None = None,
        entitlement_item: EntitlementItem | None = None,
        **options: Unpack[CallOptions],
    ) -> ApiResponse[EntitlementItem]:
        """Do `create_entitlement_item`; return its result together with the HTTP status and headers."""
        return await self._call_with_http_info(
            CREATE_ENTITLEMENT_ITEM, {"cascade": cascade, "entitlement_item": entitlement_item}, options
        )

    async def create_entitlement_template(
        self, *, template: ItemTemplateResource | None = None, **options: Unpack[CallOptions]
    ) -> ItemTemplateResource:
        """Create an entitlement template.

        Creates a template and answers with it, complete with its id. A template says which properties
        its items carry and which behaviors they start with. Sent twice, it makes two templates.

        Args:
            template: The template to create. Its id and dates are the service's to set, and are ignored
                here.
            **options: What holds for this call only; see `CallOptions`.

        Returns:
            The template that was created.

        Raises:
            BadRequestException: The request was refused: a value is missing or wrong, or it conflicts
                with what the service holds. Nothing was changed.
            UnauthorizedException: The access token is missing, expired or revoked. The body comes in
                OAuth's form or as a Result.
            ForbiddenException: The caller may not do this: a permission is lacking, or a rule of the
                item stands against it.
            NotFoundException: Something that the request names does not exist.
            ApiException: Whatever else goes wrong; the errors above are kinds of it.

        Permission: TEMPLATE_ADMIN. Sent once: the client repeats it only where the service can't have
        acted; otherwise the error's `may_have_applied` says whether it may have.
        """
        return await self._call(CREATE_ENTITLEMENT_TEMPLATE, {"template": template}, options)

    async def create_entitlement_template_with_http_info(
        self, *, template: ItemTemplateResource | None = None, **options: Unpack[CallOptions]
    ) -> ApiResponse[ItemTemplateResource]:
        """Do `create_entitlement_template`; return its result together with the HTTP status and headers."""
        return await self._call_with_http_info(CREATE_ENTITLEMENT_TEMPLATE, {"template": template}, options)

    async def delete_entitlement_item(
        self, entitlement_id: int | str, **options: Unpack[CallOptions]
    ) -> None:
        """Delete an entitlement item.

        Deletes an entitlement item. What becomes of inventory entries that hold it is not documented.

        Args:
            entitlement_id: Id of the entitlement item.
            **options: What holds for this call only; see `CallOptions`.

        Raises:
            BadRequestException: The request was refused: a value is missing or wrong, or it conflicts
                with what the service holds. Nothing was changed.
            UnauthorizedException: The access token is missing, expired or revoked. The body comes in
                OAuth's form or as a Result.
            ForbiddenException: The caller may not do this: a permission is lacking, or a rule of the
                item stands against it.
            NotFoundException: Something that the request names does not exist.
            ApiException: Whatever else goes wrong; the errors above are kinds of it.

        Permission: INVENTORY_ADMIN. Idempotent: doing it twice leaves the same state, so the client
        repeats a try that fails on the way.
        """
        return await self._call(DELETE_ENTITLEMENT_ITEM, {"entitlement_id": entitlement_id}, options)

    async def delete_entitlement_item_with_http_info(
        self, entitlement_id: int | str, **options: Unpack[CallOptions]
    ) -> ApiResponse[None]:
        """Do `delete_entitlement_item`; return its result together with the HTTP status and headers."""
        return await self._call_with_http_info(
            DELETE_ENTITLEMENT_ITEM, {"entitlement_id": entitlement_id}, options
        )

    async def delete_entitlement_template(
        self, id: str, *, cascade: str | None = None, **options: Unpack[CallOptions]
    ) -> None:
        """Delete an entitlement template.

        Deletes a template. One that items still use is refused (400), unless `cascade` says to detach
        it from them; the items stay, and are no longer checked.

        Args:
            id: Id of the template, a text that the service made.
            cascade: `detach` deletes the template even when items use it, and clears their `template`;
                left out, a template in use is kept. Known values, others may come: `detach`.
            **options: What holds for this call only; see `CallOptions`.

        Raises:
            BadRequestException: The request was refused: a value is missing or wrong, or it conflicts
                with what the service holds. Nothing was changed.
            UnauthorizedException: The access token is missing, expired or revoked. The body comes in
                OAuth's form or as a Result.
            ForbiddenException: The caller may not do this: a permission is lacking, or a rule of the
                item stands against it.
            NotFoundException: Something that the request names does not exist.
            ApiException: Whatever else goes wrong; the errors above are kinds of it.

        Permission: TEMPLATE_ADMIN. Idempotent: doing it twice leaves the same state, so the client
        repeats a try that fails on the way.
        """
        return await self._call(DELETE_ENTITLEMENT_TEMPLATE, {"id": id, "cascade": cascade}, options)

    async def delete_entitlement_template_with_http_info(
        self, id: str, *, cascade: str | None = None, **options: Unpack[CallOptions]
    ) -> ApiResponse[None]:
        """Do `delete_entitlement_template`; return its result together with the HTTP status and headers."""
        return await self._call_with_http_info(
            DELETE_ENTITLEMENT_TEMPLATE, {"id": id, "cascade": cascade}, options
        )

    async def get_entitlement_item(
        self, entitlement_id: int | str, **options: Unpack[CallOptions]
    ) -> EntitlementItem:
        """Get an entitlement item.

        Reads one entitlement item with all its behaviors and properties.

        Args:
            entitlement_id: Id of the entitlement item.
            **options: What holds for this call only; see `CallOptions`.

        Returns:
            The item.

        Raises:
            BadRequestException: The request was refused: a value is missing or wrong, or it conflicts
                with what the service holds. Nothing was changed.
            UnauthorizedException: The access token is missing, expired or revoked. The body comes in
                OAuth's form or as a Result.
            ForbiddenException: The caller may not do this: a permission is lacking, or a rule of the
                item stands against it.
            NotFoundException: Something that the request names does not exist.
            ApiException: Whatever else goes wrong; the errors above are kinds of it.

        Permission: none. Safe to repeat: a try that fails on the way changes nothing, so the client
        makes another.
        """
        return await self._call(GET_ENTITLEMENT_ITEM, {"entitlement_id": entitlement_id}, options)

    async def get_entitlement_item_with_http_info(
        self, entitlement_id: int | str, **options: Unpack[CallOptions]
    ) -> ApiResponse[EntitlementItem]:
        """Do `get_entitlement_item`; return its result together with the HTTP status and headers."""
        return await self._call_with_http_info(
            GET_ENTITLEMENT_ITEM, {"entitlement_id": entitlement_id}, options
        )

    async def get_entitlement_items(
        self,
        *,
        size: int | str | None = None,
        page: int | str | None = None,
        order: str | SortOrder | None = None,
        **options: Unpack[CallOptions],
    ) -> PageResourceEntitlementItem:
        """List entitlement items.

        Lists all entitlement items, a page at a time. Behaviors may be missing here: read the single
        item to be sure to see them.

        Args:
            size: How many records a page holds; 1 or more. The largest size that the service grants is
                not documented. Left out, the service takes 25.
            page: Which page to return; the first is 1. A page past the end is empty. Left out, the
                service takes 1.
            order: Keys to sort by, strongest first: `FIELD:ASC` or `FIELD:DESC`, separated by commas
                without spaces, with fields named as in the JSON. Left out, the service takes 'id:ASC'.
            **options: What holds for this call only; see `CallOptions`.

        Returns:
            The page asked for.

        Raises:
            BadRequestException: The request was refused: a value is missing or wrong, or it conflicts
                with what the service holds. Nothing was changed.
            UnauthorizedException: The access token is missing, expired or revoked. The body comes in
                OAuth's form or as a Result.
            ForbiddenException: The caller may not do this: a permission is lacking, or a rule of the
                item stands against it.
            NotFoundException: Something that the request names does not exist.
            ApiException: Whatever else goes wrong; the errors above are kinds of it.

        Permission: none. Safe to repeat: a try that fails on the way changes nothing, so the client
        makes another.
        """
        return await self._call(GET_ENTITLEMENT_ITEMS, {"size": size, "page": page, "order": order}, options)

    async def get_entitlement_items_with_http_info(
        self,
        *,
        size: int | str | None = None,
        page: int | str | None = None,
        order: str | SortOrder | None = None,
        **options: Unpack[CallOptions],
    ) -> ApiResponse[PageResourceEntitlementItem]:
        """Do `get_entitlement_items`; return its result together with the HTTP status and headers."""
        return await self._call_with_http_info(
            GET_ENTITLEMENT_ITEMS, {"size": size, "page": page, "order": order}, options
        )

    def iter_entitlement_items(
        self,
        *,
        order: str | SortOrder | None = None,
        limit: int | None = None,
        page_size: int | None = None,
        prefetch: int = 0,
        deadline: float | None = None,
        **options: Unpack[CallOptions],
    ) -> Pager[EntitlementItem, PageResourceEntitlementItem]:
        """Give what `get_entitlement_items` lists, over all its pages.

        Nothing is sent yet: an `async for` over the `Pager` fetches page after page, and over its
        `pages()` gives the pages themselves. No item is given twice; a `RowsMovedWarning` says when one
        may be missing.

        Args:
            order: Keys to sort by, strongest first: `FIELD:ASC` or `FIELD:DESC`, separated by commas
                without spaces, with fields named as in the JSON. Left out, the service takes 'id:ASC'.
            limit: How many items are given at most; None gives all.
            page_size: How many items a page is to hold; None leaves that to the service.
            prefetch: How many pages tasks fetch ahead at most, 0 to 64.
            deadline: Seconds for the whole reading; None sets no limit but that of each call.
            **options: What holds for each of the calls; see `CallOptions`.

        Raises:
            ApiValueError: A number is out of range.

        The loop raises what `get_entitlement_items` raises, and DeadlineExceeded.
        """
        return self._pager(
            GET_ENTITLEMENT_ITEMS,
            {"order": order},
            options,
            limit=limit,
            page_size=page_size,
            prefetch=prefetch,
            deadline=deadline,
        )

    async def get_entitlement_template(self, id: str, **options: Unpack[CallOptions]) -> ItemTemplateResource:
        """Get an entitlement template.

        Reads one entitlement template.

        Args:
            id: Id of the template, a text that the service made.
            **options: What holds for this call only; see `CallOptions`.

        Returns:
            The template.

        Raises:
            BadRequestException: The request was refused: a value is missing or wrong, or it conflicts
                with what the service holds. Nothing was changed.
            UnauthorizedException: The access token is missing, expired or revoked. The body comes in
                OAuth's form or as a Result.
            ForbiddenException: The caller may not do this: a permission is lacking, or a rule of the
                item stands against it.
            NotFoundException: Something that the request names does not exist.
            ApiException: Whatever else goes wrong; the errors above are kinds of it.

        Permission: TEMPLATE_ADMIN or ACHIEVEMENTS_ADMIN. Safe to repeat: a try that fails on the way
        changes nothing, so the client makes another.
        """
        return await self._call(GET_ENTITLEMENT_TEMPLATE, {"id": id}, options)

    async def get_entitlement_template_with_http_info(
        self, id: str, **options: Unpack[CallOptions]
    ) -> ApiResponse[ItemTemplateResource]:
        """Do `get_entitlement_template`; return its result together with the HTTP status and headers."""
        return await self._call_with_http_info(GET_ENTITLEMENT_TEMPLATE, {"id": id}, options)

    async def get_entitlement_templates(
        self,
        *,
        size: int | str | None = None,
        page: int | str | None = None,
        order: str | SortOrder | None = None,
        **options: Unpack[CallOptions],
    ) -> PageResourceItemTemplateResource:
        """List entitlement templates.

        Lists all entitlement templates, a page at a time.

        Args:
            size: How many records a page holds; 1 or more. The largest size that the service grants is
                not documented. Left out, the service takes 25.
            page: Which page to return; the first is 1. A page past the end is empty. Left out, the
                service takes 1.
            order: Keys to sort by, strongest first: `FIELD:ASC` or `FIELD:DESC`, separated by commas
                without spaces, with fields named as in the JSON. Left out, the service takes 'id:ASC'.
            **options: What holds for this call only; see `CallOptions`.

        Returns:
            The page asked for.

        Raises:
            BadRequestException: The request was refused: a value is missing or wrong, or it conflicts
                with what the service holds. Nothing was changed.
            UnauthorizedException: The access token is missing, expired or revoked. The body comes in
                OAuth's form or as a Result.
            ForbiddenException: The caller may not do this: a permission is lacking, or a rule of the
                item stands against it.
            NotFoundException: Something that the request names does not exist.
            ApiException: Whatever else goes wrong; the errors above are kinds of it.

        Permission: TEMPLATE_ADMIN or ACHIEVEMENTS_ADMIN. Safe to repeat: a try that fails on the way
        changes nothing, so the client makes another.
        """
        return await self._call(
            GET_ENTITLEMENT_TEMPLATES, {"size": size, "page": page, "order": order}, options
        )

    async def get_entitlement_templates_with_http_info(
        self,
        *,
        size: int | str | None = None,
        page: int | str | None = None,
        order: str | SortOrder | None = None,
        **options: Unpack[CallOptions],
    ) -> ApiResponse[PageResourceItemTemplateResource]:
        """Do `get_entitlement_templates`; return its result together with the HTTP status and headers."""
        return await self._call_with_http_info(
            GET_ENTITLEMENT_TEMPLATES, {"size": size, "page": page, "order": order}, options
        )

    def iter_entitlement_templates(
        self,
        *,
        order: str | SortOrder | None = None,
        limit: int | None = None,
        page_size: int | None = None,
        prefetch: int = 0,
        deadline: float | None = None,
        **options: Unpack[CallOptions],
    ) -> Pager[ItemTemplateResource, PageResourceItemTemplateResource]:
        """Give what `get_entitlement_templates` lists, over all its pages.

        Nothing is sent yet: an `async for` over the `Pager` fetches page after page, and over its
        `pages()` gives the pages themselves. No item is given twice; a `RowsMovedWarning` says when one
        may be missing.

        Args:
            order: Keys to sort by, strongest first: `FIELD:ASC` or `FIELD:DESC`, separated by commas
                without spaces, with fields named as in the JSON. Left out, the service takes 'id:ASC'.
            limit: How many items are given at most; None gives all.
            page_size: How many items a page is to hold; None leaves that to the service.
            prefetch: How many pages tasks fetch ahead at most, 0 to 64.
            deadline: Seconds for the whole reading; None sets no limit but that of each call.
            **options: What holds for each of the calls; see `CallOptions`.

        Raises:
            ApiValueError: A number is out of range.

        The loop raises what `get_entitlement_templates` raises, and DeadlineExceeded.
        """
        return self._pager(
            GET_ENTITLEMENT_TEMPLATES,
            {"order": order},
            options,
            limit=limit,
            page_size=page_size,
            prefetch=prefetch,
            deadline=deadline,
        )

    async def get_user_inventories(
        self,
        id: int | str,
        *,
        inactive: bool | None = None,
        size: int | str | None = None,
        page: int | str | None = None,
        filter_item_name: str | None = None,
        filter_item_id: int | str | None = None,
        filter_username: str | None = None,
        filter_group: str | None = None,
        filter_date: str | DateFilter | None = None,
        **options: Unpack[CallOptions],
    ) -> PageResourceUserInventoryResource:
        """List a user's inventory entries.

        Lists the inventory entries of one user, a page at a time. The filters narrow the list, and all
        that are given must hold. Inactive entries are left out unless they are asked for.

        Args:
            id: Id of the user who holds the inventory.
            inactive: True returns inactive entries too; false leaves them out. Left out, the service
                takes False.
            size: How many records a page holds; 1 or more. The largest size that the service grants is
                not documented. Left out, the service takes 25.
            page: Which page to return; the first is 1. A page past the end is empty. Left out, the
                service takes 1.
            filter_item_name: Only entries whose item has a name that starts with this text.
            filter_item_id: Only entries of the item with this id.
            filter_username: Only entries of the user who logs in with this name.
            filter_group: Only entries of users who belong to the user group with this unique name.
            filter_date: Only entries created in this span of time: an operator and an instant in epoch
                seconds, separated by a comma without spaces, and more such pairs for a range, as in
                `GOE,1500000000,LT,1600000000`. The operators are GT (after), GOE (at or after), LT
                (before), LOE (at or before) and EQ (at).
            **options: What holds for this call only; see `CallOptions`.

        Returns:
            The page asked for.

        Raises:
            BadRequestException: The request was refused: a value is missing or wrong, or it conflicts
                with what the service holds. Nothing was changed.
            UnauthorizedException: The access token is missing, expired or revoked. The body comes in
                OAuth's form or as a Result.
            ForbiddenException: The caller may not do this: a permission is lacking, or a rule of the
                item stands against it.
            NotFoundException: Something that the request names does not exist.
            ApiException: Whatever else goes wrong; the errors above are kinds of it.

        Permission: INVENTORY_ADMIN or owner. Safe to repeat: a try that fails on the way changes
        nothing, so the client makes another.
        """
        return await self._call(
            GET_USER_INVENTORIES,
            {
                "id": id,
                "inactive": inactive,
                "size": size,
                "page": page,
                "filter_item_name": filter_item_name,
                "filter_item_id": filter_item_id,
                "filter_username": filter_username,
                "filter_group": filter_group,
                "filter_date": filter_date,
            },
            options,
        )

    async def get_user_inventories_with_http_info(
        self,
        id: int | str,
        *,
        inactive: bool | None = None,
        size: int | str | None = None,
        page: int | str | None = None,
        filter_item_name: str | None = None,
        filter_item_id: int | str | None = None,
        filter_username: str | None = None,
        filter_group: str | None = None,
        filter_date: str | DateFilter | None = None,
        **options: Unpack[CallOptions],
    ) -> ApiResponse[PageResourceUserInventoryResource]:
        """Do `get_user_inventories`; return its result together with the HTTP status and headers."""
        return await self._call_with_http_info(
            GET_USER_INVENTORIES,
            {
                "id": id,
                "inactive": inactive,
                "size": size,
                "page": page,
                "filter_item_name": filter_item_name,
                "filter_item_id": filter_item_id,
                "filter_username": filter_username,
                "filter_group": filter_group,
                "filter_date": filter_date,
            },
            options,
        )

    def iter_user_inventories(
        self,
        id: int | str,
        *,
        inactive: bool | None = None,
        filter_item_name: str | None = None,
        filter_item_id: int | str | None = None,
        filter_username: str | None = None,
        filter_group: str | None = None,
        filter_date: str | DateFilter | None = None,
        limit: int | None = None,
        page_size: int | None = None,
        prefetch: int = 0,
        deadline: float | None = None,
        **options: Unpack[CallOptions],
    ) -> Pager[UserInventoryResource, PageResourceUserInventoryResource]:
        """Give what `get_user_inventories` lists, over all its pages.

        Nothing is sent yet: an `async for` over the `Pager` fetches page after page, and over its
        `pages()` gives the pages themselves. No item is given twice; a `RowsMovedWarning` says when one
        may be missing.

        Args:
            id: Id of the user who holds the inventory.
            inactive: True returns inactive entries too; false leaves them out. Left out, the service
                takes False.
            filter_item_name: Only entries whose item has a name that starts with this text.
            filter_item_id: Only entries of the item with this id.
            filter_username: Only entries of the user who logs in with this name.
            filter_group: Only entries of users who belong to the user group with this unique name.
            filter_date: Only entries created in this span of time: an operator and an instant in epoch
                seconds, separated by a comma without spaces, and more such pairs for a range, as in
                `GOE,1500000000,LT,1600000000`. The operators are GT (after), GOE (at or after), LT
                (before), LOE (at or before) and EQ (at).
            limit: How many items are given at most; None gives all.
            page_size: How many items a page is to hold; None leaves that to the service.
            prefetch: How many pages tasks fetch ahead at most, 0 to 64.
            deadline: Seconds for the whole reading; None sets no limit but that of each call.
            **options: What holds for each of the calls; see `CallOptions`.

        Raises:
            ApiValueError: A number is out of range.

        The loop raises what `get_user_inventories` raises, and DeadlineExceeded.
        """
        return self._pager(
            GET_USER_INVENTORIES,
            {
                "id": id,
                "inactive": inactive,
                "filter_item_name": filter_item_name,
                "filter_item_id": filter_item_id,
                "filter_username": filter_username,
                "filter_group": filter_group,
                "filter_date": filter_date,
            },
            options,
            limit=limit,
            page_size=page_size,
            prefetch=prefetch,
            deadline=deadline,
        )

    async def get_user_inventory(
        self, user_id: int | str, id: int | str, **options: Unpack[CallOptions]
    ) -> UserInventoryResource:
        """Get an inventory entry.

        Reads one inventory entry: which item it holds, whether it can be used, and until when.

        Args:
            user_id: Id of the user who holds the inventory, or `me` for the user whom the access token
                belongs to.
            id: Id of the inventory entry.
            **options: What holds for this call only; see `CallOptions`.

        Returns:
            The inventory entry.

        Raises:
            BadRequestException: The request was refused: a value is missing or wrong, or it conflicts
                with what the service holds. Nothing was changed.
            UnauthorizedException: The access token is missing, expired or revoked. The body comes in
                OAuth's form or as a Result.
            ForbiddenException: The caller may not do this: a permission is lacking, or a rule of the
                item stands against it.
            NotFoundException: Something that the request names does not exist.
            ApiException: Whatever else goes wrong; the errors above are kinds of it.

        Permission: INVENTORY_ADMIN. Safe to repeat: a try that fails on the way changes nothing, so the
        client makes another.
        """
        return await self._call(GET_USER_INVENTORY, {"user_id": user_id, "id": id}, options)

    async def get_user_inventory_with_http_info(
        self, user_id: int | str, id: int | str, **options: Unpack[CallOptions]
    ) -> ApiResponse[UserInventoryResource]:
        """Do `get_user_inventory`; return its result together with the HTTP status and headers."""
        return await self._call_with_http_info(GET_USER_INVENTORY, {"user_id": user_id, "id": id}, options)

    async def get_user_inventory_log(
        self,
        user_id: int | str,
        id: int | str,
        *,
        size: int | str | None = None,
        page: int | str | None = None,
        **options: Unpack[CallOptions],
    ) -> PageResourceUserItemLogResource:
        """List the log of an inventory entry.

        Lists what happened to an inventory entry, such as its grant and each use, a page at a time.

        Args:
            user_id: Id of the user who holds the inventory, or `me` for the user whom the access token
                belongs to.
            id: Id of the inventory entry.
            size: How many records a page holds; 1 or more. The largest size that the service grants is
                not documented. Left out, the service takes 25.
            page: Which page to return; the first is 1. A page past the end is empty. Left out, the
                service takes 1.
            **options: What holds for this call only; see `CallOptions`.

        Returns:
            The page asked for.

        Raises:
            BadRequestException: The request was refused: a value is missing or wrong, or it conflicts
                with what the service holds. Nothing was changed.
            UnauthorizedException: The access token is missing, expired or revoked. The body comes in
                OAuth's form or as a Result.
            ForbiddenException: The caller may not do this: a permission is lacking, or a rule of the
                item stands against it.
            NotFoundException: Something that the request names does not exist.
            ApiException: Whatever else goes wrong; the errors above are kinds of it.

        Permission: INVENTORY_ADMIN or owner. Safe to repeat: a try that fails on the way changes
        nothing, so the client makes another.
        """
        return await self._call(
            GET_USER_INVENTORY_LOG, {"user_id": user_id, "id": id, "size": size, "page": page}, options
        )

    async def get_user_inventory_log_with_http_info(
        self,
        user_id: int | str,
        id: int | str,
        *,
        size: int | str | None = None,
        page: int | str | None = None,
        **options: Unpack[CallOptions],
    ) -> ApiResponse[PageResourceUserItemLogResource]:
        """Do `get_user_inventory_log`; return its result together with the HTTP status and headers."""
        return await self._call_with_http_info(
            GET_USER_INVENTORY_LOG, {"user_id": user_id, "id": id, "size": size, "page": page}, options
        )

    def iter_user_inventory_log(
        self,
        user_id: int | str,
        id: int | str,
        *,
        limit: int | None = None,
        page_size: int | None = None,
        prefetch: int = 0,
        deadline: float | None = None,
        **options: Unpack[CallOptions],
    ) -> Pager[UserItemLogResource, PageResourceUserItemLogResource]:
        """Give what `get_user_inventory_log` lists, over all its pages.

        Nothing is sent yet: an `async for` over the `Pager` fetches page after page, and over its
        `pages()` gives the pages themselves. No item is given twice; a `RowsMovedWarning` says when one
        may be missing.

        Args:
            user_id: Id of the user who holds the inventory, or `me` for the user whom the access token
                belongs to.
            id: Id of the inventory entry.
            limit: How many items are given at most; None gives all.
            page_size: How many items a page is to hold; None leaves that to the service.
            prefetch: How many pages tasks fetch ahead at most, 0 to 64.
            deadline: Seconds for the whole reading; None sets no limit but that of each call.
            **options: What holds for each of the calls; see `CallOptions`.

        Raises:
            ApiValueError: A number is out of range.

        The loop raises what `get_user_inventory_log` raises, and DeadlineExceeded.
        """
        return self._pager(
            GET_USER_INVENTORY_LOG,
            {"user_id": user_id, "id": id},
            options,
            limit=limit,
            page_size=page_size,
            prefetch=prefetch,
            deadline=deadline,
        )

    async def get_users_inventory(
        self,
        *,
        inactive: bool | None = None,
        size: int | str | None = None,
        page: int | str | None = None,
        filter_item_name: str | None = None,
        filter_item_id: int | str | None = None,
        filter_username: str | None = None,
        filter_group: str | None = None,
        filter_date: str | DateFilter | None = None,
        **options: Unpack[CallOptions],
    ) -> PageResourceUserInventoryResource:
        """List the inventory entries of all users.

        Lists the inventory entries of all users, a page at a time. The filters narrow the list, and all
        that are given must hold. Inactive entries are left out unless they are asked for.

        Args:
            inactive: True returns inactive entries too; false leaves them out. Left out, the service
                takes False.
            size: How many records a page holds; 1 or more. The largest size that the service grants is
                not documented. Left out, the service takes 25.
            page: Which page to return; the first is 1. A page past the end is empty. Left out, the
                service takes 1.
            filter_item_name: Only entries whose item has a name that starts with this text.
            filter_item_id: Only entries of the item with this id.
            filter_username: Only entries of the user who logs in with this name.
            filter_group: Only entries of users who belong to the user group with this unique name.
            filter_date: Only entries created in this span of time: an operator and an instant in epoch
                seconds, separated by a comma without spaces, and more such pairs for a range, as in
                `GOE,1500000000,LT,1600000000`. The operators are GT (after), GOE (at or after), LT
                (before), LOE (at or before) and EQ (at).
            **options: What holds for this call only; see `CallOptions`.

        Returns:
            The page asked for.

        Raises:
            BadRequestException: The request was refused: a value is missing or wrong, or it conflicts
                with what the service holds. Nothing was changed.
            UnauthorizedException: The access token is missing, expired or revoked. The body comes in
                OAuth's form or as a Result.
            ForbiddenException: The caller may not do this: a permission is lacking, or a rule of the
                item stands against it.
            NotFoundException: Something that the request names does not exist.
            ApiException: Whatever else goes wrong; the errors above are kinds of it.

        Permission: INVENTORY_ADMIN. Safe to repeat: a try that fails on the way changes nothing, so the
        client makes another.
        """
        return await self._call(
            GET_USERS_INVENTORY,
            {
                "inactive": inactive,
                "size": size,
                "page": page,
                "filter_item_name": filter_item_name,
                "filter_item_id": filter_item_id,
                "filter_username": filter_username,
                "filter_group": filter_group,
                "filter_date": filter_date,
            },
            options,
        )

    async def get_users_inventory_with_http_info(
        self,
        *,
        inactive: bool | None = None,
        size: int | str | None = None,
        page: int | str | None = None,
        filter_item_name: str | None = None,
        filter_item_id: int | str | None = None,
        filter_username: str | None = None,
        filter_group: str | None = None,
        filter_date: str | DateFilter | None = None,
        **options: Unpack[CallOptions],
    ) -> ApiResponse[PageResourceUserInventoryResource]:
        """Do `get_users_inventory`; return its result together with the HTTP status and headers."""
        return await self._call_with_http_info(
            GET_USERS_INVENTORY,
            {
                "inactive": inactive,
                "size": size,
                "page": page,
                "filter_item_name": filter_item_name,
                "filter_item_id": filter_item_id,
                "filter_username": filter_username,
                "filter_group": filter_group,
                "filter_date": filter_date,
            },
            options,
        )

    def iter_users_inventory(
        self,
        *,
        inactive: bool | None = None,
        filter_item_name: str | None = None,
        filter_item_id: int | str | None = None,
        filter_username: str | None = None,
        filter_group: str | None = None,
        filter_date: str | DateFilter | None = None,
        limit: int | None = None,
        page_size: int | None = None,
        prefetch: int = 0,
        deadline: float | None = None,
        **options: Unpack[CallOptions],
    ) -> Pager[UserInventoryResource, PageResourceUserInventoryResource]:
        """Give what `get_users_inventory` lists, over all its pages.

        Nothing is sent yet: an `async for` over the `Pager` fetches page after page, and over its
        `pages()` gives the pages themselves. No item is given twice; a `RowsMovedWarning` says when one
        may be missing.

        Args:
            inactive: True returns inactive entries too; false leaves them out. Left out, the service
                takes False.
            filter_item_name: Only entries whose item has a name that starts with this text.
            filter_item_id: Only entries of the item with this id.
            filter_username: Only entries of the user who logs in with this name.
            filter_group: Only entries of users who belong to the user group with this unique name.
            filter_date: Only entries created in this span of time: an operator and an instant in epoch
                seconds, separated by a comma without spaces, and more such pairs for a range, as in
                `GOE,1500000000,LT,1600000000`. The operators are GT (after), GOE (at or after), LT
                (before), LOE (at or before) and EQ (at).
            limit: How many items are given at most; None gives all.
            page_size: How many items a page is to hold; None leaves that to the service.
            prefetch: How many pages tasks fetch ahead at most, 0 to 64.
            deadline: Seconds for the whole reading; None sets no limit but that of each call.
            **options: What holds for each of the calls; see `CallOptions`.

        Raises:
            ApiValueError: A number is out of range.

        The loop raises what `get_users_inventory` raises, and DeadlineExceeded.
        """
        return self._pager(
            GET_USERS_INVENTORY,
            {
                "inactive": inactive,
                "filter_item_name": filter_item_name,
                "filter_item_id": filter_item_id,
                "filter_username": filter_username,
                "filter_group": filter_group,
                "filter_date": filter_date,
            },
            options,
            limit=limit,
            page_size=page_size,
            prefetch=prefetch,
            deadline=deadline,
        )

    async def grant_user_entitlement(
        self, user_id: int | str, grant_request: EntitlementGrantRequest, **options: Unpack[CallOptions]
    ) -> None:
        """Grant an entitlement to a user.

        Puts an entitlement item into a user's inventory, without an invoice. The item's rules for
        getting it hold (limits, prerequisites). It answers as soon as the request is accepted and may
        fulfil it later: to be sure, read the inventory until the entry is there and active. Sent twice,
        it grants twice.

        Args:
            user_id: Id of the user who holds the inventory.
            grant_request: What to grant.
            **options: What holds for this call only; see `CallOptions`.

        Raises:
            BadRequestException: The request was refused: a value is missing or wrong, or it conflicts
                with what the service holds. Nothing was changed.
            UnauthorizedException: The access token is missing, expired or revoked. The body comes in
                OAuth's form or as a Result.
            ForbiddenException: The caller may not do this: a permission is lacking, or a rule of the
                item stands against it.
            NotFoundException: Something that the request names does not exist.
            ApiException: Whatever else goes wrong; the errors above are kinds of it.

        Permission: INVENTORY_ADMIN. Sent once: the client repeats it only where the service can't have
        acted; otherwise the error's `may_have_applied` says whether it may have.
        """
        return await self._call(
            GRANT_USER_ENTITLEMENT, {"user_id": user_id, "grant_request": grant_request}, options
        )

    async def grant_user_entitlement_with_http_info(
        self, user_id: int | str, grant_request: EntitlementGrantRequest, **options: Unpack[CallOptions]
    ) -> ApiResponse[None]:
        """Do `grant_user_entitlement`; return its result together with the HTTP status and headers."""
        return await self._call_with_http_info(
            GRANT_USER_ENTITLEMENT, {"user_id": user_id, "grant_request": grant_request}, options
        )

    async def update_entitlement_item(
        self,
        entitlement_id: int | str,
        *,
        cascade: bool | None = None,
        entitlement_item: EntitlementItem | None = None,
        **options: Unpack[CallOptions],
    ) -> None:
        """Update an entitlement item.

        Replaces an entitlement item by the one that is sent: read it, change it, and send all of it
        back, since what is left out is lost. The rules of creation hold again. The answer is empty.

        Args:
            entitlement_id: Id of the entitlement item.
            cascade: Groups of limits are shared by items. True carries settings of this item's groups
                over to the other items of these groups; false refuses (400) an item whose group is in
                use with other settings. Left out, the service takes False.
            entitlement_item: The whole item, as it is to be. Its id and dates are the service's to set,
                and are ignored here.
            **options: What holds for this call only; see `CallOptions`.

        Raises:
            BadRequestException: The request was refused: a value is missing or wrong, or it conflicts
                with what the service holds. Nothing was changed.
            UnauthorizedException: The access token is missing, expired or revoked. The body comes in
                OAuth's form or as a Result.
            ForbiddenException: The caller may not do this: a permission is lacking, or a rule of the
                item stands against it.
            NotFoundException: Something that the request names does not exist.
            ApiException: Whatever else goes wrong; the errors above are kinds of it.

        Permission: INVENTORY_ADMIN. Idempotent: doing it twice leaves the same state, so the client
        repeats a try that fails on the way.
        """
        return await self._call(
            UPDATE_ENTITLEMENT_ITEM,
            {"entitlement_id": entitlement_id, "cascade": cascade, "entitlement_item": entitlement_item},
            options,
        )

    async def update_entitlement_item_with_http_info(
        self,
        entitlement_id: int | str,
        *,
        cascade: bool | None = None,
        entitlement_item: EntitlementItem | None = None,
        **options: Unpack[CallOptions],
    ) -> ApiResponse[None]:
        """Do `update_entitlement_item`; return its result together with the HTTP status and headers."""
        return await self._call_with_http_info(
            UPDATE_ENTITLEMENT_ITEM,
            {"entitlement_id": entitlement_id, "cascade": cascade, "entitlement_item": entitlement_item},
            options,
        )

    async def update_entitlement_template(
        self, id: str, *, template: ItemTemplateResource | None = None, **options: Unpack[CallOptions]
    ) -> ItemTemplateResource | None:
        """Update an entitlement template.

        Replaces a template by the one that is sent: read it, change it, and send all of it back, since
        what is left out is lost. The service answers with the updated template (200) or with nothing at
        all (204), so a caller must be ready for either.

        Args:
            id: Id of the template, a text that the service made.
            template: The whole template, as it is to be. Its id and dates are the service's to set, and
                are ignored here.
            **options: What holds for this call only; see `CallOptions`.

        Returns:
            The updated template. An empty answer is None.

        Raises:
            BadRequestException: The request was refused: a value is missing or wrong, or it conflicts
                with what the service holds. Nothing was changed.
            UnauthorizedException: The access token is missing, expired or revoked. The body comes in
                OAuth's form or as a Result.
            ForbiddenException: The caller may not do this: a permission is lacking, or a rule of the
                item stands against it.
            NotFoundException: Something that the request names does not exist.
            ApiException: Whatever else goes wrong; the errors above are kinds of it.

        Permission: TEMPLATE_ADMIN. Idempotent: doing it twice leaves the same state, so the client
        repeats a try that fails on the way.
        """
        return await self._call(UPDATE_ENTITLEMENT_TEMPLATE, {"id": id, "template": template}, options)

    async def update_entitlement_template_with_http_info(
        self, id: str, *, template: ItemTemplateResource | None = None, **options: Unpack[CallOptions]
    ) -> ApiResponse[ItemTemplateResource | None]:
        """Do `update_entitlement_template`; return its result together with the HTTP status and headers."""
        return await self._call_with_http_info(
            UPDATE_ENTITLEMENT_TEMPLATE, {"id": id, "template": template}, options
        )

    async def update_user_inventory_behavior_data(
        self,
        user_id: int | str,
        id: int | str,
        *,
        data: dict[str, Any] | None = None,
        **options: Unpack[CallOptions],
    ) -> None:
        """Set the behavior data of an inventory entry.

        Replaces the state that the item's behaviors keep for an inventory entry, such as the uses
        counted so far. What the behaviors expect in it is theirs to say and not documented: read the
        entry, change what you know, and send all of it back.

        Args:
            user_id: Id of the user who holds the inventory.
            id: Id of the inventory entry.
            data: The new state, a JSON object of any shape.
            **options: What holds for this call only; see `CallOptions`.

        Raises:
            BadRequestException: The request was refused: a value is missing or wrong, or it conflicts
                with what the service holds. Nothing was changed.
            UnauthorizedException: The access token is missing, expired or revoked. The body comes in
                OAuth's form or as a Result.
            ForbiddenException: The caller may not do this: a permission is lacking, or a rule of the
                item stands against it.
            NotFoundException: Something that the request names does not exist.
            ApiException: Whatever else goes wrong; the errors above are kinds of it.

        Permission: INVENTORY_ADMIN. Idempotent: doing it twice leaves the same state, so the client
        repeats a try that fails on the way.
        """
        return await self._call(
            UPDATE_USER_INVENTORY_BEHAVIOR_DATA, {"user_id": user_id, "id": id, "data": data}, options
        )

    async def update_user_inventory_behavior_data_with_http_info(
        self,
        user_id: int | str,
        id: int | str,
        *,
        data: dict[str, Any] | None = None,
        **options: Unpack[CallOptions],
    ) -> ApiResponse[None]:
        """Do `update_user_inventory_behavior_data`; return its result together with the HTTP status and
        headers.
        """
        return await self._call_with_http_info(
            UPDATE_USER_INVENTORY_BEHAVIOR_DATA, {"user_id": user_id, "id": id, "data": data}, options
        )

    async def update_user_inventory_expires(
        self,
        user_id: int | str,
        id: int | str,
        *,
        timestamp: int | str | dt.datetime | None = None,
        **options: Unpack[CallOptions],
    ) -> None:
        """Set when an inventory entry expires.

        Sets the instant from which an inventory entry can no longer be used. For a subscription it
        moves the end of the current grace period and not the bill date, so access may end before the
        next bill is due.

        Args:
            user_id: Id of the user who holds the inventory.
            id: Id of the inventory entry.
            timestamp: The new instant, in epoch seconds, as a bare JSON number. No body, or null, means
                never.
            **options: What holds for this call only; see `CallOptions`.

        Raises:
            BadRequestException: The request was refused: a value is missing or wrong, or it conflicts
                with what the service holds. Nothing was changed.
            UnauthorizedException: The access token is missing, expired or revoked. The body comes in
                OAuth's form or as a Result.
            ForbiddenException: The caller may not do this: a permission is lacking, or a rule of the
                item stands against it.
            NotFoundException: Something that the request names does not exist.
            ApiException: Whatever else goes wrong; the errors above are kinds of it.

        Permission: INVENTORY_ADMIN. Idempotent: doing it twice leaves the same state, so the client
        repeats a try that fails on the way.
        """
        return await self._call(
            UPDATE_USER_INVENTORY_EXPIRES, {"user_id": user_id, "id": id, "timestamp": timestamp}, options
        )

    async def update_user_inventory_expires_with_http_info(
        self,
        user_id: int | str,
        id: int | str,
        *,
        timestamp: int | str | dt.datetime | None = None,
        **options: Unpack[CallOptions],
    ) -> ApiResponse[None]:
        """Do `update_user_inventory_expires`; return its result together with the HTTP status and headers."""
        return await self._call_with_http_info(
            UPDATE_USER_INVENTORY_EXPIRES, {"user_id": user_id, "id": id, "timestamp": timestamp}, options
        )

    async def update_user_inventory_status(
        self,
        user_id: int | str,
        id: int | str,
        *,
        inventory_status: str | None = None,
        **options: Unpack[CallOptions],
    ) -> None:
        """Set the status of an inventory entry.

        Sets whether an inventory entry can be used: `pending` not yet, `active` now, `inactive` no
        longer.

        Args:
            user_id: Id of the user who holds the inventory.
            id: Id of the inventory entry.
            inventory_status: The new status, as a bare JSON text, quotes included. One of `pending`,
                `active`, `inactive`.
            **options: What holds for this call only; see `CallOptions`.

        Raises:
            BadRequestException: The request was refused: a value is missing or wrong, or it conflicts
                with what the service holds. Nothing was changed.
            UnauthorizedException: The access token is missing, expired or revoked. The body comes in
                OAuth's form or as a Result.
            ForbiddenException: The caller may not do this: a permission is lacking, or a rule of the
                item stands against it.
            NotFoundException: Something that the request names does not exist.
            ApiException: Whatever else goes wrong; the errors above are kinds of it.

        Permission: INVENTORY_ADMIN. Idempotent: doing it twice leaves the same state, so the client
        repeats a try that fails on the way.
        """
        return await self._call(
            UPDATE_USER_INVENTORY_STATUS,
            {"user_id": user_id, "id": id, "inventory_status": inventory_status},
            options,
        )

    async def update_user_inventory_status_with_http_info(
        self,
        user_id: int | str,
        id: int | str,
        *,
        inventory_status: str | None = None,
        **options: Unpack[CallOptions],
    ) -> ApiResponse[None]:
        """Do `update_user_inventory_status`; return its result together with the HTTP status and headers."""
        return await self._call_with_http_info(
            UPDATE_USER_INVENTORY_STATUS,
            {"user_id": user_id, "id": id, "inventory_status": inventory_status},
            options,
        )

    async def use_user_entitlement_item(
        self,
        user_id: int | str,
        item_id: int | str,
        *,
        sku: str | None = None,
        info: str | None = None,
        **options: Unpack[CallOptions],
    ) -> None:
        """Use an item.

        Uses an item that the user holds: counts the use, writes it to the log, and makes the entry
        inactive when it was the last one. A refusal comes as an error, 403 with the reason. Sent twice,
        it uses the item twice.

        Args:
            user_id: Id of the user who holds the inventory, or `me` for the user whom the access token
                belongs to.
            item_id: Id of the entitlement item.
            sku: SKU of the one addition that is meant, where the item is an entitlement list. Rarely
                needed: leave it out for every other kind of item.
            info: Text to keep with this use in the log, for example where it happened.
            **options: What holds for this call only; see `CallOptions`.

        Raises:
            BadRequestException: The request was refused: a value is missing or wrong, or it conflicts
                with what the service holds. Nothing was changed.
            UnauthorizedException: The access token is missing, expired or revoked. The body comes in
                OAuth's form or as a Result.
            ForbiddenException: The caller may not do this: a permission is lacking, or a rule of the
                item stands against it.
            NotFoundException: Something that the request names does not exist.
            ApiException: Whatever else goes wrong; the errors above are kinds of it.

        Permission: INVENTORY_ADMIN or owner. Sent once: the client repeats it only where the service
        can't have acted; otherwise the error's `may_have_applied` says whether it may have.
        """
        return await self._call(
            USE_USER_ENTITLEMENT_ITEM,
            {"user_id": user_id, "item_id": item_id, "sku": sku, "info": info},
            options,
        )

    async def use_user_entitlement_item_with_http_info(
        self,
        user_id: int | str,
        item_id: int | str,
        *,
        sku: str | None = None,
        info: str | None = None,
        **options: Unpack[CallOptions],
    ) -> ApiResponse[None]:
        """Do `use_user_entitlement_item`; return its result together with the HTTP status and headers."""
        return await self._call_with_http_info(
            USE_USER_ENTITLEMENT_ITEM,
            {"user_id": user_id, "item_id": item_id, "sku": sku, "info": info},
            options,
        )
