"""What it takes to start a process."""

import psutil

from tests.live import Server

START_CPU_S = 6.0  # 1.5 to 2.5 by itself; beside other tests a core does half as much


def test_a_server_is_there_after_so_much_work(server: Server) -> None:
    assert server.process is not None
    times = psutil.Process(server.process.pid).cpu_times()
    assert times.user + times.system < START_CPU_S


def test_what_was_imported_is_no_garbage_and_later_garbage_is_found(server: Server) -> None:
    look = "import gc; print('collects', gc.isenabled(), gc.get_freeze_count() > 50_000)"
    assert "collects True True" in server.manage("shell", "-c", look).stdout
