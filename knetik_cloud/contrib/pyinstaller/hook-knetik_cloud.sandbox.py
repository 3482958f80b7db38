"""The modules that the sandbox loads by name, its first data, and the pages of its console."""

from PyInstaller.utils.hooks import collect_data_files, collect_submodules

hiddenimports = collect_submodules(
    "knetik_cloud.sandbox", filter=lambda name: not name.endswith("pytest_plugin")
)
datas = collect_data_files("knetik_cloud.sandbox")
