"""What denoising learnt, whether held-out frames agree, and what it did to events."""

from groundtrace.report.section import Section

SECTION = Section(
    __name__,
    title="Denoising",
    step="denoise",
    needs=("acquisition", "traces", "denoising_noise", "denoising_curve", "denoising_check", "denoising_images"),
    shared=("svg.css",),
)
