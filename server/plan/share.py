"""How much of a step's work a preset leaves: measured on the model, or else on flux-nano, and then said so."""

from server.errors import SettingsError
from server.measured_share import share_at
from server.profile import PAPER_PRESET, ModelProfile


def share_of(profile: ModelProfile, preset: str) -> tuple[float, str]:
    """The share of block FLOPs that is spent, and a remark on where it is from. Raises SettingsError."""
    if preset == "off":
        return 1.0, "preset off: every step computes all blocks"
    presets = {"paper": PAPER_PRESET, **profile.presets}
    known = presets.get(preset)
    if known is None:
        raise SettingsError(f"preset {preset[:64]!r} is unknown, allowed are off, {', '.join(presets)}")
    if known.measured_flops_ratio is not None:
        share = known.measured_flops_ratio
        return share, f"preset {preset}: spends {share:.0%} on {profile.name}"
    share = share_at(known.method, known.tau1, known.tau2)
    rule = f"the method {known.method} at ({known.tau1:g}, {known.tau2:g})"
    return share, (
        f"estimate: preset {preset} was never measured on {profile.name}; {rule} spends {share:.0%} on flux-nano"
    )
