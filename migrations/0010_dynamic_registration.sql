-- Who may register clients (initial access tokens, RFC 7591 §1.2), and who may change what was registered (RFC 7592).
CREATE TABLE registration_tokens (
    id TEXT NOT NULL PRIMARY KEY,
    hash TEXT NOT NULL,
    -- How often it can still be used; NULL: without end.
    uses BIGINT,
    created_at BIGINT NOT NULL,
    expires_at BIGINT
);
CREATE UNIQUE INDEX registration_tokens_hash ON registration_tokens (hash);
-- Nobody has checked who a client is that registered itself.
ALTER TABLE clients ADD COLUMN self_registered BOOLEAN NOT NULL DEFAULT FALSE;
CREATE TABLE client_registrations (
    client_id TEXT NOT NULL PRIMARY KEY,
    hash TEXT NOT NULL
);
