-- By which assertions clients have proved themselves, until those end by themselves: none counts twice (RFC 7523 §3).
CREATE TABLE client_assertions (
    hash TEXT NOT NULL PRIMARY KEY,
    expires_at BIGINT NOT NULL
);
CREATE INDEX client_assertions_expiry ON client_assertions (expires_at);
