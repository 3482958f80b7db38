from __future__ import print_function
import time
import knetik_cloud
from knetik_cloud.rest import ApiException
from pprint import pprint

# create an instance of the API class
api_instance = knetik_cloud.UsersInventoryApi()
inactive = false # bool | If true, accepts inactive user inventories (optional) (default to false)
size = 25 # int | The number of objects returned per page (optional) (default to 25)
page = 1 # int | The number of the page returned, starting with 1 (optional) (default to 1)
filter_item_name = 'filter_item_name_example' # str | Filter by items whose name starts with a string (optional)
filter_item_id = 56 # int | Filter by item id (optional)
filter_username = 'filter_username_example' # str | Filter by entries owned by the user with the specified username (optional)
filter_group = 'filter_group_example' # str | Filter by entries owned by the users in a given group, by unique name (optional)
filter_date = 'filter_date_example' # str | A comma separated string without spaces.  First value is the operator to search on, second value is the log start date, a unix timestamp in seconds. Can be repeated for a range, eg: GT,123,LT,456  Allowed operators: (GT, LT, EQ, GOE, LOE). (optional)

try: 
    # List the user inventory entries for all users
    api_response = api_instance.get_users_inventory(inactive=inactive, size=size, page=page, filter_item_name=filter_item_name, filter_item_id=filter_item_id, filter_username=filter_username, filter_group=filter_group, filter_date=filter_date)
    pprint(api_response)
except ApiException as e:
    print("Exception when calling UsersInventoryApi->get_users_inventory: %s\n" % e)
