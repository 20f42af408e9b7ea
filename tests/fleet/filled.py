"""Hosts and listeners put straight into a store, in bulk: what agents would have reported."""

from fleet.engines import Postgres
from portbook.fleet.migrating import migrate

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(2)>',
    "' OR 1=1; DROP TABLE host; --",
    "{{ 7 * 7 }}{% raw %}%(port)s %s",
    "\u202egnp.exe\u2066",
    "a\nb\tc\x1b[31m\x7f",
    "&lt;b&gt;",
)
"""Texts that a host may send to harm who reads them."""


def filled(store: Postgres, hosts: int = 40, each: int = 12) -> Postgres:
    """A fleet in a database that is empty: `hosts` hosts of three kinds with `each` listeners.

    Of 40 hosts the last but two is silent, the last but one has never reported, the last is used
    by two machines; every host has ssh on 22, every tenth redis on 6379, host-0001 nc on 3255.
    """
    migrate(store.url)
    store.query(
        f"""
        SET search_path = portbook;
        INSERT INTO host (id, name, labels, as_of, total, version, instance)
        SELECT 'host-' || lpad(n::text, greatest(4, length(n::text)), '0'), 'Host ' || n,
            jsonb_build_object('role', (ARRAY['web', 'db', 'build'])[1 + n % 3]),
            now() - interval '4 seconds', {each}, '0.9.0', 'boot:' || n
        FROM generate_series(1, {hosts}) n;
        UPDATE host SET as_of = now() - interval '2 hours' WHERE number = {hosts} - 2;
        UPDATE host SET as_of = NULL, total = 0 WHERE number = {hosts} - 1;
        UPDATE host SET duplicate_at = now(), duplicate_of = 'boot:other' WHERE number = {hosts};
        INSERT INTO listener (host, transport, address, port, netns, inode, state, reach, process,
            pid, exe, "user", unit, verdict, severity, rules, unknown, hash, since, changed)
        SELECT h.number, CASE WHEN n % 5 = 4 THEN 'udp' ELSE 'tcp' END,
            CASE WHEN n % 3 = 0 THEN '0.0.0.0' ELSE '127.0.0.1' END, port, '', 1000 + n, 'listen',
            CASE WHEN n % 3 = 0 THEN 'any' ELSE 'loopback' END, program, 100 + n,
            '/usr/sbin/' || program, 'root', program || '.service',
            CASE WHEN n = 0 THEN 'expected' WHEN program = 'nc' THEN 'suspicious'
                ELSE (ARRAY['expected', 'familiar', 'unregistered', 'mismatch'])[1 + n % 4] END,
            NULL, CASE WHEN program = 'nc' THEN 'deleted_exe' ELSE '' END, '', n,
            now() - (n + h.number % 7) * interval '9 hours',
            now() - (n + h.number % 7) * interval '9 hours'
        FROM host h, generate_series(0, {each} - 1) n,
            LATERAL (SELECT CASE WHEN n = 0 THEN 22 WHEN n = 1 AND h.number % 10 = 0 THEN 6379
                WHEN n = 2 AND h.number = 1 THEN 3255
                ELSE 1024 + (n * n * 37
                    + (h.number::bigint * 7919 * n) % (n * n * n * 11 + 1)) % 48000 END AS port) p,
            LATERAL (SELECT CASE WHEN port = 22 THEN 'sshd' WHEN port = 6379 THEN 'redis-server'
                WHEN port = 3255 THEN 'nc'
                ELSE (ARRAY['nginx', 'postgres', 'node', 'java', 'python3'])[1 + n % 5] END
                AS program) q
        WHERE h.as_of IS NOT NULL ON CONFLICT DO NOTHING;
        INSERT INTO history (host, transport, address, port, netns, inode, state, reach, process,
            pid, exe, "user", unit, verdict, rules, unknown, since, until, ended)
        SELECT h.number, 'tcp', '0.0.0.0', port, '', 50 + n, 'listen', 'any', program, 7, NULL,
            'www', NULL, verdict, '', '', now() - (n * 13 + 20 + h.number % 11) * interval '1 hour',
            now() - (n * 13 + 9 + h.number % 11) * interval '1 hour',
            CASE WHEN n % 3 = 2 THEN 'changed' ELSE 'closed' END
        FROM host h, generate_series(0, 5) n,
            LATERAL (VALUES (0, 8080, 'node', 'familiar'), (1, 8080, 'java', 'familiar'),
                (2, 22, 'sshd', 'expected'), (3, 3255, 'nc', 'suspicious'),
                (4, 6379, 'redis-server', 'mismatch'), (5, 9999, 'nc', 'unregistered'))
                v(k, port, program, verdict)
        WHERE k = n AND h.as_of IS NOT NULL AND h.number % 4 = n % 4;
        ANALYZE;
        """  # noqa: S608 - numbers of the test
    )
    return store


def reader_url(store: Postgres) -> str:
    """The URL of a user who may read, and no more."""
    store.query("CREATE ROLE book LOGIN PASSWORD 'bed' IN ROLE portbook_reader", "postgres")
    return store.url_for("book")
