"""What the web server is pointed at: `granian --interface asginl asgi:app`."""

from __future__ import annotations

import gc
import resource
from functools import partial

from api.app import create_app
from api.bodies import bound_of
from api.gate import Gate
from infra.settings import Settings

# Each connection is an open file, and a service may be started with room for no more than 1,024.
_, _most = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (_most, _most))

_settings = Settings.from_env()
_application = create_app(_settings)

app = Gate(_application, partial(bound_of, _application), _settings.web_threads)

# What is loaded stays. Python would look all of it through for cycles whenever a large answer has
# made enough new objects, and hold up what runs by a third of a second.
gc.freeze()
