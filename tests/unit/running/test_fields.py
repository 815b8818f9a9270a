"""Fields of a sheet."""

from groundtrace.running.layout import fields_of
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


def test_sessions_without_a_date_are_in_the_order_of_their_numbers():
    numbered = sheet(*({"subject": "M1", "session": name, "field": "V1"} for name in ("10", "9", "1")))
    assert fields_of(numbered) == {("sub-M1", "V1", 0): ["sub-M1/ses-1", "sub-M1/ses-9", "sub-M1/ses-10"]}


def test_planes_are_tracked_apart_and_only_where_two_sessions_have_them():
    planes = sheet(
        {"subject": "M1", "session": "a", "field": "V1", "planes": 2},
        {"subject": "M1", "session": "b", "field": "V1", "planes": 1},
    )
    assert list(fields_of(planes)) == [("sub-M1", "V1", 0)]
