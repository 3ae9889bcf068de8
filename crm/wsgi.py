"""The WSGI application, which serves plain http only where the environment says so."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crm.settings")
os.environ.setdefault("REQUIRE_HTTPS", "1")
application = get_wsgi_application()
