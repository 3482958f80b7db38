from __future__ import print_function
import time
import knetik_cloud
from knetik_cloud.rest import ApiException
from pprint import pprint

# create an instance of the API class
api_instance = knetik_cloud.UsersInventoryApi()
entitlement_id = 56 # int | The id of the entitlement

try: 
    # Delete an entitlement item
    api_instance.delete_entitlement_item(entitlement_id)
except ApiException as e:
    print("Exception when calling UsersInventoryApi->delete_entitlement_item: %s\n" % e)
