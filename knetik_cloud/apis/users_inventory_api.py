"""The calls of `UsersInventoryApi`.

Generated from the contract by `python -m codegen`: edit the contract, not this file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from knetik_cloud.api_client import Api
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
    from typing import Unpack

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
        PatchResource,
        UserInventoryAddRequest,
        UserInventoryResource,
        UserItemLogResource,
    )
    from knetik_cloud.paging import Pager
    from knetik_cloud.sorting import SortOrder


class UsersInventoryApi(Api):
    """Entitlement items and templates, and the inventories of users.

    `UsersInventoryApi(api_client)` calls through that client; without one it makes its own from a
    default `Configuration`, which is closed with it.
    """

    def add_item_to_user_inventory(
        self,
        id: int | str,
        *,
        user_inventory_add_request: UserInventoryAddRequest | None = None,
        **options: Unpack[CallOptions],
    ) -> InvoiceResource | None:
        """Add an item to a user's inventory by SKU.

        Adds the item behind an SKU to a user's inventory through an invoice. The service returns the
        invoice immediately and fulfills it later. To make sure, read the inventory until the entry
        exists and is active. With `skip_invoice`, the item is delivered before the response, and the
        response is empty because there is no invoice. Sending the request twice adds the item twice.

        Args:
            id: Id of the user who holds the inventory.
            user_inventory_add_request: The item to add and how to add it.
            **options: What holds for this call only; see `CallOptions`.

        Returns:
            The invoice, which may not be fulfilled yet, or null or no body if `skip_invoice` is true.
                An empty answer is None.

        Raises:
            BadRequestException: The request was rejected because a value is missing, invalid, or in
                conflict with existing data. Nothing was changed.
            UnauthorizedException: The access token is missing, expired or revoked. The body is an OAuth
                error or a Result.
            ForbiddenException: The caller is missing a permission, or a rule of the item denies the
                request.
            NotFoundException: The user, item, template or entry in the request does not exist.
            ApiException: Whatever else goes wrong; the errors above are kinds of it.

        Permission: INVENTORY_ADMIN. Sent once: the client repeats it only where the service can't have
        acted; otherwise the error's `may_have_applied` says whether it may have.
        """
        return self._call(
            ADD_ITEM_TO_USER_INVENTORY,
            {"id": id, "user_inventory_add_request": user_inventory_add_request},
            options,
        )

    def add_item_to_user_inventory_with_http_info(
        self,
        id: int | str,
        *,
        user_inventory_add_request: UserInventoryAddRequest | None = None,
        **options: Unpack[CallOptions],
    ) -> ApiResponse[InvoiceResource | None]:
        """Do `add_item_to_user_inventory`; return its result together with the HTTP status and headers."""
        return self._call_with_http_info(
            ADD_ITEM_TO_USER_INVENTORY,
            {"id": id, "user_inventory_add_request": user_inventory_add_request},
            options,
        )

    def check_user_entitlement_item(
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
            **options: What holds for this call only; see `CallOptions`.

        Raises:
            BadRequestException: The request was rejected because a value is missing, invalid, or in
                conflict with existing data. Nothing was changed.
            UnauthorizedException: The access token is missing, expired or revoked. The body is an OAuth
                error or a Result.
            ForbiddenException: The caller is missing a permission, or a rule of the item denies the
                request.
            NotFoundException: The user, item, template or entry in the request does not exist.
            ApiException: Whatever else goes wrong; the errors above are kinds of it.

        Permission: INVENTORY_ADMIN or owner. Safe to repeat: a try that fails on the way changes
        nothing, so the client makes another.
        """
        return self._call(
            CHECK_USER_ENTITLEMENT_ITEM, {"user_id": user_id, "item_id": item_id, "sku": sku}, options
        )

    def check_user_entitlement_item_with_http_info(
        self,
        user_id: int | str,
        item_id: int | str,
        *,
        sku: str | None = None,
        **options: Unpack[CallOptions],
    ) -> ApiResponse[None]:
        """Do `check_user_entitlement_item`; return its result together with the HTTP status and headers."""
        return self._call_with_http_info(
            CHECK_USER_ENTITLEMENT_ITEM, {"user_id": user_id, "item_id": item_id, "sku": sku}, options
        )

    def create_entitlement_item(
        self,
        *,
        cascade: bool | None = None,
        entitlement_item: EntitlementItem | None = None,
        **options: Unpack[CallOptions],
    ) -> EntitlementItem:
        """Create an entitlement item.

        Creates an entitlement item and returns it with its id. `name` and `type_hint` are required. An
        item with a template must have the properties and behaviors that the template requires. Sending
        the request twice creates two items, unless they have the same `unique_key`.

        Args:
            cascade: Items can share limit groups. If true, the settings of this item's groups are
                applied to all items in those groups. If false, the request fails (400) if a group is
                already in use with different settings. Left out, the service takes False.
            entitlement_item: The item to create. The service sets its id and dates, and ignores those
                that you send.
            **options: What holds for this call only; see `CallOptions`.

        Returns:
            The created item.

        Raises:
            BadRequestException: The request was rejected because a value is missing, invalid, or in
                conflict with existing data. Nothing was changed.
            UnauthorizedException: The access token is missing, expired or revoked. The body is an OAuth
                error or a Result.
            ForbiddenException: The caller is missing a permission, or a rule of the item denies the
                request.
            NotFoundException: The user, item, template or entry in the request does not exist.
            ApiException: Whatever else goes wrong; the errors above are kinds of it.

        Permission: INVENTORY_ADMIN. Sent once: the client repeats it only where the service can't have
        acted; otherwise the error's `may_have_applied` says whether it may have.
        """
        return self._call(
            CREATE_ENTITLEMENT_ITEM, {"cascade": cascade, "entitlement_item": entitlement_item}, options
        )

    def create_entitlement_item_with_http_info(
        self,
        *,
        cascade: bool | None = None,
        entitlement_item: EntitlementItem | None = None,
        **options: Unpack[CallOptions],
    ) -> ApiResponse[EntitlementItem]:
        """Do `create_entitlement_item`; return its result together with the HTTP status and headers."""
        return self._call_with_http_info(
            CREATE_ENTITLEMENT_ITEM, {"cascade": cascade, "entitlement_item": entitlement_item}, options
        )

    def create_entitlement_template(
        self, *, template: ItemTemplateResource | None = None, **options: Unpack[CallOptions]
    ) -> ItemTemplateResource:
        """Create an entitlement template.

        Creates a template and returns it with its id. A template defines which properties its items
        have and which behaviors they start with. Sending the request twice creates two templates.

        Args:
            template: The template to create. The service sets its id and dates, and ignores those that
                you send.
            **options: What holds for this call only; see `CallOptions`.

        Returns:
            The created template.

        Raises:
            BadRequestException: The request was rejected because a value is missing, invalid, or in
                conflict with existing data. Nothing was changed.
            UnauthorizedException: The access token is missing, expired or revoked. The body is an OAuth
                error or a Result.
            ForbiddenException: The caller is missing a permission, or a rule of the item denies the
                request.
            NotFoundException: The user, item, template or entry in the request does not exist.
            ApiException: Whatever else goes wrong; the errors above are kinds of it.

        Permission: TEMPLATE_ADMIN. Sent once: the client repeats it only where the service can't have
        acted; otherwise the error's `may_have_applied` says whether it may have.
        """
        return self._call(CREATE_ENTITLEMENT_TEMPLATE, {"template": template}, options)

    def create_entitlement_template_with_http_info(
        self, *, template: ItemTemplateResource | None = None, **options: Unpack[CallOptions]
    ) -> ApiResponse[ItemTemplateResource]:
        """Do `create_entitlement_template`; return its result together with the HTTP status and headers."""
        return self._call_with_http_info(CREATE_ENTITLEMENT_TEMPLATE, {"template": template}, options)

    def delete_entitlement_item(self, entitlement_id: int | str, **options: Unpack[CallOptions]) -> None:
        """Delete an entitlement item.

        Deletes an entitlement item. The effect on inventory entries that hold it is not documented.

        Args:
            entitlement_id: Id of the entitlement item.
            **options: What holds for this call only; see `CallOptions`.

        Raises:
            BadRequestException: The request was rejected because a value is missing, invalid, or in
                conflict with existing data. Nothing was changed.
            UnauthorizedException: The access token is missing, expired or revoked. The body is an OAuth
                error or a Result.
            ForbiddenException: The caller is missing a permission, or a rule of the item denies the
                request.
            NotFoundException: The user, item, template or entry in the request does not exist.
            ApiException: Whatever else goes wrong; the errors above are kinds of it.

        Permission: INVENTORY_ADMIN. Idempotent: doing it twice leaves the same state, so the client
        repeats a try that fails on the way.
        """
        return self._call(DELETE_ENTITLEMENT_ITEM, {"entitlement_id": entitlement_id}, options)

    def delete_entitlement_item_with_http_info(
        self, entitlement_id: int | str, **options: Unpack[CallOptions]
    ) -> ApiResponse[None]:
        """Do `delete_entitlement_item`; return its result together with the HTTP status and headers."""
        return self._call_with_http_info(DELETE_ENTITLEMENT_ITEM, {"entitlement_id": entitlement_id}, options)

    def delete_entitlement_template(
        self, id: str, *, cascade: str | None = None, **options: Unpack[CallOptions]
    ) -> None:
        """Delete an entitlement template.

        Deletes a template. If items still use it, the request fails (400) unless `cascade` is `detach`.
        Detached items are kept and are no longer checked.

        Args:
            id: Id of the template, a string that the service assigns.
            cascade: `detach` deletes the template even if items use it, and clears their `template`. By
                default, a template in use is kept. Known values, others may come: `detach`.
            **options: What holds for this call only; see `CallOptions`.

        Raises:
            BadRequestException: The request was rejected because a value is missing, invalid, or in
                conflict with existing data. Nothing was changed.
            UnauthorizedException: The access token is missing, expired or revoked. The body is an OAuth
                error or a Result.
            ForbiddenException: The caller is missing a permission, or a rule of the item denies the
                request.
            NotFoundException: The user, item, template or entry in the request does not exist.
            ApiException: Whatever else goes wrong; the errors above are kinds of it.

        Permission: TEMPLATE_ADMIN. Idempotent: doing it twice leaves the same state, so the client
        repeats a try that fails on the way.
        """
        return self._call(DELETE_ENTITLEMENT_TEMPLATE, {"id": id, "cascade": cascade}, options)

    def delete_entitlement_template_with_http_info(
        self, id: str, *, cascade: str | None = None, **options: Unpack[CallOptions]
    ) -> ApiResponse[None]:
        """Do `delete_entitlement_template`; return its result together with the HTTP status and headers."""
        return self._call_with_http_info(DELETE_ENTITLEMENT_TEMPLATE, {"id": id, "cascade": cascade}, options)

    def get_entitlement_item(
        self, entitlement_id: int | str, **options: Unpack[CallOptions]
    ) -> EntitlementItem:
        """Get an entitlement item.

        Returns one entitlement item with all its behaviors and properties.

        Args:
            entitlement_id: Id of the entitlement item.
            **options: What holds for this call only; see `CallOptions`.

        Returns:
            The item.

        Raises:
            BadRequestException: The request was rejected because a value is missing, invalid, or in
                conflict with existing data. Nothing was changed.
            UnauthorizedException: The access token is missing, expired or revoked. The body is an OAuth
                error or a Result.
            ForbiddenException: The caller is missing a permission, or a rule of the item denies the
                request.
            NotFoundException: The user, item, template or entry in the request does not exist.
            ApiException: Whatever else goes wrong; the errors above are kinds of it.

        Permission: none. Safe to repeat: a try that fails on the way changes nothing, so the client
        makes another.
        """
        return self._call(GET_ENTITLEMENT_ITEM, {"entitlement_id": entitlement_id}, options)

    def get_entitlement_item_with_http_info(
        self, entitlement_id: int | str, **options: Unpack[CallOptions]
    ) -> ApiResponse[EntitlementItem]:
        """Do `get_entitlement_item`; return its result together with the HTTP status and headers."""
        return self._call_with_http_info(GET_ENTITLEMENT_ITEM, {"entitlement_id": entitlement_id}, options)

    def get_entitlement_items(
        self,
        *,
        size: int | str | None = None,
        page: int | str | None = None,
        order: str | SortOrder | None = None,
        filter_template: str | None = None,
        filter_name_search: str | None = None,
        **options: Unpack[CallOptions],
    ) -> PageResourceEntitlementItem:
        """List entitlement items.

        Lists all entitlement items, one page at a time. Behaviors may be missing from lists. Get a
        single item to see all of them.

        Args:
            size: Maximum number of items per page, at least 1. The service's upper limit is not
                documented. Left out, the service takes 25.
            page: Number of the page to return, starting at 1. A page past the end is empty. Left out,
                the service takes 1.
            order: Sort keys in order of priority: `FIELD:ASC` or `FIELD:DESC`, separated by commas
                without spaces. `FIELD` is the name in the JSON. Left out, the service takes 'id:ASC'.
            filter_template: Only items of the template with this id. Added in version 1.1.0.
            filter_name_search: Only items whose name starts with this string. Added in version 1.1.0.
            **options: What holds for this call only; see `CallOptions`.

        Returns:
            The requested page.

        Raises:
            BadRequestException: The request was rejected because a value is missing, invalid, or in
                conflict with existing data. Nothing was changed.
            UnauthorizedException: The access token is missing, expired or revoked. The body is an OAuth
                error or a Result.
            ForbiddenException: The caller is missing a permission, or a rule of the item denies the
                request.
            NotFoundException: The user, item, template or entry in the request does not exist.
            ApiException: Whatever else goes wrong; the errors above are kinds of it.

        Permission: none. Safe to repeat: a try that fails on the way changes nothing, so the client
        makes another.
        """
        return self._call(
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

    def get_entitlement_items_with_http_info(
        self,
        *,
        size: int | str | None = None,
        page: int | str | None = None,
        order: str | SortOrder | None = None,
        filter_template: str | None = None,
        filter_name_search: str | None = None,
        **options: Unpack[CallOptions],
    ) -> ApiResponse[PageResourceEntitlementItem]:
        """Do `get_entitlement_items`; return its result together with the HTTP status and headers."""
        return self._call_with_http_info(
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

    def iter_entitlement_items(
        self,
        *,
        order: str | SortOrder | None = None,
        filter_template: str | None = None,
        filter_name_search: str | None = None,
        limit: int | None = None,
        page_size: int | None = None,
        prefetch: int = 0,
        deadline: float | None = None,
        start_page: int | str = 1,
        **options: Unpack[CallOptions],
    ) -> Pager[EntitlementItem, PageResourceEntitlementItem]:
        """Give what `get_entitlement_items` lists, over all its pages.

        Nothing is sent yet: a loop over the `Pager` fetches page after page, and over its `pages()`
        gives the pages themselves. No item is given twice; a `RowsMovedWarning` says when one may be
        missing.

        Args:
            order: Sort keys in order of priority: `FIELD:ASC` or `FIELD:DESC`, separated by commas
                without spaces. `FIELD` is the name in the JSON. Left out, the service takes 'id:ASC'.
            filter_template: Only items of the template with this id. Added in version 1.1.0.
            filter_name_search: Only items whose name starts with this string. Added in version 1.1.0.
            limit: How many items are given at most; None gives all.
            page_size: Items per page. None takes 250, or `limit` if it is smaller.
            prefetch: How many pages threads fetch ahead at most, 0 to 64.
            deadline: Seconds for the whole reading; None sets no limit but that of each call.
            start_page: The page to begin with, or the `position` of an earlier pager of this list.
            **options: What holds for each of the calls; see `CallOptions`.

        Raises:
            ApiValueError: A number is out of range.

        The loop raises what `get_entitlement_items` raises, and DeadlineExceeded.
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

    def get_entitlement_template(self, id: str, **options: Unpack[CallOptions]) -> ItemTemplateResource:
        """Get an entitlement template.

        Returns one entitlement template.

        Args:
            id: Id of the template, a string that the service assigns.
            **options: What holds for this call only; see `CallOptions`.

        Returns:
            The template.

        Raises:
            BadRequestException: The request was rejected because a value is missing, invalid, or in
                conflict with existing data. Nothing was changed.
            UnauthorizedException: The access token is missing, expired or revoked. The body is an OAuth
                error or a Result.
            ForbiddenException: The caller is missing a permission, or a rule of the item denies the
                request.
            NotFoundException: The user, item, template or entry in the request does not exist.
            ApiException: Whatever else goes wrong; the errors above are kinds of it.

        Permission: TEMPLATE_ADMIN or ACHIEVEMENTS_ADMIN. Safe to repeat: a try that fails on the way
        changes nothing, so the client makes another.
        """
        return self._call(GET_ENTITLEMENT_TEMPLATE, {"id": id}, options)

    def get_entitlement_template_with_http_info(
        self, id: str, **options: Unpack[CallOptions]
    ) -> ApiResponse[ItemTemplateResource]:
        """Do `get_entitlement_template`; return its result together with the HTTP status and headers."""
        return self._call_with_http_info(GET_ENTITLEMENT_TEMPLATE, {"id": id}, options)

    def get_entitlement_templates(
        self,
        *,
        size: int | str | None = None,
        page: int | str | None = None,
        order: str | SortOrder | None = None,
        **options: Unpack[CallOptions],
    ) -> PageResourceItemTemplateResource:
        """List entitlement templates.

        Lists all entitlement templates, one page at a time.

        Args:
            size: Maximum number of items per page, at least 1. The service's upper limit is not
                documented. Left out, the service takes 25.
            page: Number of the page to return, starting at 1. A page past the end is empty. Left out,
                the service takes 1.
            order: Sort keys in order of priority: `FIELD:ASC` or `FIELD:DESC`, separated by commas
                without spaces. `FIELD` is the name in the JSON. Left out, the service takes 'id:ASC'.
            **options: What holds for this call only; see `CallOptions`.

        Returns:
            The requested page.

        Raises:
            BadRequestException: The request was rejected because a value is missing, invalid, or in
                conflict with existing data. Nothing was changed.
            UnauthorizedException: The access token is missing, expired or revoked. The body is an OAuth
                error or a Result.
            ForbiddenException: The caller is missing a permission, or a rule of the item denies the
                request.
            NotFoundException: The user, item, template or entry in the request does not exist.
            ApiException: Whatever else goes wrong; the errors above are kinds of it.

        Permission: TEMPLATE_ADMIN or ACHIEVEMENTS_ADMIN. Safe to repeat: a try that fails on the way
        changes nothing, so the client makes another.
        """
        return self._call(GET_ENTITLEMENT_TEMPLATES, {"size": size, "page": page, "order": order}, options)

    def get_entitlement_templates_with_http_info(
        self,
        *,
        size: int | str | None = None,
        page: int | str | None = None,
        order: str | SortOrder | None = None,
        **options: Unpack[CallOptions],
    ) -> ApiResponse[PageResourceItemTemplateResource]:
        """Do `get_entitlement_templates`; return its result together with the HTTP status and headers."""
        return self._call_with_http_info(
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
        start_page: int | str = 1,
        **options: Unpack[CallOptions],
    ) -> Pager[ItemTemplateResource, PageResourceItemTemplateResource]:
        """Give what `get_entitlement_templates` lists, over all its pages.

        Nothing is sent yet: a loop over the `Pager` fetches page after page, and over its `pages()`
        gives the pages themselves. No item is given twice; a `RowsMovedWarning` says when one may be
        missing.

        Args:
            order: Sort keys in order of priority: `FIELD:ASC` or `FIELD:DESC`, separated by commas
                without spaces. `FIELD` is the name in the JSON. Left out, the service takes 'id:ASC'.
            limit: How many items are given at most; None gives all.
            page_size: Items per page. None takes 250, or `limit` if it is smaller.
            prefetch: How many pages threads fetch ahead at most, 0 to 64.
            deadline: Seconds for the whole reading; None sets no limit but that of each call.
            start_page: The page to begin with, or the `position` of an earlier pager of this list.
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
            start_page=start_page,
        )

    def get_user_inventories(
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

        Lists the inventory entries of one user, one page at a time. An entry must match all filters.
        Inactive entries are included only if you ask for them.

        Args:
            id: Id of the user who holds the inventory.
            inactive: Whether to include inactive entries. Left out, the service takes False.
            size: Maximum number of items per page, at least 1. The service's upper limit is not
                documented. Left out, the service takes 25.
            page: Number of the page to return, starting at 1. A page past the end is empty. Left out,
                the service takes 1.
            filter_item_name: Only entries of items whose name starts with this string.
            filter_item_id: Only entries of the item with this id.
            filter_username: Only entries of the user with this login name.
            filter_group: Only entries of users in the user group with this unique name.
            filter_date: Only entries created in this range: an operator and an instant in epoch
                seconds, separated by a comma without spaces. Add further pairs for a range, as in
                `GOE,1500000000,LT,1600000000`. The operators are GT (after), GOE (at or after), LT
                (before), LOE (at or before) and EQ (at).
            **options: What holds for this call only; see `CallOptions`.

        Returns:
            The requested page.

        Raises:
            BadRequestException: The request was rejected because a value is missing, invalid, or in
                conflict with existing data. Nothing was changed.
            UnauthorizedException: The access token is missing, expired or revoked. The body is an OAuth
                error or a Result.
            ForbiddenException: The caller is missing a permission, or a rule of the item denies the
                request.
            NotFoundException: The user, item, template or entry in the request does not exist.
            ApiException: Whatever else goes wrong; the errors above are kinds of it.

        Permission: INVENTORY_ADMIN or owner. Safe to repeat: a try that fails on the way changes
        nothing, so the client makes another.
        """
        return self._call(
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

    def get_user_inventories_with_http_info(
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
        return self._call_with_http_info(
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
        start_page: int | str = 1,
        **options: Unpack[CallOptions],
    ) -> Pager[UserInventoryResource, PageResourceUserInventoryResource]:
        """Give what `get_user_inventories` lists, over all its pages.

        Nothing is sent yet: a loop over the `Pager` fetches page after page, and over its `pages()`
        gives the pages themselves. No item is given twice; a `RowsMovedWarning` says when one may be
        missing.

        Args:
            id: Id of the user who holds the inventory.
            inactive: Whether to include inactive entries. Left out, the service takes False.
            filter_item_name: Only entries of items whose name starts with this string.
            filter_item_id: Only entries of the item with this id.
            filter_username: Only entries of the user with this login name.
            filter_group: Only entries of users in the user group with this unique name.
            filter_date: Only entries created in this range: an operator and an instant in epoch
                seconds, separated by a comma without spaces. Add further pairs for a range, as in
                `GOE,1500000000,LT,1600000000`. The operators are GT (after), GOE (at or after), LT
                (before), LOE (at or before) and EQ (at).
            limit: How many items are given at most; None gives all.
            page_size: Items per page. None takes 250, or `limit` if it is smaller.
            prefetch: How many pages threads fetch ahead at most, 0 to 64.
            deadline: Seconds for the whole reading; None sets no limit but that of each call.
            start_page: The page to begin with, or the `position` of an earlier pager of this list.
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
            start_page=start_page,
        )

    def get_user_inventory(
        self, user_id: int | str, id: int | str, **options: Unpack[CallOptions]
    ) -> UserInventoryResource:
        """Get an inventory entry.

        Returns one inventory entry: its item, whether it can be used, and until when.

        Args:
            user_id: Id of the user who holds the inventory, or `me` for the user of the access token.
            id: Id of the inventory entry.
            **options: What holds for this call only; see `CallOptions`.

        Returns:
            The inventory entry.

        Raises:
            BadRequestException: The request was rejected because a value is missing, invalid, or in
                conflict with existing data. Nothing was changed.
            UnauthorizedException: The access token is missing, expired or revoked. The body is an OAuth
                error or a Result.
            ForbiddenException: The caller is missing a permission, or a rule of the item denies the
                request.
            NotFoundException: The user, item, template or entry in the request does not exist.
            ApiException: Whatever else goes wrong; the errors above are kinds of it.

        Permission: INVENTORY_ADMIN. Safe to repeat: a try that fails on the way changes nothing, so the
        client makes another.
        """
        return self._call(GET_USER_INVENTORY, {"user_id": user_id, "id": id}, options)

    def get_user_inventory_with_http_info(
        self, user_id: int | str, id: int | str, **options: Unpack[CallOptions]
    ) -> ApiResponse[UserInventoryResource]:
        """Do `get_user_inventory`; return its result together with the HTTP status and headers."""
        return self._call_with_http_info(GET_USER_INVENTORY, {"user_id": user_id, "id": id}, options)

    def get_user_inventory_log(
        self,
        user_id: int | str,
        id: int | str,
        *,
        size: int | str | None = None,
        page: int | str | None = None,
        **options: Unpack[CallOptions],
    ) -> PageResourceUserItemLogResource:
        """List the log of an inventory entry.

        Lists the events of an inventory entry, such as its grant and each use, one page at a time.

        Args:
            user_id: Id of the user who holds the inventory, or `me` for the user of the access token.
            id: Id of the inventory entry.
            size: Maximum number of items per page, at least 1. The service's upper limit is not
                documented. Left out, the service takes 25.
            page: Number of the page to return, starting at 1. A page past the end is empty. Left out,
                the service takes 1.
            **options: What holds for this call only; see `CallOptions`.

        Returns:
            The requested page.

        Raises:
            BadRequestException: The request was rejected because a value is missing, invalid, or in
                conflict with existing data. Nothing was changed.
            UnauthorizedException: The access token is missing, expired or revoked. The body is an OAuth
                error or a Result.
            ForbiddenException: The caller is missing a permission, or a rule of the item denies the
                request.
            NotFoundException: The user, item, template or entry in the request does not exist.
            ApiException: Whatever else goes wrong; the errors above are kinds of it.

        Permission: INVENTORY_ADMIN or owner. Safe to repeat: a try that fails on the way changes
        nothing, so the client makes another.
        """
        return self._call(
            GET_USER_INVENTORY_LOG, {"user_id": user_id, "id": id, "size": size, "page": page}, options
        )

    def get_user_inventory_log_with_http_info(
        self,
        user_id: int | str,
        id: int | str,
        *,
        size: int | str | None = None,
        page: int | str | None = None,
        **options: Unpack[CallOptions],
    ) -> ApiResponse[PageResourceUserItemLogResource]:
        """Do `get_user_inventory_log`; return its result together with the HTTP status and headers."""
        return self._call_with_http_info(
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
        start_page: int | str = 1,
        **options: Unpack[CallOptions],
    ) -> Pager[UserItemLogResource, PageResourceUserItemLogResource]:
        """Give what `get_user_inventory_log` lists, over all its pages.

        Nothing is sent yet: a loop over the `Pager` fetches page after page, and over its `pages()`
        gives the pages themselves. No item is given twice; a `RowsMovedWarning` says when one may be
        missing.

        Args:
            user_id: Id of the user who holds the inventory, or `me` for the user of the access token.
            id: Id of the inventory entry.
            limit: How many items are given at most; None gives all.
            page_size: Items per page. None takes 250, or `limit` if it is smaller.
            prefetch: How many pages threads fetch ahead at most, 0 to 64.
            deadline: Seconds for the whole reading; None sets no limit but that of each call.
            start_page: The page to begin with, or the `position` of an earlier pager of this list.
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
            start_page=start_page,
        )

    def get_users_inventory(
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

        Lists the inventory entries of all users, one page at a time. An entry must match all filters.
        Inactive entries are included only if you ask for them.

        Args:
            inactive: Whether to include inactive entries. Left out, the service takes False.
            size: Maximum number of items per page, at least 1. The service's upper limit is not
                documented. Left out, the service takes 25.
            page: Number of the page to return, starting at 1. A page past the end is empty. Left out,
                the service takes 1.
            filter_item_name: Only entries of items whose name starts with this string.
            filter_item_id: Only entries of the item with this id.
            filter_username: Only entries of the user with this login name.
            filter_group: Only entries of users in the user group with this unique name.
            filter_date: Only entries created in this range: an operator and an instant in epoch
                seconds, separated by a comma without spaces. Add further pairs for a range, as in
                `GOE,1500000000,LT,1600000000`. The operators are GT (after), GOE (at or after), LT
                (before), LOE (at or before) and EQ (at).
            **options: What holds for this call only; see `CallOptions`.

        Returns:
            The requested page.

        Raises:
            BadRequestException: The request was rejected because a value is missing, invalid, or in
                conflict with existing data. Nothing was changed.
            UnauthorizedException: The access token is missing, expired or revoked. The body is an OAuth
                error or a Result.
            ForbiddenException: The caller is missing a permission, or a rule of the item denies the
                request.
            NotFoundException: The user, item, template or entry in the request does not exist.
            ApiException: Whatever else goes wrong; the errors above are kinds of it.

        Permission: INVENTORY_ADMIN. Safe to repeat: a try that fails on the way changes nothing, so the
        client makes another.
        """
        return self._call(
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

    def get_users_inventory_with_http_info(
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
        return self._call_with_http_info(
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
        start_page: int | str = 1,
        **options: Unpack[CallOptions],
    ) -> Pager[UserInventoryResource, PageResourceUserInventoryResource]:
        """Give what `get_users_inventory` lists, over all its pages.

        Nothing is sent yet: a loop over the `Pager` fetches page after page, and over its `pages()`
        gives the pages themselves. No item is given twice; a `RowsMovedWarning` says when one may be
        missing.

        Args:
            inactive: Whether to include inactive entries. Left out, the service takes False.
            filter_item_name: Only entries of items whose name starts with this string.
            filter_item_id: Only entries of the item with this id.
            filter_username: Only entries of the user with this login name.
            filter_group: Only entries of users in the user group with this unique name.
            filter_date: Only entries created in this range: an operator and an instant in epoch
                seconds, separated by a comma without spaces. Add further pairs for a range, as in
                `GOE,1500000000,LT,1600000000`. The operators are GT (after), GOE (at or after), LT
                (before), LOE (at or before) and EQ (at).
            limit: How many items are given at most; None gives all.
            page_size: Items per page. None takes 250, or `limit` if it is smaller.
            prefetch: How many pages threads fetch ahead at most, 0 to 64.
            deadline: Seconds for the whole reading; None sets no limit but that of each call.
            start_page: The page to begin with, or the `position` of an earlier pager of this list.
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
            start_page=start_page,
        )

    def grant_user_entitlement(
        self, user_id: int | str, grant_request: EntitlementGrantRequest, **options: Unpack[CallOptions]
    ) -> None:
        """Grant an entitlement to a user.

        Adds an entitlement item to a user's inventory without an invoice. The item's rules for getting
        it apply (limits, prerequisites). The service responds as soon as it accepts the request, and
        may fulfill it later. To make sure, read the inventory until the entry exists and is active.
        Sending the request twice grants the item twice.

        Args:
            user_id: Id of the user who holds the inventory.
            grant_request: The item to grant.
            **options: What holds for this call only; see `CallOptions`.

        Raises:
            BadRequestException: The request was rejected because a value is missing, invalid, or in
                conflict with existing data. Nothing was changed.
            UnauthorizedException: The access token is missing, expired or revoked. The body is an OAuth
                error or a Result.
            ForbiddenException: The caller is missing a permission, or a rule of the item denies the
                request.
            NotFoundException: The user, item, template or entry in the request does not exist.
            ApiException: Whatever else goes wrong; the errors above are kinds of it.

        Permission: INVENTORY_ADMIN. Sent once: the client repeats it only where the service can't have
        acted; otherwise the error's `may_have_applied` says whether it may have.
        """
        return self._call(
            GRANT_USER_ENTITLEMENT, {"user_id": user_id, "grant_request": grant_request}, options
        )

    def grant_user_entitlement_with_http_info(
        self, user_id: int | str, grant_request: EntitlementGrantRequest, **options: Unpack[CallOptions]
    ) -> ApiResponse[None]:
        """Do `grant_user_entitlement`; return its result together with the HTTP status and headers."""
        return self._call_with_http_info(
            GRANT_USER_ENTITLEMENT, {"user_id": user_id, "grant_request": grant_request}, options
        )

    def update_entitlement_item(
        self,
        entitlement_id: int | str,
        *,
        cascade: bool | None = None,
        entitlement_item: EntitlementItem | None = None,
        **options: Unpack[CallOptions],
    ) -> None:
        """Update an entitlement item.

        Replaces an entitlement item. Get it, change it and send the whole item back, because omitted
        fields are lost. The same rules apply as for creating an item. The response is empty.

        Args:
            entitlement_id: Id of the entitlement item.
            cascade: Items can share limit groups. If true, the settings of this item's groups are
                applied to all items in those groups. If false, the request fails (400) if a group is
                already in use with different settings. Left out, the service takes False.
            entitlement_item: The complete new item. The service sets its id and dates, and ignores
                those that you send.
            **options: What holds for this call only; see `CallOptions`.

        Raises:
            BadRequestException: The request was rejected because a value is missing, invalid, or in
                conflict with existing data. Nothing was changed.
            UnauthorizedException: The access token is missing, expired or revoked. The body is an OAuth
                error or a Result.
            ForbiddenException: The caller is missing a permission, or a rule of the item denies the
                request.
            NotFoundException: The user, item, template or entry in the request does not exist.
            ApiException: Whatever else goes wrong; the errors above are kinds of it.

        Permission: INVENTORY_ADMIN. Idempotent: doing it twice leaves the same state, so the client
        repeats a try that fails on the way.
        """
        return self._call(
            UPDATE_ENTITLEMENT_ITEM,
            {"entitlement_id": entitlement_id, "cascade": cascade, "entitlement_item": entitlement_item},
            options,
        )

    def update_entitlement_item_with_http_info(
        self,
        entitlement_id: int | str,
        *,
        cascade: bool | None = None,
        entitlement_item: EntitlementItem | None = None,
        **options: Unpack[CallOptions],
    ) -> ApiResponse[None]:
        """Do `update_entitlement_item`; return its result together with the HTTP status and headers."""
        return self._call_with_http_info(
            UPDATE_ENTITLEMENT_ITEM,
            {"entitlement_id": entitlement_id, "cascade": cascade, "entitlement_item": entitlement_item},
            options,
        )

    def update_entitlement_template(
        self, id: str, *, template: ItemTemplateResource | None = None, **options: Unpack[CallOptions]
    ) -> ItemTemplateResource | None:
        """Update an entitlement template.

        Replaces a template. Get it, change it and send the whole template back, because omitted fields
        are lost. The service responds with the updated template (200) or without a body (204), so be
        prepared for both.

        Args:
            id: Id of the template, a string that the service assigns.
            template: The complete new template. The service sets its id and dates, and ignores those
                that you send.
            **options: What holds for this call only; see `CallOptions`.

        Returns:
            The updated template. An empty answer is None.

        Raises:
            BadRequestException: The request was rejected because a value is missing, invalid, or in
                conflict with existing data. Nothing was changed.
            UnauthorizedException: The access token is missing, expired or revoked. The body is an OAuth
                error or a Result.
            ForbiddenException: The caller is missing a permission, or a rule of the item denies the
                request.
            NotFoundException: The user, item, template or entry in the request does not exist.
            ApiException: Whatever else goes wrong; the errors above are kinds of it.

        Permission: TEMPLATE_ADMIN. Idempotent: doing it twice leaves the same state, so the client
        repeats a try that fails on the way.
        """
        return self._call(UPDATE_ENTITLEMENT_TEMPLATE, {"id": id, "template": template}, options)

    def update_entitlement_template_with_http_info(
        self, id: str, *, template: ItemTemplateResource | None = None, **options: Unpack[CallOptions]
    ) -> ApiResponse[ItemTemplateResource | None]:
        """Do `update_entitlement_template`; return its result together with the HTTP status and headers."""
        return self._call_with_http_info(
            UPDATE_ENTITLEMENT_TEMPLATE, {"id": id, "template": template}, options
        )

    def update_user_inventory_behavior_data(
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
            **options: What holds for this call only; see `CallOptions`.

        Raises:
            BadRequestException: The request was rejected because a value is missing, invalid, or in
                conflict with existing data. Nothing was changed.
            UnauthorizedException: The access token is missing, expired or revoked. The body is an OAuth
                error or a Result.
            ForbiddenException: The caller is missing a permission, or a rule of the item denies the
                request.
            NotFoundException: The user, item, template or entry in the request does not exist.
            ApiException: Whatever else goes wrong; the errors above are kinds of it.

        Permission: INVENTORY_ADMIN. Idempotent: doing it twice leaves the same state, so the client
        repeats a try that fails on the way.
        """
        return self._call(
            UPDATE_USER_INVENTORY_BEHAVIOR_DATA, {"user_id": user_id, "id": id, "data": data}, options
        )

    def update_user_inventory_behavior_data_with_http_info(
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
        return self._call_with_http_info(
            UPDATE_USER_INVENTORY_BEHAVIOR_DATA, {"user_id": user_id, "id": id, "data": data}, options
        )

    def update_user_inventory_expires(
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
            **options: What holds for this call only; see `CallOptions`.

        Raises:
            BadRequestException: The request was rejected because a value is missing, invalid, or in
                conflict with existing data. Nothing was changed.
            UnauthorizedException: The access token is missing, expired or revoked. The body is an OAuth
                error or a Result.
            ForbiddenException: The caller is missing a permission, or a rule of the item denies the
                request.
            NotFoundException: The user, item, template or entry in the request does not exist.
            ApiException: Whatever else goes wrong; the errors above are kinds of it.

        Permission: INVENTORY_ADMIN. Idempotent: doing it twice leaves the same state, so the client
        repeats a try that fails on the way.
        """
        return self._call(
            UPDATE_USER_INVENTORY_EXPIRES, {"user_id": user_id, "id": id, "timestamp": timestamp}, options
        )

    def update_user_inventory_expires_with_http_info(
        self,
        user_id: int | str,
        id: int | str,
        *,
        timestamp: int | str | dt.datetime | None = None,
        **options: Unpack[CallOptions],
    ) -> ApiResponse[None]:
        """Do `update_user_inventory_expires`; return its result together with the HTTP status and headers."""
        return self._call_with_http_info(
            UPDATE_USER_INVENTORY_EXPIRES, {"user_id": user_id, "id": id, "timestamp": timestamp}, options
        )

    def update_user_inventory_status(
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
            **options: What holds for this call only; see `CallOptions`.

        Raises:
            BadRequestException: The request was rejected because a value is missing, invalid, or in
                conflict with existing data. Nothing was changed.
            UnauthorizedException: The access token is missing, expired or revoked. The body is an OAuth
                error or a Result.
            ForbiddenException: The caller is missing a permission, or a rule of the item denies the
                request.
            NotFoundException: The user, item, template or entry in the request does not exist.
            ApiException: Whatever else goes wrong; the errors above are kinds of it.

        Permission: INVENTORY_ADMIN. Idempotent: doing it twice leaves the same state, so the client
        repeats a try that fails on the way.
        """
        return self._call(
            UPDATE_USER_INVENTORY_STATUS,
            {"user_id": user_id, "id": id, "inventory_status": inventory_status},
            options,
        )

    def update_user_inventory_status_with_http_info(
        self,
        user_id: int | str,
        id: int | str,
        *,
        inventory_status: str | None = None,
        **options: Unpack[CallOptions],
    ) -> ApiResponse[None]:
        """Do `update_user_inventory_status`; return its result together with the HTTP status and headers."""
        return self._call_with_http_info(
            UPDATE_USER_INVENTORY_STATUS,
            {"user_id": user_id, "id": id, "inventory_status": inventory_status},
            options,
        )

    def use_user_entitlement_item(
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
            **options: What holds for this call only; see `CallOptions`.

        Raises:
            BadRequestException: The request was rejected because a value is missing, invalid, or in
                conflict with existing data. Nothing was changed.
            UnauthorizedException: The access token is missing, expired or revoked. The body is an OAuth
                error or a Result.
            ForbiddenException: The caller is missing a permission, or a rule of the item denies the
                request.
            NotFoundException: The user, item, template or entry in the request does not exist.
            ApiException: Whatever else goes wrong; the errors above are kinds of it.

        Permission: INVENTORY_ADMIN or owner. Sent once: the client repeats it only where the service
        can't have acted; otherwise the error's `may_have_applied` says whether it may have.
        """
        return self._call(
            USE_USER_ENTITLEMENT_ITEM,
            {"user_id": user_id, "item_id": item_id, "sku": sku, "info": info},
            options,
        )

    def use_user_entitlement_item_with_http_info(
        self,
        user_id: int | str,
        item_id: int | str,
        *,
        sku: str | None = None,
        info: str | None = None,
        **options: Unpack[CallOptions],
    ) -> ApiResponse[None]:
        """Do `use_user_entitlement_item`; return its result together with the HTTP status and headers."""
        return self._call_with_http_info(
            USE_USER_ENTITLEMENT_ITEM,
            {"user_id": user_id, "item_id": item_id, "sku": sku, "info": info},
            options,
        )

    def patch_entitlement_template(
        self,
        id: str,
        *,
        test_validation: bool | None = None,
        template_patch_resource: PatchResource | None = None,
        **options: Unpack[CallOptions],
    ) -> ItemTemplateResource:
        """Change parts of an entitlement template.

        Applies patch actions to a template, in order, and returns the changed template. If one of them
        can't be applied, the request fails (400) and nothing is changed. Sending the request twice can
        apply an `add` or a `remove` twice.

        Added in version 1.1.0.

        Args:
            id: Id of the template, a string that the service assigns.
            test_validation: Whether to only check the patch actions, without changing the template.
                Left out, the service takes False.
            template_patch_resource: The patch actions.
            **options: What holds for this call only; see `CallOptions`.

        Returns:
            The changed template.

        Raises:
            BadRequestException: The request was rejected because a value is missing, invalid, or in
                conflict with existing data. Nothing was changed.
            UnauthorizedException: The access token is missing, expired or revoked. The body is an OAuth
                error or a Result.
            ForbiddenException: The caller is missing a permission, or a rule of the item denies the
                request.
            NotFoundException: The user, item, template or entry in the request does not exist.
            ApiException: Whatever else goes wrong; the errors above are kinds of it.

        Permission: TEMPLATE_ADMIN. Sent once: the client repeats it only where the service can't have
        acted; otherwise the error's `may_have_applied` says whether it may have.
        """
        return self._call(
            PATCH_ENTITLEMENT_TEMPLATE,
            {
                "id": id,
                "test_validation": test_validation,
                "template_patch_resource": template_patch_resource,
            },
            options,
        )

    def patch_entitlement_template_with_http_info(
        self,
        id: str,
        *,
        test_validation: bool | None = None,
        template_patch_resource: PatchResource | None = None,
        **options: Unpack[CallOptions],
    ) -> ApiResponse[ItemTemplateResource]:
        """Do `patch_entitlement_template`; return its result together with the HTTP status and headers."""
        return self._call_with_http_info(
            PATCH_ENTITLEMENT_TEMPLATE,
            {
                "id": id,
                "test_validation": test_validation,
                "template_patch_resource": template_patch_resource,
            },
            options,
        )
