from __future__ import print_function
import time
import knetik_cloud
from knetik_cloud.rest import ApiException
from pprint import pprint

# create an instance of the API class
api_instance = knetik_cloud.UsersInventoryApi()
user_id = 56 # int | The id of the user
id = 56 # int | The id of the user inventory
inventory_status = 'inventory_status_example' # str | The inventory status object (optional)

try: 
    # Set the status for an inventory entry
    api_instance.update_user_inventory_status(user_id, id, inventory_status=inventory_status)
except ApiException as e:
    print("Exception when calling UsersInventoryApi->update_user_inventory_status: %s\n" % e)
