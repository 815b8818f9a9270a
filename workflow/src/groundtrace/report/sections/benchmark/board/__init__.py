"""The leaderboard."""

from groundtrace.report.section import Section

SECTION = Section(__name__, title="Leaderboard", shared=("boards.html", "svg.css", "boards.css"))
