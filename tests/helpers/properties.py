"""How many examples a property is tried on."""

from hypothesis import settings


def examples(n: int) -> settings:
    """Try a property on ``n`` examples in a thorough run, and on fewer in a quick one, as the profile loaded says."""
    return settings(max_examples=max(1, n * settings.default.max_examples // 100))
