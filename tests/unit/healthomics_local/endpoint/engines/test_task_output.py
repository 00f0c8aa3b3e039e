from pathlib import Path

from healthomics_local.endpoint.engines.task_output import last_lines, output_lines


def test_lines_between_two_offsets(tmp_path: Path) -> None:
    file = tmp_path / "stderr"
    file.write_text("one\ntwo\nthree\n")

    assert output_lines(file) == ["one", "two", "three"]
    assert output_lines(file, 4, 8) == ["two"]
    assert output_lines(tmp_path / "none") == []


def test_of_long_output_the_end_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "stderr"
    line = "x" * 1023 + "\n"
    file.write_text(line * 5000 + "why it failed\n")

    first, *lines = output_lines(file)

    assert first == f"({5000 * 1024 + 14 - 4 * 1024 * 1024} bytes before this are left out)"
    assert lines[-1] == "why it failed"
    assert sum(len(each) + 1 for each in lines) == 4 * 1024 * 1024


def test_a_status_message_gets_the_last_lines_with_something_in_them() -> None:
    assert last_lines(["1", "2", "", "3", " ", "4", "5", "6"]) == ("2", "3", "4", "5", "6")
