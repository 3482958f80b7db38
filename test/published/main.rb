# The main flow with the client that openapi-generator makes for Ruby, with the packages of Debian.
$LOAD_PATH.unshift('client/lib')
# The generated library requires its models in alphabetical order, some of them before their superclass.
module OpenapiClient
  Dir['client/lib/openapi_client/models/*.rb'].each do |path|
    name = File.basename(path, '.rb')
    autoload name.split('_').map(&:capitalize).join, "openapi_client/models/#{name}"
  end
end
require 'uri'
require 'openapi_client'

def expect(condition, what)
  abort(what) unless condition
end

host = URI.parse(ENV.fetch('KNETIK_CLOUD_HOST'))
configuration = OpenapiClient::Configuration.new
configuration.scheme = host.scheme
configuration.host = "#{host.host}:#{host.port}"
client = OpenapiClient::ApiClient.new(configuration)
tokens = OpenapiClient::AccessTokenApi.new(client)
token = tokens.get_o_auth_token('client_credentials', 'knetik', client_secret: 'client_secret_example')
configuration.access_token = token.access_token

api = OpenapiClient::UsersInventoryApi.new(client)
new = OpenapiClient::EntitlementItem.new(name: 'Scroll', type_hint: 'entitlement')
item = api.create_entitlement_item(entitlement_item: new)
api.grant_user_entitlement(56, OpenapiClient::EntitlementGrantRequest.new(entitlement_id: item.id))
page = api.get_user_inventories(56, filter_item_id: item.id, inactive: false, size: 10)
expect(page.total_elements == 1, 'the list has the entry')
entry = page.content[0]
api.check_user_entitlement_item('56', item.id)
api.use_user_entitlement_item('56', item.id, info: 'round 3')
infos = api.get_user_inventory_log('56', entry.id).content.map(&:info)
expect(infos.include?('round 3'), 'the log has the use')
api.update_user_inventory_expires(56, entry.id, timestamp: 1_893_456_000)
api.update_user_inventory_status(56, entry.id, inventory_status: 'inactive')
changed = api.get_user_inventory('56', entry.id)
expect(changed.status == 'inactive' && changed.expires == 1_893_456_000, 'the entry changed')
api.update_user_inventory_behavior_data(56, entry.id, data: { 'color' => 'red' })
request = OpenapiClient::UserInventoryAddRequest.new(
  note: '', skip_invoice: true, sku: 'sku_example', overrides: ['limited_gettable']
)
api.add_item_to_user_inventory(56, user_inventory_add_request: request)
expect(api.get_entitlement_items(filter_name_search: 'Scr').total_elements == 1, 'the item is found by its name')
item.short_description = 'A note'
api.update_entitlement_item(item.id, entitlement_item: item)
expect(api.get_entitlement_item(item.id).short_description == 'A note', 'the item changed')
template = api.create_entitlement_template(
  template: OpenapiClient::ItemTemplateResource.new(name: 'Weapons', properties: [])
)
expect(api.get_entitlement_template(template.id).name == 'Weapons', 'the template exists')
api.delete_entitlement_template(template.id)
begin
  api.use_user_entitlement_item('56', item.id)
  abort('an inactive entry is denied')
rescue OpenapiClient::ApiError => error
  expect(error.code == 403 && JSON.parse(error.response_body)['code'] == 1007, 'the denial has its code')
end
api.delete_entitlement_item(item.id)
