from __future__ import print_function
import time
import knetik_cloud
from knetik_cloud.rest import ApiException
from pprint import pprint

# create an instance of the API class
api_instance = knetik_cloud.UsersInventoryApi()
template = knetik_cloud.ItemTemplateResource() # ItemTemplateResource | The entitlement template to be created (optional)

try: 
    # Create an entitlement template
    api_response = api_instance.create_entitlement_template(template=template)
    pprint(api_response)
except ApiException as e:
    print("Exception when calling UsersInventoryApi->create_entitlement_template: %s\n" % e)
