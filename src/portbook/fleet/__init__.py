"""The same questions over many hosts: agents report, PostgreSQL remembers, NATS asks."""
