"""What makes the database itself keep the audit log: nothing of an entry is changed but its place in the chain, once,
and nothing is deleted but what its chain's row says was pruned.

As migration 0016 installs it. Where a later one changes the table, SQLite makes it anew and drops the triggers with it:
that migration installs them again.
"""

from typing import Any

TABLE = "accounts_auditentry"
KEPT = "id, at, organization, actor_kind, actor, action, object_type, object_id, outcome, ip, request_id, detail, hash"
OLD, NEW = (", ".join(f"{row}.{name}" for name in KEPT.split(", ")) for row in ("OLD", "NEW"))
IS_SEALED_NOW = "OLD.seq IS NULL AND OLD.chain IS NULL AND NEW.seq IS NOT NULL AND NEW.chain IS NOT NULL"
CHANGED = "An entry of the audit log is never changed."
DELETED = "An entry of the audit log is never deleted, but by pruning."
WHEN_CHANGED = f"NOT ({IS_SEALED_NOW} AND ({NEW}) IS ({OLD}))"

ON_SQLITE = (
    f"""CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON accounts_auditentry WHEN {WHEN_CHANGED}
    BEGIN SELECT RAISE(ABORT, '{CHANGED}'); END""",
    f"""CREATE TRIGGER audit_is_not_deleted BEFORE DELETE ON accounts_auditentry
    WHEN OLD.seq IS NULL OR OLD.seq > coalesce((
        SELECT pruned_seq FROM accounts_auditchain
        WHERE id = coalesce(OLD.organization, '00000000000000000000000000000000')
    ), 0)
    BEGIN SELECT RAISE(ABORT, '{DELETED}'); END""",
)
OFF_SQLITE = ("DROP TRIGGER IF EXISTS audit_is_not_changed", "DROP TRIGGER IF EXISTS audit_is_not_deleted")

ON_POSTGRES = (
    f"""CREATE OR REPLACE FUNCTION audit_is_not_changed() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF {IS_SEALED_NOW} AND ({NEW}) IS NOT DISTINCT FROM ({OLD}) THEN
            RETURN NEW;
        END IF;
        RAISE EXCEPTION '{CHANGED}' USING ERRCODE = 'restrict_violation';
    END $$""",
    f"""CREATE OR REPLACE FUNCTION audit_is_not_deleted() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF OLD.seq <= (
            SELECT pruned_seq FROM accounts_auditchain
            WHERE id = coalesce(OLD.organization, '00000000-0000-0000-0000-000000000000'::uuid)
        ) THEN
            RETURN OLD;
        END IF;
        RAISE EXCEPTION '{DELETED}' USING ERRCODE = 'restrict_violation';
    END $$""",
    """CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON accounts_auditentry
    FOR EACH ROW EXECUTE FUNCTION audit_is_not_changed()""",
    """CREATE TRIGGER audit_is_not_deleted BEFORE DELETE ON accounts_auditentry
    FOR EACH ROW EXECUTE FUNCTION audit_is_not_deleted()""",
)
OFF_POSTGRES = (
    "DROP TRIGGER IF EXISTS audit_is_not_changed ON accounts_auditentry",
    "DROP TRIGGER IF EXISTS audit_is_not_deleted ON accounts_auditentry",
    "DROP FUNCTION IF EXISTS audit_is_not_changed()",
    "DROP FUNCTION IF EXISTS audit_is_not_deleted()",
)


def install(connection: Any) -> None:
    """From now on the database refuses."""
    _execute(connection, ON_POSTGRES if connection.vendor == "postgresql" else ON_SQLITE)


def remove(connection: Any) -> None:
    """From now on it does not."""
    _execute(connection, OFF_POSTGRES if connection.vendor == "postgresql" else OFF_SQLITE)


def _execute(connection: Any, statements: tuple[str, ...]) -> None:
    with connection.cursor() as cursor:
        for each in statements:
            cursor.execute(each)
