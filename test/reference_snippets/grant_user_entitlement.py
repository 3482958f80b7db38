from __future__ import print_function
import time
import knetik_cloud
from knetik_cloud.rest import ApiException
from pprint import pprint

# create an instance of the API class
api_instance = knetik_cloud.UsersInventoryApi()
user_id = 56 # int | The id of the user to grant the entitlement to
grant_request = knetik_cloud.EntitlementGrantRequest() # EntitlementGrantRequest | grantRequest

try: 
    # Grant an entitlement
    api_instance.grant_user_entitlement(user_id, grant_request)
except ApiException as e:
    print("Exception when calling UsersInventoryApi->grant_user_entitlement: %s\n" % e)
