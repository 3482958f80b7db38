from __future__ import print_function
import time
import knetik_cloud
from knetik_cloud.rest import ApiException
from pprint import pprint

# create an instance of the API class
api_instance = knetik_cloud.UsersInventoryApi()
user_id = 56 # int | user_id
id = 56 # int | The id of the user inventory
timestamp = 789 # int | The new expiration date as a unix timestamp in seconds. May be null (no body). (optional)

try: 
    # Set the expiration date
    api_instance.update_user_inventory_expires(user_id, id, timestamp=timestamp)
except ApiException as e:
    print("Exception when calling UsersInventoryApi->update_user_inventory_expires: %s\n" % e)
