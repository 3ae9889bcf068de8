"""The demo world: a company that sells expense software, the same rows every time. See ``world``."""

from crm.demo.directory import USERS
from crm.demo.world import SIZES, NotEmpty, World, build

__all__ = ["SIZES", "USERS", "NotEmpty", "World", "build"]
