"""The schema `PropertyDefinitionResource` as a model class.

Generated from the contract by `python -m codegen`: edit the contract, not this file.
"""

from __future__ import annotations

from knetik_cloud import models
from knetik_cloud.data.model import Model, field


class PropertyDefinitionResource(
    Model,
    discriminator="type",
    mapping={
        "audio": "AudioPropertyDefinitionResource",
        "audio_group": "AudioGroupPropertyDefinitionResource",
        "boolean": "BooleanPropertyDefinitionResource",
        "date": "DatePropertyDefinitionResource",
        "double": "DoublePropertyDefinitionResource",
        "file": "FilePropertyDefinitionResource",
        "file_group": "FileGroupPropertyDefinitionResource",
        "formatted_text": "FormattedTextPropertyDefinitionResource",
        "image": "ImagePropertyDefinitionResource",
        "image_group": "ImageGroupPropertyDefinitionResource",
        "integer": "IntegerPropertyDefinitionResource",
        "list": "ListPropertyDefinitionResource",
        "long": "LongPropertyDefinitionResource",
        "map": "MapPropertyDefinitionResource",
        "text": "TextPropertyDefinitionResource",
        "video": "VideoPropertyDefinitionResource",
        "video_group": "VideoGroupPropertyDefinitionResource",
    },
):
    """The definition of a property in a template: the fields that all types of definitions share. `type`
    specifies the type, and the sender sets it. An unknown type is read as a PropertyDefinitionResource
    with all its data.

    `type` selects the subclass. An object with an unknown value is read as PropertyDefinitionResource,
    with all its data.
    """

    description: str | None = field("str")
    """Description of the property."""

    field_list: models.PropertyFieldListResource | None = field("PropertyFieldListResource")
    """Description of the fields of this type, for building a form. The service sets it."""

    friendly_name: str | None = field("str")
    """Name of the property as people see it."""

    name: str | None = field("str", required=True)
    """Name of the property: its key in `additional_properties`."""

    option_label_path: str | None = field("str")
    """JSON path of an option's label in the response of `options_url`."""

    option_value_path: str | None = field("str")
    """JSON path of an option's value in the response of `options_url`."""

    options_url: str | None = field("str")
    """URL of a JSON array with the options of the property."""

    required: bool | None = field("bool", required=True)
    """Whether items must have the property."""

    type: str | None = field("str", required=True)
    """Type of property, which selects the schema. Known values (others may be added): `audio`,
    `audio_group`, `boolean`, `date`, `double`, `file`, `file_group`, `formatted_text`, `image`,
    `image_group`, `integer`, `list`, `long`, `map`, `text`, `video`, `video_group`.
    """
