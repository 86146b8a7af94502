"""`from apherelog_client import Client`: the name under which an installation offers `api.client`."""

from api.client import Client, Problem

__all__ = ["Client", "Problem"]
