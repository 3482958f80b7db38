from __future__ import print_function
import time
import knetik_cloud
from knetik_cloud.rest import ApiException
from pprint import pprint

# create an instance of the API class
api_instance = knetik_cloud.UsersInventoryApi()
user_id = 'user_id_example' # str | The id of the user to check for or 'me' for logged in user
item_id = 56 # int | The id of the item
sku = 'sku_example' # str | The specific sku of an entitlement list addition to check entitlement for. This is of very limited and specific use and should generally be left out (optional)

try: 
    # Check for access to an item without consuming
    api_instance.check_user_entitlement_item(user_id, item_id, sku=sku)
except ApiException as e:
    print("Exception when calling UsersInventoryApi->check_user_entitlement_item: %s\n" % e)
