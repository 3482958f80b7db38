from __future__ import print_function
import time
import knetik_cloud
from knetik_cloud.rest import ApiException
from pprint import pprint

# create an instance of the API class
api_instance = knetik_cloud.UsersInventoryApi()
id = 'id_example' # str | The id of the template

try: 
    # Get a single entitlement template
    api_response = api_instance.get_entitlement_template(id)
    pprint(api_response)
except ApiException as e:
    print("Exception when calling UsersInventoryApi->get_entitlement_template: %s\n" % e)
