from __future__ import print_function
import time
import knetik_cloud
from knetik_cloud.rest import ApiException
from pprint import pprint

# create an instance of the API class
api_instance = knetik_cloud.UsersInventoryApi()
user_id = 'user_id_example' # str | The id of the inventory owner or 'me' for the logged in user
id = 56 # int | The id of the user inventory
size = 25 # int | The number of objects returned per page (optional) (default to 25)
page = 1 # int | The number of the page returned, starting with 1 (optional) (default to 1)

try: 
    # List the log entries for this inventory entry
    api_response = api_instance.get_user_inventory_log(user_id, id, size=size, page=page)
    pprint(api_response)
except ApiException as e:
    print("Exception when calling UsersInventoryApi->get_user_inventory_log: %s\n" % e)
