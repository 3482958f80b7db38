"""A tour of the API: create an item with rules, grant it, use it up, and read what is stored.

It runs on a sandbox in this process, or on the server in KNETIK_CLOUD_HOST. The server must have a user 56,
as the demo data of the sandbox does.
"""

from __future__ import annotations

import os

import knetik_cloud
from knetik_cloud import ApiClient, Configuration, Consumable, EntitlementItem, Expirable, TextProperty
from knetik_cloud.rest import ApiException

USER = 56


def tour(configuration: Configuration) -> None:
    """Run through the lifecycle of an entitlement."""
    with ApiClient(configuration) as client:
        api = knetik_cloud.UsersInventoryApi(client)

        print(f"\n1. Get a token from {configuration.host}")
        token = knetik_cloud.AccessTokenApi(client).get_o_auth_token(client_secret="client_secret_example")
        print(f"   {token.token_type}, expires in {token.expires_in} seconds; no repr or log shows its text")
        print("   With Configuration(client_secret=...), the client fetches and renews it for you")

        print("\n2. Create a template: the properties of every potion")
        template = api.create_entitlement_template(
            template=knetik_cloud.ItemTemplateResource(
                name="Potions",
                properties=[knetik_cloud.TextPropertyDefinitionResource(name="color", required=True)],
            )
        )
        print(f"   template {template.id!r} requires a text property 'color'")

        print("\n3. Create an item: three sips within a week")
        item = api.create_entitlement_item(
            entitlement_item=EntitlementItem(
                name="Potion of Speed",
                template=template.id,
                additional_properties={"color": TextProperty(value="crimson")},
                behaviors=[Consumable(max_use=3), Expirable(time_length=7, unit_of_time="day")],
            )
        )
        assert item.id is not None
        print("   " + str(item).replace("\n", "\n   "))

        print(f"\n4. Grant it to user {USER}")
        api.grant_user_entitlement(USER, knetik_cloud.EntitlementGrantRequest(entitlement_id=item.id))
        page = api.get_user_inventories(USER, filter_item_id=item.id)
        entry = (page.content or [])[0]
        assert entry.id is not None
        print(f"   inventory entry {entry.id}: {entry.status}")
        print(f"   expires: {entry.expires} (epoch seconds), which is {entry.expires_at}")

        print("\n5. Check, then use it until it is used up")
        api.check_user_entitlement_item(USER, item.id)
        print("   check: no exception, so the user may use it; nothing was consumed")
        for sip in range(1, 5):
            try:
                api.use_user_entitlement_item(USER, item.id, info=f"sip {sip}")
                print(f"   sip {sip}: fine")
            except knetik_cloud.ForbiddenException as error:
                print(f"   sip {sip}: denied with {error.status}: {error.errors[0].message}")

        print("\n6. List what the user holds; inactive=True includes used-up entries")
        for held in api.iter_user_inventories(USER, inactive=True):  # all pages
            print(f"   entry {held.id}: {held.item_name} is {held.status}")

        print("\n7. Read the log of the entry")
        for event in api.get_user_inventory_log(USER, entry.id).content or []:
            print(f"   {event.type}: {event.info or '-'}")

        print("\n8. Cause an error: every failed call raises an ApiException that describes the failure")
        try:
            api.get_entitlement_item(2_000_000_000)
        except ApiException as error:
            print("   " + str(error).replace("\n", "\n   "))
            print(f"   the same call with curl: {error.as_curl()}")


def main() -> None:
    """Run the tour on the server in KNETIK_CLOUD_HOST, or on a new sandbox."""
    if os.environ.get("KNETIK_CLOUD_HOST"):
        tour(Configuration())
    else:
        from knetik_cloud.sandbox import Sandbox

        with Sandbox() as sandbox:
            # The sandbox is on this machine: proxies and credentials of the environment are not for it.
            configuration = Configuration(host=sandbox.url, client_id="knetik", proxy="")
            configuration.access_token = configuration.client_secret = None
            configuration.username = configuration.password = None
            tour(configuration)


if __name__ == "__main__":
    main()
