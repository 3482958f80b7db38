from __future__ import print_function
import time
import knetik_cloud
from knetik_cloud.rest import ApiException
from pprint import pprint

# create an instance of the API class
api_instance = knetik_cloud.UsersInventoryApi()
id = 'id_example' # str | The id of the template
template = knetik_cloud.ItemTemplateResource() # ItemTemplateResource | The updated template (optional)

try: 
    # Update an entitlement template
    api_response = api_instance.update_entitlement_template(id, template=template)
    pprint(api_response)
except ApiException as e:
    print("Exception when calling UsersInventoryApi->update_entitlement_template: %s\n" % e)
