<?php
// The main flow with the client that openapi-generator makes for PHP, with the packages of Debian.
require '/usr/share/php/GuzzleHttp/autoload.php';
spl_autoload_register(function ($class) {
    if (str_starts_with($class, 'OpenAPI\\Client\\')) {
        require 'client/lib/' . str_replace('\\', '/', substr($class, 15)) . '.php';
    }
});

use OpenAPI\Client\Model;

function expect(bool $condition, string $what): void
{
    if (!$condition) {
        fwrite(STDOUT, "$what\n");
        exit(1);
    }
}

$configuration = (new OpenAPI\Client\Configuration())->setHost(getenv('KNETIK_CLOUD_HOST'));
$http = new GuzzleHttp\Client();
$tokens = new OpenAPI\Client\Api\AccessTokenApi($http, $configuration);
$token = $tokens->getOAuthToken('client_credentials', 'knetik', 'client_secret_example');
$configuration->setAccessToken($token->getAccessToken());

$api = new OpenAPI\Client\Api\UsersInventoryApi($http, $configuration);
// Models of this generator start with their class's name as the discriminator, so it has to be set afterwards.
$new = (new Model\EntitlementItem(['name' => 'Scroll']))->setTypeHint('entitlement');
$item = $api->createEntitlementItem(false, $new);
$api->grantUserEntitlement(56, new Model\EntitlementGrantRequest(['entitlement_id' => $item->getId()]));
$page = $api->getUserInventories(56, false, 10, 1, null, $item->getId());
expect($page->getTotalElements() === 1, 'the list has the entry');
$entry = $page->getContent()[0];
$api->checkUserEntitlementItem('56', $item->getId());
$api->useUserEntitlementItem('56', $item->getId(), null, 'round 3');
$infos = array_map(fn ($line) => $line->getInfo(), $api->getUserInventoryLog('56', $entry->getId())->getContent());
expect(in_array('round 3', $infos), 'the log has the use');
$api->updateUserInventoryExpires(56, $entry->getId(), 1893456000);
$api->updateUserInventoryStatus(56, $entry->getId(), 'inactive');
$changed = $api->getUserInventory('56', $entry->getId());
expect($changed->getStatus() === 'inactive' && $changed->getExpires() === 1893456000, 'the entry changed');
$api->updateUserInventoryBehaviorData(56, $entry->getId(), (object) ['color' => 'red']);
$request = new Model\UserInventoryAddRequest(
    ['note' => '', 'skip_invoice' => true, 'sku' => 'sku_example', 'overrides' => ['limited_gettable']]
);
$api->addItemToUserInventory(56, $request);
expect($api->getEntitlementItems(25, 1, 'id:ASC', null, 'Scr')->getTotalElements() === 1, 'the item is found by its name');
$item->setShortDescription('A note');
$api->updateEntitlementItem($item->getId(), false, $item);
expect($api->getEntitlementItem($item->getId())->getShortDescription() === 'A note', 'the item changed');
$template = $api->createEntitlementTemplate(new Model\ItemTemplateResource(['name' => 'Weapons', 'properties' => []]));
expect($api->getEntitlementTemplate($template->getId())->getName() === 'Weapons', 'the template exists');
$api->deleteEntitlementTemplate($template->getId());
try {
    $api->useUserEntitlementItem('56', $item->getId());
    expect(false, 'an inactive entry is denied');
} catch (OpenAPI\Client\ApiException $error) {
    expect($error->getCode() === 403 && json_decode($error->getResponseBody())->code === 1007, 'the denial has its code');
}
$api->deleteEntitlementItem($item->getId());
