// The main flow with the client that @hey-api/openapi-ts makes.
import * as assert from "node:assert";
import { client } from "./client/client.gen";
import * as api from "./client";

async function main(): Promise<void> {
  client.setConfig({ baseUrl: process.env.KNETIK_CLOUD_HOST!, throwOnError: true });
  const throwOnError = true as const;
  const { data: token } = await api.getOAuthToken({
    throwOnError,
    body: { grant_type: "client_credentials", client_id: "knetik", client_secret: "client_secret_example" },
  });
  client.setConfig({ auth: () => token.access_token! });
  const { data: item } = await api.createEntitlementItem({
    throwOnError,
    body: { name: "Scroll", type_hint: "entitlement", behaviors: [{ type_hint: "consumable", max_use: 2 } as never] },
  });
  const path = { user_id: 56 };
  const used = { user_id: "56", item_id: item.id! };
  await api.grantUserEntitlement({ throwOnError, path, body: { entitlement_id: item.id! } });
  const { data: page } = await api.getUserInventories({
    throwOnError,
    path: { id: 56 },
    query: { filter_item_id: item.id, inactive: false, size: 10 },
  });
  assert.equal(page.total_elements, 1);
  const entry = page.content![0];
  await api.checkUserEntitlementItem({ throwOnError, path: used });
  await api.useUserEntitlementItem({ throwOnError, path: used, query: { info: "round 3" } });
  const { data: log } = await api.getUserInventoryLog({ throwOnError, path: { user_id: "56", id: entry.id! } });
  assert.ok(log.content!.some((line) => line.info === "round 3"));
  await api.updateUserInventoryExpires({ throwOnError, path: { user_id: 56, id: entry.id! }, body: 1893456000 });
  await api.updateUserInventoryStatus({ throwOnError, path: { user_id: 56, id: entry.id! }, body: "inactive" });
  const { data: changed } = await api.getUserInventory({
    throwOnError,
    path: { user_id: "56", id: entry.id! },
  });
  assert.equal(changed.status, "inactive");
  assert.equal(changed.expires, 1893456000);
  await api.addItemToUserInventory({
    throwOnError,
    path: { id: 56 },
    body: { sku: "sku_example", note: "", skip_invoice: true, overrides: ["limited_gettable"] },
  });
  const { data: patched } = await api.patchEntitlementTemplate({
    throwOnError,
    path: { id: "id_example" },
    body: { patch_actions: [{ op: "replace", path: "/name", value: "Elixirs" }] },
  });
  assert.equal(patched.name, "Elixirs");
  const { data: found } = await api.getEntitlementItems({ throwOnError, query: { filter_name_search: "Scr" } });
  assert.equal(found.total_elements, 1);
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
