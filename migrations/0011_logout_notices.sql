-- Which apps a browser session has let in, and which of them are still to be told that it has ended (OIDC Back-Channel Logout 1.0).
CREATE TABLE session_clients (
    sid TEXT NOT NULL,
    client_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    PRIMARY KEY (sid, client_id)
);
-- Those of the sessions that are under way.
INSERT INTO session_clients (sid, client_id, user_id)
    SELECT DISTINCT g.sid, g.client_id, g.user_id FROM grants g JOIN browser_sessions s ON s.sid = g.sid;
CREATE INDEX session_clients_client ON session_clients (client_id);
CREATE INDEX session_clients_user ON session_clients (user_id);
CREATE TABLE logout_notices (
    sid TEXT NOT NULL,
    client_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    -- Whoever tries takes the notice by moving this on: nobody else tries before, and a node that crashes meanwhile has lost nothing.
    next_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (sid, client_id, created_at)
);
CREATE INDEX logout_notices_next ON logout_notices (next_at);
CREATE INDEX logout_notices_expiry ON logout_notices (expires_at);
CREATE INDEX logout_notices_client ON logout_notices (client_id);
