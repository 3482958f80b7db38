from __future__ import print_function
import time
import knetik_cloud
from knetik_cloud.rest import ApiException
from pprint import pprint

# create an instance of the API class
api_instance = knetik_cloud.UsersInventoryApi()
id = 'id_example' # str | The id of the template
cascade = 'cascade_example' # str | The value needed to delete used templates (optional)

try: 
    # Delete an entitlement template
    api_instance.delete_entitlement_template(id, cascade=cascade)
except ApiException as e:
    print("Exception when calling UsersInventoryApi->delete_entitlement_template: %s\n" % e)
