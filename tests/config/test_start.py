"""What it takes to start a process."""

from tests.live import Server


def test_what_was_imported_is_no_garbage_and_later_garbage_is_found(server: Server) -> None:
    look = "import gc; print('collects', gc.isenabled(), gc.get_freeze_count() > 50_000)"
    assert "collects True True" in server.manage("shell", "-c", look).stdout
