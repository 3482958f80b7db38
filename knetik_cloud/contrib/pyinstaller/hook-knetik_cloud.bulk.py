"""The modules that bulk runs load by name."""

from PyInstaller.utils.hooks import collect_submodules

hiddenimports = collect_submodules("knetik_cloud.bulk")
