from __future__ import print_function
import time
import knetik_cloud
from knetik_cloud.rest import ApiException
from pprint import pprint

# create an instance of the API class
api_instance = knetik_cloud.UsersInventoryApi()
entitlement_id = 56 # int | The id of the entitlement

try: 
    # Get a single entitlement item
    api_response = api_instance.get_entitlement_item(entitlement_id)
    pprint(api_response)
except ApiException as e:
    print("Exception when calling UsersInventoryApi->get_entitlement_item: %s\n" % e)
