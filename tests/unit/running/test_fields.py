"""Fields of a sheet, and which of them wait for a session."""

from groundtrace.config import Config
from groundtrace.running.layout import fields_of, study_entries, untracked
from groundtrace.sessions import Session


def sheet(*rows: dict) -> dict[str, Session]:
    sessions = [Session.model_validate({"path": "x.tif", **row}) for row in rows]
    return {session.key: session for session in sessions}


SESSIONS = sheet(
    {"subject": "M1", "session": "b", "date": "20260302", "field": "V1"},
    {"subject": "M1", "session": "c", "date": "20260301", "field": "V1"},
    {"subject": "M1", "session": "d", "field": "V2"},
    {"subject": "M2", "session": "a", "field": "V1"},
    {"subject": "M1", "session": "e"},
)


def test_sessions_of_one_subject_and_field_belong_together_in_the_order_of_time():
    assert fields_of(SESSIONS) == {("sub-M1", "V1", 0): ["sub-M1/ses-c_date-20260301", "sub-M1/ses-b_date-20260302"]}


def test_planes_are_tracked_apart_and_only_where_two_sessions_have_them():
    planes = sheet(
        {"subject": "M1", "session": "a", "field": "V1", "planes": 2},
        {"subject": "M1", "session": "b", "field": "V1", "planes": 1},
    )
    assert list(fields_of(planes)) == [("sub-M1", "V1", 0)]


def test_a_field_that_waits_for_a_failed_session_is_named(tmp_path):
    entries = study_entries(Config(results=tmp_path), SESSIONS)
    tracked = [entry for entry in entries.rows if entry.tracks]
    assert len({entry.tracks for entry in tracked}) == 1
    made = tracked[0].file("dff")
    made.parent.mkdir(parents=True)
    made.touch()
    (line,) = untracked(entries)
    assert f"not tracked, since {tracked[1].session} failed" in line
    assert "empty its column field" in line
