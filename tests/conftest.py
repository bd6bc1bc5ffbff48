"""The same people and things for every test: Alice owns, Bob is a member, Charlie is outside."""

import inspect
import pathlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from threading import Barrier

import pytest

from tests import environment

environment.prepare()

from django.conf import settings
from django.db import connections
from rest_framework.test import APIClient

from accounts import plans
from accounts.db import extras, for_files, for_tools, keeper, readers, writer
from accounts.models import Membership, Organization, Project, Role, User
from accounts.sign_in.tokens import AccessToken
from chat.models import Chat
from tests import emptying
from tests.live import PASSWORD, Server
from tests.long import LONG
from tests.upstream import Upstream
from tools.git.repository import Repository

emptying.prepare()

# The page, the clients, words and shapes, who may call what, what a provider makes of bytes, what a request costs the
# loop: no database of theirs makes a difference to them.
SAME_ON_BOTH = {
    "agents", "browser", "clients", "config", "test_bad_input.py", "test_bearer.py", "test_credentials.py",
    "test_docs.py", "test_hostile_requests.py", "test_markdown_cost.py", "test_mcp_client.py", "test_openapi.py",
    "test_password_limits.py", "test_readme.py", "test_routes.py", "test_serve.py", "test_sse.py",
}  # fmt: skip
HERE = pathlib.Path(__file__).parent
FILES = {"README.md": "# Website\n", "docs/guide.md": "Ask for the green door.\n", "src/app.py": "print('hello')\n"}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--write-golden", action="store_true", help="write the golden files of the dialects anew")


def pytest_report_header() -> list[str]:
    return [f"profile: {environment.profile()} {environment.server_versions()}"]


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> Iterator[None]:
    """The scaled run leaves out what meets no database, and what the embedded run has shown for both. Workers take
    file by file: the long ones first, and those that need no server last, so that all end at about the same time."""
    if environment.profile() == "scaled":
        left_out = [item for item in items if not meets_data(item)]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if meets_data(item)]
    for item in items:
        if is_long(item):
            item.add_marker(pytest.mark.long)
    yield
    for item in items:
        if is_live(item) or is_timed(item):
            item.add_marker(pytest.mark.flaky(reruns=1))  # a second chance, which pytest_terminal_summary tells
    live = {item.path for item in items if is_live(item)}
    places = {HERE / name: place for place, name in enumerate(LONG, -len(LONG))}
    items.sort(key=lambda item: places.get(item.path, 0 if item.path in live else 1))


def pytest_ignore_collect(collection_path: pathlib.Path) -> bool | None:
    """True for what the scaled run leaves out whole: its imports alone take seconds."""
    if environment.profile() != "scaled" or not collection_path.is_relative_to(HERE):
        return None
    return True if SAME_ON_BOTH & set(collection_path.relative_to(HERE).parts) else None


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Names what failed first and passed when it was run again, and says where the tests' PostgreSQL crashed."""
    for line in environment.crashes():
        terminalreporter.line(f"the PostgreSQL that all tests share: {line}", red=True)
    passed = {report.nodeid for report in terminalreporter.getreports("passed")}
    again = [report for report in terminalreporter.getreports("rerun") if report.nodeid in passed]
    if again:
        terminalreporter.section(f"passed only when run again: {len(again)}", sep="!", red=True)
    for report in again:
        terminalreporter.line(report.longreprtext)
        terminalreporter.line(f"passed only when run again: {report.nodeid}: look at it", red=True)


def is_long(item: pytest.Item) -> bool:
    """Whether the test is left to `make long`."""
    stays = LONG.get(str(item.path.relative_to(HERE))) if item.path.is_relative_to(HERE) else None
    return stays is not None and getattr(item, "originalname", None) != stays


def is_live(item: pytest.Item) -> bool:
    """Whether the test talks to a server, over real sockets and with real clocks."""
    return uses(item, "server", "new_server", "upstream") or item.get_closest_marker("live") is not None


CLOCKS = ("process_time()", "thread_time()", "monotonic()", "perf_counter()", "cost_of(")


def is_timed(item: pytest.Item) -> bool:
    """Whether it looks at a clock: another program may have had the processor just then."""
    function = getattr(item, "function", None)
    return function is not None and any(each in inspect.getsource(function) for each in CLOCKS)


def uses(item: pytest.Item, *fixtures: str) -> bool:
    """Whether the test needs one of these fixtures."""
    return bool(set(fixtures) & set(getattr(item, "fixturenames", ())))


