"""The version of this build, written here and nowhere else: packaging, `smartcart --version` and refusals read it."""

VERSION = "0.1.0"
