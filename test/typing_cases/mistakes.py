"""Mistakes that mypy must refuse: each line carries the error that is expected of it."""

from knetik_cloud import ApiClient, Configuration, EntitlementItem, UsersInventoryApi

api = UsersInventoryApi()
client = ApiClient()
item = EntitlementItem(name="Potion")

EntitlementItem(nme="Potion")  # expect: call-arg
EntitlementItem("Potion")  # expect: call-arg
EntitlementItem(name=5)  # expect: arg-type
item.nme = "Potion"  # expect: attr-defined
item.name = 5  # expect: assignment
print(item.nme)  # expect: attr-defined
api.get_user_inventory(56)  # expect: call-arg
api.get_user_inventory_with_http_info(56)  # expect: call-arg
api.get_user_inventory_with_http_info(56, 56, _retries="1")  # expect: arg-type
api.get_user_inventory(56, 56, _dedline=5)  # expect: call-arg
api.get_user_inventories(56, 25)  # expect: call-arg
api.get_user_inventories(56, size="many", inactive="yes")  # expect: arg-type
api.get_user_inventry(56, 56)  # expect: attr-defined
client.submit(api.get_user_inventory, 56)  # expect: call-arg
api.iter_users_inventory(page=2)  # expect: call-arg
api.update_user_inventory_expires(56, 56, timestamp=1.5)  # expect: arg-type
Configuration(hots="http://localhost")  # expect: call-arg
Configuration().hots = "http://localhost"  # expect: attr-defined
