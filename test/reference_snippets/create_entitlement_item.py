from __future__ import print_function
import time
import knetik_cloud
from knetik_cloud.rest import ApiException
from pprint import pprint

# create an instance of the API class
api_instance = knetik_cloud.UsersInventoryApi()
cascade = false # bool | Whether to cascade group changes, such as in the limited gettable behavior. A 400 error will return otherwise if the group is already in use with different values. (optional) (default to false)
entitlement_item = knetik_cloud.EntitlementItem() # EntitlementItem | The entitlement item object (optional)

try: 
    # Create an entitlement item
    api_response = api_instance.create_entitlement_item(cascade=cascade, entitlement_item=entitlement_item)
    pprint(api_response)
except ApiException as e:
    print("Exception when calling UsersInventoryApi->create_entitlement_item: %s\n" % e)
