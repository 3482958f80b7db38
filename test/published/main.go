// The main flow with the client that openapi-generator makes for Go.
package main

import (
	"context"
	"log"
	"net/http"
	"os"

	"example.com/knetik"
)

func must(_ *http.Response, err error) {
	if err != nil {
		log.Fatalf("%v %s", err, body(err))
	}
}

func body(err error) string {
	if failed, ok := err.(*knetik.GenericOpenAPIError); ok {
		return string(failed.Body())
	}
	return ""
}

func expect(condition bool, what string) {
	if !condition {
		log.Fatal(what)
	}
}

func main() {
	ctx := context.Background()
	configuration := knetik.NewConfiguration()
	configuration.Servers = knetik.ServerConfigurations{{URL: os.Getenv("KNETIK_CLOUD_HOST")}}
	client := knetik.NewAPIClient(configuration)
	token, response, err := client.AccessTokenAPI.GetOAuthToken(ctx).GrantType("client_credentials").
		ClientId("knetik").ClientSecret("client_secret_example").Execute()
	must(response, err)
	configuration.AddDefaultHeader("Authorization", "Bearer "+token.GetAccessToken())

	api := client.UsersInventoryAPI
	item := knetik.NewEntitlementItem("Scroll", "entitlement")
	created, response, err := api.CreateEntitlementItem(ctx).EntitlementItem(*item).Execute()
	must(response, err)
	must(api.GrantUserEntitlement(ctx, 56).GrantRequest(*knetik.NewEntitlementGrantRequest(created.GetId())).Execute())
	page, response, err := api.GetUserInventories(ctx, 56).FilterItemId(created.GetId()).Inactive(false).Size(10).Execute()
	must(response, err)
	expect(page.GetTotalElements() == 1, "the list has the entry")
	entry := page.GetContent()[0]
	must(api.CheckUserEntitlementItem(ctx, "56", created.GetId()).Execute())
	must(api.UseUserEntitlementItem(ctx, "56", created.GetId()).Info("round 3").Execute())
	lines, response, err := api.GetUserInventoryLog(ctx, "56", entry.GetId()).Execute()
	must(response, err)
	found := false
	for _, line := range lines.GetContent() {
		found = found || line.GetInfo() == "round 3"
	}
	expect(found, "the log has the use")
	must(api.UpdateUserInventoryExpires(ctx, 56, entry.GetId()).Timestamp(1893456000).Execute())
	must(api.UpdateUserInventoryStatus(ctx, 56, entry.GetId()).InventoryStatus("inactive").Execute())
	changed, response, err := api.GetUserInventory(ctx, "56", entry.GetId()).Execute()
	must(response, err)
	expect(changed.GetStatus() == "inactive" && changed.GetExpires() == 1893456000, "the entry changed")
	request := knetik.NewUserInventoryAddRequest("", true, "sku_example")
	request.Overrides = []string{"limited_gettable"}
	_, response, err = api.AddItemToUserInventory(ctx, 56).UserInventoryAddRequest(*request).Execute()
	must(response, err)
	items, response, err := api.GetEntitlementItems(ctx).FilterNameSearch("Scr").Execute()
	must(response, err)
	expect(items.GetTotalElements() == 1, "the item is found by its name")
}
