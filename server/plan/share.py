"""How much of a step's work a preset leaves: measured on the model, or else on flux-nano, and then said so."""

from server.errors import SettingsError
from server.profile import ModelProfile, load_profile

STAND_IN = "flux-nano"


def share_of(profile: ModelProfile, preset: str) -> tuple[float, str]:
    """The share of block FLOPs that is spent, and a remark on where it is from. Raises SettingsError."""
    if preset == "off":
        return 1.0, "preset off: every step computes all blocks"
    known = profile.presets.get(preset)
    if known is None:
        raise SettingsError(f"preset {preset[:64]!r} is unknown, allowed are off, {', '.join(profile.presets)}")
    if known.measured_flops_ratio is not None:
        return (
            known.measured_flops_ratio,
            f"preset {preset}: spends {known.measured_flops_ratio:.0%} on {profile.name}",
        )
    stand_in = load_profile(STAND_IN).presets.get(preset)
    if stand_in is None or stand_in.measured_flops_ratio is None:
        raise SettingsError(
            f"preset {preset} was never measured on {profile.name}: run h2serve calibrate, or take off"
        )
    share = stand_in.measured_flops_ratio
    return (
        share,
        f"estimate: preset {preset} was never measured on {profile.name}; on {STAND_IN} it spends {share:.0%}",
    )
