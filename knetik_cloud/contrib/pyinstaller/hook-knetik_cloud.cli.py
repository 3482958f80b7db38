"""The commands, whose modules are loaded by name."""

from PyInstaller.utils.hooks import collect_submodules

hiddenimports = collect_submodules("knetik_cloud.cli")
