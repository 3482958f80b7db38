"""The modules that the clients load by name, and the contract."""

from PyInstaller.utils.hooks import collect_data_files, collect_submodules

OPTIONAL = ("knetik_cloud.bulk", "knetik_cloud.cli", "knetik_cloud.contrib", "knetik_cloud.sandbox")
"""Packages that need more than the clients do. A program that uses one imports it."""

hiddenimports = collect_submodules("knetik_cloud", filter=lambda name: not name.startswith(OPTIONAL))
datas = [
    (source, target)
    for source, target in collect_data_files("knetik_cloud")
    if not target.replace("\\", "/").startswith("knetik_cloud/sandbox")
]
