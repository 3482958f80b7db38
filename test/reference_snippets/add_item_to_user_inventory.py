from __future__ import print_function
import time
import knetik_cloud
from knetik_cloud.rest import ApiException
from pprint import pprint

# create an instance of the API class
api_instance = knetik_cloud.UsersInventoryApi()
id = 56 # int | The id of the user
user_inventory_add_request = knetik_cloud.UserInventoryAddRequest() # UserInventoryAddRequest | The user inventory add request object (optional)

try: 
    # Adds an item to the user inventory
    api_response = api_instance.add_item_to_user_inventory(id, user_inventory_add_request=user_inventory_add_request)
    pprint(api_response)
except ApiException as e:
    print("Exception when calling UsersInventoryApi->add_item_to_user_inventory: %s\n" % e)
