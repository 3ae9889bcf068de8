"""The WSGI application: plain http only where the environment says so, and no statement that runs for ever."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crm.settings")
os.environ.setdefault("REQUIRE_HTTPS", "1")
os.environ.setdefault("STATEMENT_TIMEOUT", "10s")
application = get_wsgi_application()
