"""What every denoising backend promises."""

from groundtrace.section import Backend


class DenoisingBackend(Backend):
    """Denoises a registered movie."""
