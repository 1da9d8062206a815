-- One row per authorization: its code, what was granted, the refresh generation, the epochs it was made under, and its end.
CREATE TABLE grants (
    id TEXT NOT NULL PRIMARY KEY,
    client_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    sid TEXT NOT NULL,
    offline BOOLEAN NOT NULL,
    code_hash TEXT NOT NULL,
    code_expires_at BIGINT NOT NULL,
    code_spent_at BIGINT,
    code_failures BIGINT NOT NULL,
    redirect_uri TEXT NOT NULL,
    code_challenge TEXT,
    nonce TEXT,
    scope TEXT NOT NULL,
    resources TEXT NOT NULL,
    claims TEXT,
    org_id TEXT,
    auth_time BIGINT NOT NULL,
    acr TEXT NOT NULL,
    amr TEXT NOT NULL,
    refresh_generation BIGINT NOT NULL,
    refresh_predecessor BIGINT NOT NULL,
    refresh_recovered BOOLEAN NOT NULL,
    refresh_rotated_at BIGINT NOT NULL,
    user_epoch BIGINT NOT NULL,
    client_epoch BIGINT NOT NULL,
    org_epoch BIGINT NOT NULL,
    issuer_epoch BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    ended_at BIGINT,
    ended_by TEXT
);
CREATE UNIQUE INDEX grants_code ON grants (code_hash);
CREATE INDEX grants_user ON grants (user_id, client_id);
CREATE INDEX grants_sid ON grants (sid);
CREATE INDEX grants_expiry ON grants (expires_at);
-- What a user has allowed an app, per organisation ('' for none) and resource, so that the question is asked once.
CREATE TABLE consents (
    user_id TEXT NOT NULL,
    client_id TEXT NOT NULL,
    org_id TEXT NOT NULL,
    resource TEXT NOT NULL,
    scope TEXT NOT NULL,
    claims TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (user_id, client_id, org_id, resource)
);
-- Access tokens that are a mere reference, for resources that ask for it; and tokens refused before their time.
CREATE TABLE opaque_tokens (
    hash TEXT NOT NULL PRIMARY KEY,
    claims TEXT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX opaque_tokens_expiry ON opaque_tokens (expires_at);
CREATE TABLE denied_tokens (
    jti TEXT NOT NULL PRIMARY KEY,
    expires_at BIGINT NOT NULL
);
CREATE INDEX denied_tokens_expiry ON denied_tokens (expires_at);