def meets_data(item: pytest.Item) -> bool:
    """Whether the test uses a database, in this process or through a server."""
    has_database = uses(item, "db", "transactional_db") or item.get_closest_marker("django_db") is not None
    return (has_database or is_live(item)) and not SAME_ON_BOTH & set(item.path.parts)


def pytest_unconfigure() -> None:
    environment.clean()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> None:
    """SQLite's test database is a file, so that the threads of accounts.db see it."""
    if settings.IS_SQLITE:
        connections["default"].settings_dict["TEST"]["NAME"] = str(settings.PARLEY_DATA / "test.sqlite3")


@pytest.fixture(autouse=True)
def plans_as_shipped() -> Iterator[None]:
    """What a test's rows said of plans is forgotten with them; and none is asked for where no test means them."""
    plans.tell(())
    yield
    plans.tell(())


@pytest.fixture(autouse=True)
def no_job_under_way() -> Iterator[None]:
    """What the process's database threads have begun is done before the test's rows are deleted under it."""
    yield
    for pool in (readers, writer, keeper, extras, for_tools, for_files):
        if pool.cache_info().currsize:
            finish(pool())


def finish(pool: ThreadPoolExecutor) -> None:
    """Return when each of its threads has nothing else to do, or after 10 s."""
    barrier = Barrier(pool._max_workers)
    wait([pool.submit(barrier.wait, 10) for _ in range(pool._max_workers)])


@pytest.fixture
def organization(db: None) -> Organization:
    return Organization.objects.create(name="Acme")


@pytest.fixture
def elsewhere(db: None) -> Organization:
    """Charlie's organization: nothing of it may reach Alice or Bob, nor the other way round."""
    return Organization.objects.create(name="Elsewhere")


@pytest.fixture
def alice(organization: Organization) -> User:
    """Owner of the organization."""
    return member(organization, "alice", Role.OWNER)


@pytest.fixture
def bob(organization: Organization) -> User:
    """Editor in the organization."""
    return member(organization, "bob", Role.EDITOR)


@pytest.fixture
def charlie(elsewhere: Organization) -> User:
    """Owner of another organization: may see nothing of this one."""
    return member(elsewhere, "charlie", Role.OWNER)


@pytest.fixture
def project(organization: Organization) -> Project:
    """A project whose repository holds FILES."""
    project = Project.objects.create(organization=organization, name="Website")
    Repository(project.pk).create(FILES, author_name="Alice", author_email="alice@example.com")
    return project


@pytest.fixture
def chat(alice: User, project: Project) -> Chat:
    """Alice's private chat in the project."""
    return Chat.objects.create(
        organization=project.organization,
        project=project,
        user=alice,
        title="First steps",
        model=settings.AGENTS_DEFAULT_MODEL,
        archetype=settings.AGENTS_DEFAULT_ARCHETYPE,
    )


@pytest.fixture
def api() -> Callable[[User], APIClient]:
    """`api(alice)` is a client that sends her bearer token."""
    return client_of


@pytest.fixture(scope="session")
def upstream() -> Iterator[Upstream]:
    """The fake OpenAI upstream, shared by all tests of a worker: each uses a key of its own in its scripts."""
    upstream = Upstream().start()
    yield upstream
    upstream.close()


@pytest.fixture(scope="session")
def server(upstream: Upstream) -> Iterator[Server]:
    """A running server in front of `upstream`, shared by all tests of a worker. Nobody may stop this one."""
    server = Server(OPENAI_BASE_URL=upstream.url, OPENAI_API_KEY="none")
    yield server.start()
    server.close()


@pytest.fixture
def new_server(upstream: Upstream) -> Iterator[Callable[..., Server]]:
    """`new_server(CHAT_LEASE_S="1")` is a server of one's own, not started yet: to stop, kill, freeze, restart."""
    made: list[Server] = []

    def new(command: tuple[str, ...] = ("serve",), **values: str) -> Server:
        made.append(Server(command=command, **{"OPENAI_BASE_URL": upstream.url, "OPENAI_API_KEY": "none", **values}))
        return made[-1]

    yield new
    for server in made:
        server.close()


def member(organization: Organization, name: str, role: Role) -> User:
    """A new person of that role, who signs in as NAME@example.com with PASSWORD."""
    user = User.objects.create_user(f"{name}@example.com", PASSWORD, name=name.title())
    Membership.objects.create(organization=organization, user=user, role=role)
    return user


def client_of(user: User) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {AccessToken.of(user)}")
    return client
