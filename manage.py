#!/usr/bin/env python
"""Entry point of Django's commands."""

import os
import sys

from django.core.management import execute_from_command_line
from django.db import OperationalError

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crm.settings")
    try:
        execute_from_command_line(sys.argv)
    except OperationalError as error:
        hint = "" if os.environ.get("DATABASE_URL") else " (make run starts a database)"
        sys.exit(f"The database cannot be used{hint}: {str(error).splitlines()[0]}")
