"""The models, one for each schema of the contract, loaded on first use.

Generated from the contract by `python -m codegen`: edit the contract, not this file.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from knetik_cloud.models.audio_group_property import AudioGroupProperty
    from knetik_cloud.models.audio_group_property_definition_resource import (
        AudioGroupPropertyDefinitionResource,
    )
    from knetik_cloud.models.audio_property import AudioProperty
    from knetik_cloud.models.audio_property_definition_resource import AudioPropertyDefinitionResource
    from knetik_cloud.models.behavior import Behavior
    from knetik_cloud.models.boolean_property import BooleanProperty
    from knetik_cloud.models.boolean_property_definition_resource import BooleanPropertyDefinitionResource
    from knetik_cloud.models.consumable import Consumable
    from knetik_cloud.models.date_property import DateProperty
    from knetik_cloud.models.date_property_definition_resource import DatePropertyDefinitionResource
    from knetik_cloud.models.discount import Discount
    from knetik_cloud.models.double_property import DoubleProperty
    from knetik_cloud.models.double_property_definition_resource import DoublePropertyDefinitionResource
    from knetik_cloud.models.entitlement_grant_request import EntitlementGrantRequest
    from knetik_cloud.models.entitlement_item import EntitlementItem
    from knetik_cloud.models.error_resource import ErrorResource
    from knetik_cloud.models.expirable import Expirable
    from knetik_cloud.models.file_group_property import FileGroupProperty
    from knetik_cloud.models.file_group_property_definition_resource import (
        FileGroupPropertyDefinitionResource,
    )
    from knetik_cloud.models.file_property import FileProperty
    from knetik_cloud.models.file_property_definition_resource import FilePropertyDefinitionResource
    from knetik_cloud.models.formatted_text_property import FormattedTextProperty
    from knetik_cloud.models.formatted_text_property_definition_resource import (
        FormattedTextPropertyDefinitionResource,
    )
    from knetik_cloud.models.fulfillable import Fulfillable
    from knetik_cloud.models.guest_playable import GuestPlayable
    from knetik_cloud.models.image_group_property import ImageGroupProperty
    from knetik_cloud.models.image_group_property_definition_resource import (
        ImageGroupPropertyDefinitionResource,
    )
    from knetik_cloud.models.image_property import ImageProperty
    from knetik_cloud.models.image_property_definition_resource import ImagePropertyDefinitionResource
    from knetik_cloud.models.integer_property import IntegerProperty
    from knetik_cloud.models.integer_property_definition_resource import IntegerPropertyDefinitionResource
    from knetik_cloud.models.invoice_item_resource import InvoiceItemResource
    from knetik_cloud.models.invoice_resource import InvoiceResource
    from knetik_cloud.models.item import Item
    from knetik_cloud.models.item_behavior_definition_resource import ItemBehaviorDefinitionResource
    from knetik_cloud.models.item_template_resource import ItemTemplateResource
    from knetik_cloud.models.limited_gettable import LimitedGettable
    from knetik_cloud.models.limited_gettable_group import LimitedGettableGroup
    from knetik_cloud.models.list_property import ListProperty
    from knetik_cloud.models.list_property_definition_resource import ListPropertyDefinitionResource
    from knetik_cloud.models.long_property import LongProperty
    from knetik_cloud.models.long_property_definition_resource import LongPropertyDefinitionResource
    from knetik_cloud.models.map_property import MapProperty
    from knetik_cloud.models.map_property_definition_resource import MapPropertyDefinitionResource
    from knetik_cloud.models.o_auth2_resource import OAuth2Resource
    from knetik_cloud.models.order import Order
    from knetik_cloud.models.page_resource_entitlement_item import PageResourceEntitlementItem
    from knetik_cloud.models.page_resource_item_template_resource import PageResourceItemTemplateResource
    from knetik_cloud.models.page_resource_user_inventory_resource import PageResourceUserInventoryResource
    from knetik_cloud.models.page_resource_user_item_log_resource import PageResourceUserItemLogResource
    from knetik_cloud.models.patch_action_resource import PatchActionResource
    from knetik_cloud.models.patch_resource import PatchResource
    from knetik_cloud.models.pre_req_entitlement import PreReqEntitlement
    from knetik_cloud.models.price_overridable import PriceOverridable
    from knetik_cloud.models.property import Property
    from knetik_cloud.models.property_definition_resource import PropertyDefinitionResource
    from knetik_cloud.models.property_field_list_resource import PropertyFieldListResource
    from knetik_cloud.models.property_field_resource import PropertyFieldResource
    from knetik_cloud.models.result import Result
    from knetik_cloud.models.simple_reference_resourceint import SimpleReferenceResourceint
    from knetik_cloud.models.simple_user_resource import SimpleUserResource
    from knetik_cloud.models.spendable import Spendable
    from knetik_cloud.models.text_property import TextProperty
    from knetik_cloud.models.text_property_definition_resource import TextPropertyDefinitionResource
    from knetik_cloud.models.time_period_gettable import TimePeriodGettable
    from knetik_cloud.models.time_period_usable import TimePeriodUsable
    from knetik_cloud.models.user_inventory_add_request import UserInventoryAddRequest
    from knetik_cloud.models.user_inventory_resource import UserInventoryResource
    from knetik_cloud.models.user_item_log_resource import UserItemLogResource
    from knetik_cloud.models.video_group_property import VideoGroupProperty
    from knetik_cloud.models.video_group_property_definition_resource import (
        VideoGroupPropertyDefinitionResource,
    )
    from knetik_cloud.models.video_property import VideoProperty
    from knetik_cloud.models.video_property_definition_resource import VideoPropertyDefinitionResource

__all__ = [
    "AudioGroupProperty",
    "AudioGroupPropertyDefinitionResource",
    "AudioProperty",
    "AudioPropertyDefinitionResource",
    "Behavior",
    "BooleanProperty",
    "BooleanPropertyDefinitionResource",
    "Consumable",
    "DateProperty",
    "DatePropertyDefinitionResource",
    "Discount",
    "DoubleProperty",
    "DoublePropertyDefinitionResource",
    "EntitlementGrantRequest",
    "EntitlementItem",
    "ErrorResource",
    "Expirable",
    "FileGroupProperty",
    "FileGroupPropertyDefinitionResource",
    "FileProperty",
    "FilePropertyDefinitionResource",
    "FormattedTextProperty",
    "FormattedTextPropertyDefinitionResource",
    "Fulfillable",
    "GuestPlayable",
    "ImageGroupProperty",
    "ImageGroupPropertyDefinitionResource",
    "ImageProperty",
    "ImagePropertyDefinitionResource",
    "IntegerProperty",
    "IntegerPropertyDefinitionResource",
    "InvoiceItemResource",
    "InvoiceResource",
    "Item",
    "ItemBehaviorDefinitionResource",
    "ItemTemplateResource",
    "LimitedGettable",
    "LimitedGettableGroup",
    "ListProperty",
    "ListPropertyDefinitionResource",
    "LongProperty",
    "LongPropertyDefinitionResource",
    "MapProperty",
    "MapPropertyDefinitionResource",
    "OAuth2Resource",
    "Order",
    "PageResourceEntitlementItem",
    "PageResourceItemTemplateResource",
    "PageResourceUserInventoryResource",
    "PageResourceUserItemLogResource",
    "PatchActionResource",
    "PatchResource",
    "PreReqEntitlement",
    "PriceOverridable",
    "Property",
    "PropertyDefinitionResource",
    "PropertyFieldListResource",
    "PropertyFieldResource",
    "Result",
    "SimpleReferenceResourceint",
    "SimpleUserResource",
    "Spendable",
    "TextProperty",
    "TextPropertyDefinitionResource",
    "TimePeriodGettable",
    "TimePeriodUsable",
    "UserInventoryAddRequest",
    "UserInventoryResource",
    "UserItemLogResource",
    "VideoGroupProperty",
    "VideoGroupPropertyDefinitionResource",
    "VideoProperty",
    "VideoPropertyDefinitionResource",
]

_MODULES = {
    "AudioGroupProperty": "audio_group_property",
    "AudioGroupPropertyDefinitionResource": "audio_group_property_definition_resource",
    "AudioProperty": "audio_property",
    "AudioPropertyDefinitionResource": "audio_property_definition_resource",
    "Behavior": "behavior",
    "BooleanProperty": "boolean_property",
    "BooleanPropertyDefinitionResource": "boolean_property_definition_resource",
    "Consumable": "consumable",
    "DateProperty": "date_property",
    "DatePropertyDefinitionResource": "date_property_definition_resource",
    "Discount": "discount",
    "DoubleProperty": "double_property",
    "DoublePropertyDefinitionResource": "double_property_definition_resource",
    "EntitlementGrantRequest": "entitlement_grant_request",
    "EntitlementItem": "entitlement_item",
    "ErrorResource": "error_resource",
    "Expirable": "expirable",
    "FileGroupProperty": "file_group_property",
    "FileGroupPropertyDefinitionResource": "file_group_property_definition_resource",
    "FileProperty": "file_property",
    "FilePropertyDefinitionResource": "file_property_definition_resource",
    "FormattedTextProperty": "formatted_text_property",
    "FormattedTextPropertyDefinitionResource": "formatted_text_property_definition_resource",
    "Fulfillable": "fulfillable",
    "GuestPlayable": "guest_playable",
    "ImageGroupProperty": "image_group_property",
    "ImageGroupPropertyDefinitionResource": "image_group_property_definition_resource",
    "ImageProperty": "image_property",
    "ImagePropertyDefinitionResource": "image_property_definition_resource",
    "IntegerProperty": "integer_property",
    "IntegerPropertyDefinitionResource": "integer_property_definition_resource",
    "InvoiceItemResource": "invoice_item_resource",
    "InvoiceResource": "invoice_resource",
    "Item": "item",
    "ItemBehaviorDefinitionResource": "item_behavior_definition_resource",
    "ItemTemplateResource": "item_template_resource",
    "LimitedGettable": "limited_gettable",
    "LimitedGettableGroup": "limited_gettable_group",
    "ListProperty": "list_property",
    "ListPropertyDefinitionResource": "list_property_definition_resource",
    "LongProperty": "long_property",
    "LongPropertyDefinitionResource": "long_property_definition_resource",
    "MapProperty": "map_property",
    "MapPropertyDefinitionResource": "map_property_definition_resource",
    "OAuth2Resource": "o_auth2_resource",
    "Order": "order",
    "PageResourceEntitlementItem": "page_resource_entitlement_item",
    "PageResourceItemTemplateResource": "page_resource_item_template_resource",
    "PageResourceUserInventoryResource": "page_resource_user_inventory_resource",
    "PageResourceUserItemLogResource": "page_resource_user_item_log_resource",
    "PatchActionResource": "patch_action_resource",
    "PatchResource": "patch_resource",
    "PreReqEntitlement": "pre_req_entitlement",
    "PriceOverridable": "price_overridable",
    "Property": "property",
    "PropertyDefinitionResource": "property_definition_resource",
    "PropertyFieldListResource": "property_field_list_resource",
    "PropertyFieldResource": "property_field_resource",
    "Result": "result",
    "SimpleReferenceResourceint": "simple_reference_resourceint",
    "SimpleUserResource": "simple_user_resource",
    "Spendable": "spendable",
    "TextProperty": "text_property",
    "TextPropertyDefinitionResource": "text_property_definition_resource",
    "TimePeriodGettable": "time_period_gettable",
    "TimePeriodUsable": "time_period_usable",
    "UserInventoryAddRequest": "user_inventory_add_request",
    "UserInventoryResource": "user_inventory_resource",
    "UserItemLogResource": "user_item_log_resource",
    "VideoGroupProperty": "video_group_property",
    "VideoGroupPropertyDefinitionResource": "video_group_property_definition_resource",
    "VideoProperty": "video_property",
    "VideoPropertyDefinitionResource": "video_property_definition_resource",
}

if not TYPE_CHECKING:  # a checker that saw __getattr__ would take any name for one of ours

    def __getattr__(name: str) -> object:
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted({*(name for name in globals() if name.startswith("__")), *__all__})
