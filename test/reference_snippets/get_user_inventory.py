from __future__ import print_function
import time
import knetik_cloud
from knetik_cloud.rest import ApiException
from pprint import pprint

# create an instance of the API class
api_instance = knetik_cloud.UsersInventoryApi()
user_id = 56 # int | The id of the inventory owner or 'me' for the logged in user
id = 56 # int | The id of the user inventory

try: 
    # Get an inventory entry
    api_response = api_instance.get_user_inventory(user_id, id)
    pprint(api_response)
except ApiException as e:
    print("Exception when calling UsersInventoryApi->get_user_inventory: %s\n" % e)
