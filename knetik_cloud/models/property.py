"""The schema `Property` as a model class.

Generated from the contract by `python -m codegen`: edit the contract, not this file.
"""

from __future__ import annotations

from knetik_cloud.data.model import Model, field


class Property(
    Model,
    discriminator="type",
    mapping={
        "audio": "AudioProperty",
        "audio_group": "AudioGroupProperty",
        "boolean": "BooleanProperty",
        "date": "DateProperty",
        "double": "DoubleProperty",
        "file": "FileProperty",
        "file_group": "FileGroupProperty",
        "formatted_text": "FormattedTextProperty",
        "image": "ImageProperty",
        "image_group": "ImageGroupProperty",
        "integer": "IntegerProperty",
        "list": "ListProperty",
        "long": "LongProperty",
        "map": "MapProperty",
        "text": "TextProperty",
        "video": "VideoProperty",
        "video_group": "VideoGroupProperty",
    },
):
    """A custom value of an item: the fields that all types of values share. `type` specifies the type, and
    the sender sets it. An unknown type is read as a Property with all its data.

    `type` selects the subclass. An object with an unknown value is read as Property, with all its data.
    """

    type: str | None = field("str", required=True)
    """Type of value, which selects the schema. Known values (others may be added): `audio`, `audio_group`,
    `boolean`, `date`, `double`, `file`, `file_group`, `formatted_text`, `image`, `image_group`,
    `integer`, `list`, `long`, `map`, `text`, `video`, `video_group`.
    """
