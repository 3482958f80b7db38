"""Build in a new folder: setuptools packs all files in `build`, even modules of earlier versions."""

from tempfile import TemporaryDirectory

from setuptools import setup

with TemporaryDirectory() as folder:
    setup(options={"build": {"build_base": folder}})
