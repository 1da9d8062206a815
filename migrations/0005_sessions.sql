-- Browser sessions by the hash of their cookie, and the authorization requests that wait in them for a login or a consent.
CREATE TABLE browser_sessions (
    hash TEXT NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL,
    data TEXT NOT NULL,
    sid TEXT,
    user_id TEXT,
    created_at BIGINT NOT NULL,
    seen_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX browser_sessions_sid ON browser_sessions (sid);
CREATE INDEX browser_sessions_user ON browser_sessions (user_id);
CREATE INDEX browser_sessions_expiry ON browser_sessions (expires_at);
CREATE TABLE authorization_requests (
    id TEXT NOT NULL PRIMARY KEY,
    browser TEXT,
    params TEXT NOT NULL,
    authenticated_sid TEXT,
    spent_at BIGINT,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX authorization_requests_expiry ON authorization_requests (expires_at);
