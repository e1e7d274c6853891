import os

from hypothesis import HealthCheck, settings

# In CI the same examples every time: a red build is then the change's own. At home hypothesis keeps looking, and with
# `--hypothesis-profile=search` for long.
settings.register_profile("ci", derandomize=True, deadline=None, print_blob=True)
settings.register_profile("home", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("search", settings.get_profile("home"), max_examples=2000)
settings.load_profile("ci" if os.environ.get("CI") else "home")
