// The main flow with the client that openapi-generator makes for typescript-fetch.
import * as assert from "node:assert";
import { AccessTokenApi, Configuration, UsersInventoryApi } from "./client";

async function main(): Promise<void> {
  const basePath = process.env.KNETIK_CLOUD_HOST!;
  const token = await new AccessTokenApi(new Configuration({ basePath })).getOAuthToken({
    grantType: "client_credentials",
    clientId: "knetik",
    clientSecret: "client_secret_example",
  });
  const api = new UsersInventoryApi(new Configuration({ basePath, accessToken: token.accessToken }));
  // The generator passes models without fields of their own through unchanged, so they keep the names of the JSON.
  const potion = {
    name: "Scroll",
    type_hint: "entitlement",
    behaviors: [{ type_hint: "consumable", max_use: 2 }],
  };
  const item = await api.createEntitlementItem({ entitlementItem: potion as never });
  await api.grantUserEntitlement({ userId: 56, grantRequest: { entitlementId: item.id! } });
  const page = await api.getUserInventories({ id: 56, filterItemId: item.id, inactive: false, size: 10 });
  assert.equal(page.totalElements, 1);
  const entry = page.content![0];
  await api.checkUserEntitlementItem({ userId: "56", itemId: item.id! });
  await api.useUserEntitlementItem({ userId: "56", itemId: item.id!, info: "round 3" });
  const log = await api.getUserInventoryLog({ userId: "56", id: entry.id! });
  assert.ok(log.content!.some((line) => line.info === "round 3"));
  await api.updateUserInventoryExpires({ userId: 56, id: entry.id!, timestamp: 1893456000 });
  await api.updateUserInventoryStatus({ userId: 56, id: entry.id!, inventoryStatus: "inactive" });
  const changed = await api.getUserInventory({ userId: "56", id: entry.id! });
  assert.equal(changed.status, "inactive");
  assert.equal(changed.expires, 1893456000);
  const request = { sku: "sku_example", note: "", skipInvoice: true, overrides: ["limited_gettable"] };
  await api.addItemToUserInventory({ id: 56, userInventoryAddRequest: request });
  const patched = await api.patchEntitlementTemplate({
    id: "id_example",
    templatePatchResource: { patchActions: [{ op: "replace", path: "/name", value: "Elixirs" }] },
  });
  assert.equal(patched.name, "Elixirs");
  const found = await api.getEntitlementItems({ filterNameSearch: "Scr" });
  assert.equal(found.totalElements, 1);
}

main().catch(async (error) => {
  console.error(error, await error.response?.text());
  process.exit(1);
});
