"""A full sync of a catalogue that behaves."""

from catalog_lab import MakeLab


def test_every_licensed_course_comes_in_and_the_counts_add_up(make_lab: MakeLab) -> None:
    lab = make_lab(size=130)

    run = lab.sync()

    assert run["status"] == "succeeded", run
    assert lab.active() == lab.truth()
    counts = run["counts"]
    assert counts["created"] == 130
    assert counts["read"] == sum(number for name, number in counts.items() if name != "read")
    assert run["progress"]["done"] == run["progress"]["total"]
