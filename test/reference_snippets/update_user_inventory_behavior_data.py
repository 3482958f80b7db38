from __future__ import print_function
import time
import knetik_cloud
from knetik_cloud.rest import ApiException
from pprint import pprint

# create an instance of the API class
api_instance = knetik_cloud.UsersInventoryApi()
user_id = 56 # int | The id of the user
id = 56 # int | The id of the user inventory
data = NULL # object | The data map (optional)

try: 
    # Set the behavior data for an inventory entry
    api_instance.update_user_inventory_behavior_data(user_id, id, data=data)
except ApiException as e:
    print("Exception when calling UsersInventoryApi->update_user_inventory_behavior_data: %s\n" % e)
