"""The calls of `UsersInventoryApi`.

Generated from the contract by `python -m codegen`: edit the contract, not this file.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Unpack, overload

import knetik_cloud
from knetik_cloud import aio, models
from knetik_cloud.aio.api_client import Api
from knetik_cloud.core.methods import with_http_info_async
from knetik_cloud.core.options import CallOptions
from knetik_cloud.lazy import LazyModule
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
    PATCH_ENTITLEMENT_TEMPLATE,
    UPDATE_ENTITLEMENT_ITEM,
    UPDATE_ENTITLEMENT_TEMPLATE,
    UPDATE_USER_INVENTORY_BEHAVIOR_DATA,
    UPDATE_USER_INVENTORY_EXPIRES,
    UPDATE_USER_INVENTORY_STATUS,
    USE_USER_ENTITLEMENT_ITEM,
)

if TYPE_CHECKING:
    import datetime as dt
else:
    dt = LazyModule("datetime")


class UsersInventoryApi(Api):
    """Entitlement items and templates, and the inventories of users.

    `UsersInventoryApi(api_client)` calls through that client. Without one, it creates a client from a
    default `Configuration`, which is closed with this object.

    Each method also takes the options of `CallOptions`, and has a variant `..._with_http_info`. The
    client retries a failed attempt only if that is safe.

    An `iter_...` method takes the same arguments as its list, except the page, and returns a `Pager`.
    The pager sends nothing until an `async for` reads it, page by page. It never returns an item twice,
    and warns with a `RowsMovedWarning` if it may have missed one.

    Raises:
        BadRequestException: The request was rejected because a value is missing, invalid, or in
            conflict with existing data. Nothing was changed.
        UnauthorizedException: The access token is missing, expired or revoked. The body is an OAuth
            error or a Result.
        ForbiddenException: The caller is missing a permission, or a rule of the item denies the
            request.
        NotFoundException: The user, item, template or entry in the request does not exist.
        ApiException: If the call fails for any other reason. The exceptions above are subclasses.
    """

    async def add_item_to_user_inventory(
        self,
        id: int | str,
        *,
        user_inventory_add_request: models.UserInventoryAddRequest | None = None,
        **options: Unpack[CallOptions],
    ) -> models.InvoiceResource | None:
        """Add an item to a user's inventory by SKU.

        Adds the item behind an SKU to a user's inventory through an invoice. The service returns the
        invoice immediately and fulfills it later. To make sure, read the inventory until the entry
        exists and is active. With `skip_invoice`, the item is delivered before the response, and the
        response is empty because there is no invoice. Sending the request twice adds the item twice.

        Args:
            id: Id of the user who holds the inventory.
            user_inventory_add_request: The item to add and how to add it.

        Returns:
            The invoice, which may not be fulfilled yet, or null or no body if `skip_invoice` is true.
                None if the response is empty.

        Permission: INVENTORY_ADMIN. Not idempotent: after an error, check `may_have_applied` before you
        retry.
        """
        return await self._call(
            ADD_ITEM_TO_USER_INVENTORY,
            {"id": id, "user_inventory_add_request": user_inventory_add_request},
            options,
        )

    add_item_to_user_inventory_with_http_info = with_http_info_async(add_item_to_user_inventory)

    async def check_user_entitlement_item(
        self,
        user_id: int | str,
        item_id: int | str,
        *,
        sku: str | None = None,
        **options: Unpack[CallOptions],
    ) -> None:
        """Check whether a user may use an item.

        Checks every rule that applies to a use (expiry, remaining uses, periods, status) without using
        the item. An empty response means that the user may use it. A denial is an error (403) with the
        reason.

        Args:
            user_id: Id of the user who holds the inventory, or `me` for the user of the access token.
            item_id: Id of the entitlement item.
            sku: SKU of a specific addition, if the item is an entitlement list. Omit it for all other
                types of items.

        Permission: INVENTORY_ADMIN or owner. Safe to retry.
        """
        return await self._call(
            CHECK_USER_ENTITLEMENT_ITEM, {"user_id": user_id, "item_id": item_id, "sku": sku}, options
        )

    check_user_entitlement_item_with_http_info = with_http_info_async(check_user_entitlement_item)

    async def create_entitlement_item(
        self,
        *,
        cascade: bool | None = None,
        entitlement_item: models.EntitlementItem | None = None,
        **options: Unpack[CallOptions],
    ) -> models.EntitlementItem:
        """Create an entitlement item.

        Creates an entitlement item and returns it with its id. `name` and `type_hint` are required. An
        item with a template must have the properties and behaviors that the template requires. Sending
        the request twice creates two items, unless they have the same `unique_key`.

        Args:
            cascade: Items can share limit groups. If true, the settings of this item's groups are
                applied to all items in those groups. If false, the request fails (400) if a group is
                already in use with different settings. The service defaults to False.
            entitlement_item: The item to create. The service sets its id and dates, and ignores those
                that you send.

        Returns:
            The created item.

        Permission: INVENTORY_ADMIN. Not idempotent: after an error, check `may_have_applied` before you
        retry.
        """
        return await self._call(
            CREATE_ENTITLEMENT_ITEM, {"cascade": cascade, "entitlement_item": entitlement_item}, options
        )

    create_entitlement_item_with_http_info = with_http_info_async(create_entitlement_item)

    async def create_entitlement_template(
        self, *, template: models.ItemTemplateResource | None = None, **options: Unpack[CallOptions]
    ) -> models.ItemTemplateResource:
        """Create an entitlement template.

        Creates a template and returns it with its id. A template defines which properties its items
        have and which behaviors they start with. Sending the request twice creates two templates.

        Args:
            template: The template to create. The service sets its id and dates, and ignores those that
                you send.

        Returns:
            The created template.

        Permission: TEMPLATE_ADMIN. Not idempotent: after an error, check `may_have_applied` before you
        retry.
        """
        return await self._call(CREATE_ENTITLEMENT_TEMPLATE, {"template": template}, options)

    create_entitlement_template_with_http_info = with_http_info_async(create_entitlement_template)

    async def delete_entitlement_item(
        self, entitlement_id: int | str, **options: Unpack[CallOptions]
    ) -> None:
        """Delete an entitlement item.

        Deletes an entitlement item. The effect on inventory entries that hold it is not documented.

        Args:
            entitlement_id: Id of the entitlement item.

        Permission: INVENTORY_ADMIN. Idempotent.
        """
        return await self._call(DELETE_ENTITLEMENT_ITEM, {"entitlement_id": entitlement_id}, options)

    delete_entitlement_item_with_http_info = with_http_info_async(delete_entitlement_item)

    async def delete_entitlement_template(
        self, id: str, *, cascade: str | None = None, **options: Unpack[CallOptions]
    ) -> None:
        """Delete an entitlement template.

        Deletes a template. If items still use it, the request fails (400) unless `cascade` is `detach`.
        Detached items are kept and are no longer checked.

        Args:
            id: Id of the template, a string that the service assigns.
            cascade: `detach` deletes the template even if items use it, and clears their `template`. By
                default, a template in use is kept. Known values (others may be added): `detach`.

        Permission: TEMPLATE_ADMIN. Idempotent.
        """
        return await self._call(DELETE_ENTITLEMENT_TEMPLATE, {"id": id, "cascade": cascade}, options)

    delete_entitlement_template_with_http_info = with_http_info_async(delete_entitlement_template)

    async def get_entitlement_item(
        self, entitlement_id: int | str, **options: Unpack[CallOptions]
    ) -> models.EntitlementItem:
        """Get an entitlement item.

        Returns one entitlement item with all its behaviors and properties.

        Args:
            entitlement_id: Id of the entitlement item.

        Returns:
            The item.

        Permission: none. Safe to retry.
        """
        return await self._call(GET_ENTITLEMENT_ITEM, {"entitlement_id": entitlement_id}, options)

    get_entitlement_item_with_http_info = with_http_info_async(get_entitlement_item)

    async def get_entitlement_items(
        self,
        *,
        size: int | str | None = None,
        page: int | str | None = None,
        order: str | knetik_cloud.sorting.SortOrder | None = None,
        filter_template: str | None = None,
        filter_name_search: str | None = None,
        **options: Unpack[CallOptions],
    ) -> models.PageResourceEntitlementItem:
        """List entitlement items.

        Lists all entitlement items, one page at a time. Behaviors may be missing from lists. Get a
        single item to see all of them.

        Args:
            size: Maximum number of items per page, at least 1. The service's upper limit is not
                documented. The service defaults to 25.
            page: Number of the page to return, starting at 1. A page past the end is empty. The service
                defaults to 1.
            order: Sort keys in order of priority: `FIELD:ASC` or `FIELD:DESC`, separated by commas
                without spaces. `FIELD` is the name in the JSON. The service defaults to 'id:ASC'.
            filter_template: Only items of the template with this id. Added in version 1.1.0.
            filter_name_search: Only items whose name starts with this string. Added in version 1.1.0.

        Returns:
            The requested page.

        Permission: none. Safe to retry.
        """
        return await self._call(
            GET_ENTITLEMENT_ITEMS,
            {
                "size": size,
                "page": page,
                "order": order,
                "filter_template": filter_template,
                "filter_name_search": filter_name_search,
            },
            options,
        )

    get_entitlement_items_with_http_info = with_http_info_async(get_entitlement_items)

    def iter_entitlement_items(
        self,
        *,
        order: str | knetik_cloud.sorting.SortOrder | None = None,
        filter_template: str | None = None,
        filter_name_search: str | None = None,
        limit: int | None = None,
        page_size: int | None = None,
        prefetch: int = 0,
        deadline: float | None = None,
        start_page: int | str = 1,
        **options: Unpack[CallOptions],
    ) -> aio.Pager[models.EntitlementItem, models.PageResourceEntitlementItem]:
        """Iterate over all items of `get_entitlement_items`, page by page.

        Args:
            order: Sort keys in order of priority: `FIELD:ASC` or `FIELD:DESC`, separated by commas
                without spaces. `FIELD` is the name in the JSON. The service defaults to 'id:ASC'.
            filter_template: Only items of the template with this id. Added in version 1.1.0.
            filter_name_search: Only items whose name starts with this string. Added in version 1.1.0.
            limit: Maximum number of items. None means all.
            page_size: Items per page. None means 250, or `limit` if it is smaller.
            prefetch: Maximum number of pages that tasks fetch ahead, 0 to 64.
            deadline: Seconds for reading the whole list. None means no limit.
            start_page: First page to read, or the `position` of an earlier pager of this list.
        """
        return self._pager(
            GET_ENTITLEMENT_ITEMS,
            {"order": order, "filter_template": filter_template, "filter_name_search": filter_name_search},
            options,
            limit=limit,
            page_size=page_size,
            prefetch=prefetch,
            deadline=deadline,
            start_page=start_page,
        )

    async def get_entitlement_template(
        self, id: str, **options: Unpack[CallOptions]
    ) -> models.ItemTemplateResource:
        """Get an entitlement template.

        Returns one entitlement template.

        Args:
            id: Id of the template, a string that the service assigns.

        Returns:
            The template.

        Permission: TEMPLATE_ADMIN or ACHIEVEMENTS_ADMIN. Safe to retry.
        """
        return await self._call(GET_ENTITLEMENT_TEMPLATE, {"id": id}, options)

    get_entitlement_template_with_http_info = with_http_info_async(get_entitlement_template)

    async def get_entitlement_templates(
        self,
        *,
        size: int | str | None = None,
        page: int | str | None = None,
        order: str | knetik_cloud.sorting.SortOrder | None = None,
        **options: Unpack[CallOptions],
    ) -> models.PageResourceItemTemplateResource:
        """List entitlement templates.

        Lists all entitlement templates, one page at a time.

        Args:
            size: Maximum number of items per page, at least 1. The service's upper limit is not
                documented. The service defaults to 25.
            page: Number of the page to return, starting at 1. A page past the end is empty. The service
                defaults to 1.
            order: Sort keys in order of priority: `FIELD:ASC` or `FIELD:DESC`, separated by commas
                without spaces. `FIELD` is the name in the JSON. The service defaults to 'id:ASC'.

        Returns:
            The requested page.

        Permission: TEMPLATE_ADMIN or ACHIEVEMENTS_ADMIN. Safe to retry.
        """
        return await self._call(
            GET_ENTITLEMENT_TEMPLATES, {"size": size, "page": page, "order": order}, options
        )

    get_entitlement_templates_with_http_info = with_http_info_async(get_entitlement_templates)

    def iter_entitlement_templates(
        self,
        *,
        order: str | knetik_cloud.sorting.SortOrder | None = None,
        limit: int | None = None,
        page_size: int | None = None,
        prefetch: int = 0,
        deadline: float | None = None,
        start_page: int | str = 1,
        **options: Unpack[CallOptions],
    ) -> aio.Pager[models.ItemTemplateResource, models.PageResourceItemTemplateResource]:
        """Iterate over all items of `get_entitlement_templates`, page by page.

        Args:
            order: Sort keys in order of priority: `FIELD:ASC` or `FIELD:DESC`, separated by commas
                without spaces. `FIELD` is the name in the JSON. The service defaults to 'id:ASC'.
            limit: Maximum number of items. None means all.
            page_size: Items per page. None means 250, or `limit` if it is smaller.
            prefetch: Maximum number of pages that tasks fetch ahead, 0 to 64.
            deadline: Seconds for reading the whole list. None means no limit.
            start_page: First page to read, or the `position` of an earlier pager of this list.
        """
        return self._pager(
            GET_ENTITLEMENT_TEMPLATES,
            {"order": order},
            options,
            limit=limit,
            page_size=page_size,
            prefetch=prefetch,
            deadline=deadline,
            start_page=start_page,
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
        filter_date: str | knetik_cloud.filters.DateFilter | None = None,
        **options: Unpack[CallOptions],
    ) -> models.PageResourceUserInventoryResource:
        """List a user's inventory entries.

        Lists the inventory entries of one user, one page at a time. An entry must match all filters.
        Inactive entries are included only if you ask for them.

        Args:
            id: Id of the user who holds the inventory.
            inactive: Whether to include inactive entries. The service defaults to False.
            size: Maximum number of items per page, at least 1. The service's upper limit is not
                documented. The service defaults to 25.
            page: Number of the page to return, starting at 1. A page past the end is empty. The service
                defaults to 1.
            filter_item_name: Only entries of items whose name starts with this string.
            filter_item_id: Only entries of the item with this id.
            filter_username: Only entries of the user with this login name.
            filter_group: Only entries of users in the user group with this unique name.
            filter_date: Only entries created in this range: an operator and an instant in epoch
                seconds, separated by a comma without spaces. Add further pairs for a range, as in
                `GOE,1500000000,LT,1600000000`. The operators are GT (after), GOE (at or after), LT
                (before), LOE (at or before) and EQ (at).

        Returns:
            The requested page.

        Permission: INVENTORY_ADMIN or owner. Safe to retry.
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

    get_user_inventories_with_http_info = with_http_info_async(get_user_inventories)

    def iter_user_inventories(
        self,
        id: int | str,
        *,
        inactive: bool | None = None,
        filter_item_name: str | None = None,
        filter_item_id: int | str | None = None,
        filter_username: str | None = None,
        filter_group: str | None = None,
        filter_date: str | knetik_cloud.filters.DateFilter | None = None,
        limit: int | None = None,
        page_size: int | None = None,
        prefetch: int = 0,
        deadline: float | None = None,
        start_page: int | str = 1,
        **options: Unpack[CallOptions],
    ) -> aio.Pager[models.UserInventoryResource, models.PageResourceUserInventoryResource]:
        """Iterate over all items of `get_user_inventories`, page by page.

        Args:
            id: Id of the user who holds the inventory.
            inactive: Whether to include inactive entries. The service defaults to False.
            filter_item_name: Only entries of items whose name starts with this string.
            filter_item_id: Only entries of the item with this id.
            filter_username: Only entries of the user with this login name.
            filter_group: Only entries of users in the user group with this unique name.
            filter_date: Only entries created in this range: an operator and an instant in epoch
                seconds, separated by a comma without spaces. Add further pairs for a range, as in
                `GOE,1500000000,LT,1600000000`. The operators are GT (after), GOE (at or after), LT
                (before), LOE (at or before) and EQ (at).
            limit: Maximum number of items. None means all.
            page_size: Items per page. None means 250, or `limit` if it is smaller.
            prefetch: Maximum number of pages that tasks fetch ahead, 0 to 64.
            deadline: Seconds for reading the whole list. None means no limit.
            start_page: First page to read, or the `position` of an earlier pager of this list.
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
            start_page=start_page,
        )

    async def get_user_inventory(
        self, user_id: int | str, id: int | str, **options: Unpack[CallOptions]
    ) -> models.UserInventoryResource:
        """Get an inventory entry.

        Returns one inventory entry: its item, whether it can be used, and until when.

        Args:
            user_id: Id of the user who holds the inventory, or `me` for the user of the access token.
            id: Id of the inventory entry.

        Returns:
            The inventory entry.

        Permission: INVENTORY_ADMIN. Safe to retry.
        """
        return await self._call(GET_USER_INVENTORY, {"user_id": user_id, "id": id}, options)

    get_user_inventory_with_http_info = with_http_info_async(get_user_inventory)

    @overload
    async def wait_until_user_inventory_active(
        self,
        user_id: int | str,
        id: int | str | None = None,
        *,
        item_id: int | None = None,
        invoice_id: int | None = None,
        since: int | str | dt.datetime | None = None,
        deadline: float = 60.0,
        sleep: Callable[[float], object] | None = None,
        **options: Unpack[CallOptions],
    ) -> models.UserInventoryResource: ...

    @overload
    async def wait_until_user_inventory_active(
        self,
        user_id: int | str,
        id: Sequence[int],
        *,
        deadline: float = 60.0,
        sleep: Callable[[float], object] | None = None,
        **options: Unpack[CallOptions],
    ) -> list[models.UserInventoryResource]: ...

    async def wait_until_user_inventory_active(
        self,
        user_id: int | str,
        id: int | str | Sequence[int] | None = None,
        *,
        item_id: int | None = None,
        invoice_id: int | None = None,
        since: int | str | dt.datetime | None = None,
        deadline: float = 60.0,
        sleep: Callable[[float], object] | None = None,
        **options: Unpack[CallOptions],
    ) -> models.UserInventoryResource | list[models.UserInventoryResource]:
        """Wait until the `status` is `active`.

        It polls immediately, and then at intervals that grow from 0.2 s to 5 s, or as the service asks
        with `Retry-After`. It starts no thread.

        Pass a sequence as `id` to wait for all of its items. For up to 1,000, each poll is one list
        request. Without `id`, it waits for any item with the given values.

        Args:
            user_id: Id of the user who holds the inventory, or `me` for the user of the access token.
            id: Id of the inventory entry.
            item_id: Id of the item. None matches any.
            invoice_id: Id of the invoice that created the entry, or null if there was none, as for a
                grant. None matches any.
            since: The earliest instant of creation. None matches any.
            deadline: Seconds for all calls and waits. `math.inf` sets no limit.
            sleep: A function to call with the seconds, instead of sleeping. In a test, it can move the
                sandbox's clock: `lambda seconds: sandbox.advance(seconds=seconds)`.
            **options: Options for each of the calls. See `CallOptions`.

        Returns:
            The item, or the items in the order of `id`.

        Raises:
            WaitFailed: If the `status` is `inactive`.
            DeadlineExceeded: If the deadline passes first. Its `wait_token` continues elsewhere, with
                `knetik_cloud.waiting.resume`.
            ApiException: If the service rejects a call.
        """
        find = {
            "item_id": item_id,
            "invoice_id": invoice_id,
        }
        found: models.UserInventoryResource | list[models.UserInventoryResource] = await self._wait(
            GET_USER_INVENTORY,
            "user_inventory_active",
            {"user_id": user_id},
            id,
            options,
            find=find,
            since=since,
            deadline=deadline,
            sleep=sleep,
        )
        return found

    async def get_user_inventory_log(
        self,
        user_id: int | str,
        id: int | str,
        *,
        size: int | str | None = None,
        page: int | str | None = None,
        **options: Unpack[CallOptions],
    ) -> models.PageResourceUserItemLogResource:
        """List the log of an inventory entry.

        Lists the events of an inventory entry, such as its grant and each use, one page at a time.

        Args:
            user_id: Id of the user who holds the inventory, or `me` for the user of the access token.
            id: Id of the inventory entry.
            size: Maximum number of items per page, at least 1. The service's upper limit is not
                documented. The service defaults to 25.
            page: Number of the page to return, starting at 1. A page past the end is empty. The service
                defaults to 1.

        Returns:
            The requested page.

        Permission: INVENTORY_ADMIN or owner. Safe to retry.
        """
        return await self._call(
            GET_USER_INVENTORY_LOG, {"user_id": user_id, "id": id, "size": size, "page": page}, options
        )

    get_user_inventory_log_with_http_info = with_http_info_async(get_user_inventory_log)

    def iter_user_inventory_log(
        self,
        user_id: int | str,
        id: int | str,
        *,
        limit: int | None = None,
        page_size: int | None = None,
        prefetch: int = 0,
        deadline: float | None = None,
        start_page: int | str = 1,
        **options: Unpack[CallOptions],
    ) -> aio.Pager[models.UserItemLogResource, models.PageResourceUserItemLogResource]:
        """Iterate over all items of `get_user_inventory_log`, page by page.

        Args:
            user_id: Id of the user who holds the inventory, or `me` for the user of the access token.
            id: Id of the inventory entry.
            limit: Maximum number of items. None means all.
            page_size: Items per page. None means 250, or `limit` if it is smaller.
            prefetch: Maximum number of pages that tasks fetch ahead, 0 to 64.
            deadline: Seconds for reading the whole list. None means no limit.
            start_page: First page to read, or the `position` of an earlier pager of this list.
        """
        return self._pager(
            GET_USER_INVENTORY_LOG,
            {"user_id": user_id, "id": id},
            options,
            limit=limit,
            page_size=page_size,
            prefetch=prefetch,
            deadline=deadline,
            start_page=start_page,
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
        filter_date: str | knetik_cloud.filters.DateFilter | None = None,
        **options: Unpack[CallOptions],
    ) -> models.PageResourceUserInventoryResource:
        """List the inventory entries of all users.

        Lists the inventory entries of all users, one page at a time. An entry must match all filters.
        Inactive entries are included only if you ask for them.

        Args:
            inactive: Whether to include inactive entries. The service defaults to False.
            size: Maximum number of items per page, at least 1. The service's upper limit is not
                documented. The service defaults to 25.
            page: Number of the page to return, starting at 1. A page past the end is empty. The service
                defaults to 1.
            filter_item_name: Only entries of items whose name starts with this string.
            filter_item_id: Only entries of the item with this id.
            filter_username: Only entries of the user with this login name.
            filter_group: Only entries of users in the user group with this unique name.
            filter_date: Only entries created in this range: an operator and an instant in epoch
                seconds, separated by a comma without spaces. Add further pairs for a range, as in
                `GOE,1500000000,LT,1600000000`. The operators are GT (after), GOE (at or after), LT
                (before), LOE (at or before) and EQ (at).

        Returns:
            The requested page.

        Permission: INVENTORY_ADMIN. Safe to retry.
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

    get_users_inventory_with_http_info = with_http_info_async(get_users_inventory)

    def iter_users_inventory(
        self,
        *,
        inactive: bool | None = None,
        filter_item_name: str | None = None,
        filter_item_id: int | str | None = None,
        filter_username: str | None = None,
        filter_group: str | None = None,
        filter_date: str | knetik_cloud.filters.DateFilter | None = None,
        limit: int | None = None,
        page_size: int | None = None,
        prefetch: int = 0,
        deadline: float | None = None,
        start_page: int | str = 1,
        **options: Unpack[CallOptions],
    ) -> aio.Pager[models.UserInventoryResource, models.PageResourceUserInventoryResource]:
        """Iterate over all items of `get_users_inventory`, page by page.

        Args:
            inactive: Whether to include inactive entries. The service defaults to False.
            filter_item_name: Only entries of items whose name starts with this string.
            filter_item_id: Only entries of the item with this id.
            filter_username: Only entries of the user with this login name.
            filter_group: Only entries of users in the user group with this unique name.
            filter_date: Only entries created in this range: an operator and an instant in epoch
                seconds, separated by a comma without spaces. Add further pairs for a range, as in
                `GOE,1500000000,LT,1600000000`. The operators are GT (after), GOE (at or after), LT
                (before), LOE (at or before) and EQ (at).
            limit: Maximum number of items. None means all.
            page_size: Items per page. None means 250, or `limit` if it is smaller.
            prefetch: Maximum number of pages that tasks fetch ahead, 0 to 64.
            deadline: Seconds for reading the whole list. None means no limit.
            start_page: First page to read, or the `position` of an earlier pager of this list.
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
            start_page=start_page,
        )

    async def grant_user_entitlement(
        self,
        user_id: int | str,
        grant_request: models.EntitlementGrantRequest,
        **options: Unpack[CallOptions],
    ) -> None:
        """Grant an entitlement to a user.

        Adds an entitlement item to a user's inventory without an invoice. The item's rules for getting
        it apply (limits, prerequisites). The service responds as soon as it accepts the request, and
        may fulfill it later. To make sure, read the inventory until the entry exists and is active.
        Sending the request twice grants the item twice.

        Args:
            user_id: Id of the user who holds the inventory.
            grant_request: The item to grant.

        Permission: INVENTORY_ADMIN. Not idempotent: after an error, check `may_have_applied` before you
        retry.
        """
        return await self._call(
            GRANT_USER_ENTITLEMENT, {"user_id": user_id, "grant_request": grant_request}, options
        )

    grant_user_entitlement_with_http_info = with_http_info_async(grant_user_entitlement)

    async def update_entitlement_item(
        self,
        entitlement_id: int | str,
        *,
        cascade: bool | None = None,
        entitlement_item: models.EntitlementItem | None = None,
        **options: Unpack[CallOptions],
    ) -> None:
        """Update an entitlement item.

        Replaces an entitlement item. Get it, change it and send the whole item back, because omitted
        fields are lost. The same rules apply as for creating an item. The response is empty.

        Args:
            entitlement_id: Id of the entitlement item.
            cascade: Items can share limit groups. If true, the settings of this item's groups are
                applied to all items in those groups. If false, the request fails (400) if a group is
                already in use with different settings. The service defaults to False.
            entitlement_item: The complete new item. The service sets its id and dates, and ignores
                those that you send.

        Permission: INVENTORY_ADMIN. Idempotent.
        """
        return await self._call(
            UPDATE_ENTITLEMENT_ITEM,
            {"entitlement_id": entitlement_id, "cascade": cascade, "entitlement_item": entitlement_item},
            options,
        )

    update_entitlement_item_with_http_info = with_http_info_async(update_entitlement_item)

    async def update_entitlement_template(
        self, id: str, *, template: models.ItemTemplateResource | None = None, **options: Unpack[CallOptions]
    ) -> models.ItemTemplateResource | None:
        """Update an entitlement template.

        Replaces a template. Get it, change it and send the whole template back, because omitted fields
        are lost. The service responds with the updated template (200) or without a body (204), so be
        prepared for both.

        Args:
            id: Id of the template, a string that the service assigns.
            template: The complete new template. The service sets its id and dates, and ignores those
                that you send.

        Returns:
            The updated template. None if the response is empty.

        Permission: TEMPLATE_ADMIN. Idempotent.
        """
        return await self._call(UPDATE_ENTITLEMENT_TEMPLATE, {"id": id, "template": template}, options)

    update_entitlement_template_with_http_info = with_http_info_async(update_entitlement_template)

    async def update_user_inventory_behavior_data(
        self,
        user_id: int | str,
        id: int | str,
        *,
        data: dict[str, Any] | None = None,
        **options: Unpack[CallOptions],
    ) -> None:
        """Set the behavior data of an inventory entry.

        Replaces the state that the item's behaviors keep for an inventory entry, such as the number of
        uses so far. The keys that behaviors expect are not documented. Get the entry, change the keys
        that you know, and send the whole object back.

        Args:
            user_id: Id of the user who holds the inventory.
            id: Id of the inventory entry.
            data: The new state, a JSON object of any shape.

        Permission: INVENTORY_ADMIN. Idempotent.
        """
        return await self._call(
            UPDATE_USER_INVENTORY_BEHAVIOR_DATA, {"user_id": user_id, "id": id, "data": data}, options
        )

    update_user_inventory_behavior_data_with_http_info = with_http_info_async(
        update_user_inventory_behavior_data
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

        Sets the instant from which an inventory entry can no longer be used. For a subscription, this
        moves the end of the current grace period and not the billing date, so access may end before the
        next bill is due.

        Args:
            user_id: Id of the user who holds the inventory.
            id: Id of the inventory entry.
            timestamp: The new instant in epoch seconds, as a bare JSON number. Null or no body means
                never.

        Permission: INVENTORY_ADMIN. Idempotent.
        """
        return await self._call(
            UPDATE_USER_INVENTORY_EXPIRES, {"user_id": user_id, "id": id, "timestamp": timestamp}, options
        )

    update_user_inventory_expires_with_http_info = with_http_info_async(update_user_inventory_expires)

    async def update_user_inventory_status(
        self,
        user_id: int | str,
        id: int | str,
        *,
        inventory_status: str | None = None,
        **options: Unpack[CallOptions],
    ) -> None:
        """Set the status of an inventory entry.

        Sets whether an inventory entry can be used: not yet (`pending`), now (`active`) or no longer
        (`inactive`).

        Args:
            user_id: Id of the user who holds the inventory.
            id: Id of the inventory entry.
            inventory_status: The new status, as a bare JSON string including the quotes. One of
                `pending`, `active`, `inactive`.

        Permission: INVENTORY_ADMIN. Idempotent.
        """
        return await self._call(
            UPDATE_USER_INVENTORY_STATUS,
            {"user_id": user_id, "id": id, "inventory_status": inventory_status},
            options,
        )

    update_user_inventory_status_with_http_info = with_http_info_async(update_user_inventory_status)

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

        Uses an item that the user holds. The use is counted and logged, and the last one makes the
        entry inactive. A denial is an error (403) with the reason. Sending the request twice uses the
        item twice.

        Args:
            user_id: Id of the user who holds the inventory, or `me` for the user of the access token.
            item_id: Id of the entitlement item.
            sku: SKU of a specific addition, if the item is an entitlement list. Omit it for all other
                types of items.
            info: A string to keep with this use in the log, for example where it happened.

        Permission: INVENTORY_ADMIN or owner. Not idempotent: after an error, check `may_have_applied`
        before you retry.
        """
        return await self._call(
            USE_USER_ENTITLEMENT_ITEM,
            {"user_id": user_id, "item_id": item_id, "sku": sku, "info": info},
            options,
        )

    use_user_entitlement_item_with_http_info = with_http_info_async(use_user_entitlement_item)

    async def patch_entitlement_template(
        self,
        id: str,
        *,
        test_validation: bool | None = None,
        template_patch_resource: models.PatchResource | None = None,
        **options: Unpack[CallOptions],
    ) -> models.ItemTemplateResource:
        """Change parts of an entitlement template.

        Applies patch actions to a template, in order, and returns the changed template. If one of them
        can't be applied, the request fails (400) and nothing is changed. Sending the request twice can
        apply an `add` or a `remove` twice.

        Added in version 1.1.0.

        Args:
            id: Id of the template, a string that the service assigns.
            test_validation: Whether to only check the patch actions, without changing the template. The
                service defaults to False.
            template_patch_resource: The patch actions.

        Returns:
            The changed template.

        Permission: TEMPLATE_ADMIN. Not idempotent: after an error, check `may_have_applied` before you
        retry.
        """
        return await self._call(
            PATCH_ENTITLEMENT_TEMPLATE,
            {
                "id": id,
                "test_validation": test_validation,
                "template_patch_resource": template_patch_resource,
            },
            options,
        )

    patch_entitlement_template_with_http_info = with_http_info_async(patch_entitlement_template)
