-- Who may ask (RFC 7591 metadata as JSON, so that a new member needs no new column) and which APIs tokens are for (RFC 8707).
CREATE TABLE clients (
    id TEXT NOT NULL PRIMARY KEY,
    metadata TEXT NOT NULL,
    first_party BOOLEAN NOT NULL,
    require_pkce BOOLEAN NOT NULL,
    enabled BOOLEAN NOT NULL,
    epoch BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    -- A deleted client keeps its row: an id that is taken again goes on from its epoch, so that no old grant revives.
    deleted_at BIGINT
);
-- At most two live ones: during a rotation the old secret works until expires_at.
CREATE TABLE client_secrets (
    hash TEXT NOT NULL PRIMARY KEY,
    client_id TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT
);
CREATE INDEX client_secrets_client ON client_secrets (client_id);
CREATE TABLE resources (
    uri TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    scope TEXT NOT NULL,
    access_token TEXT NOT NULL,
    typ TEXT NOT NULL,
    gate TEXT NOT NULL,
    introspected_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
