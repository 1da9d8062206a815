-- The key ring: private halves sealed under the master key (a gone key keeps its sealed public half for logout hints).
CREATE TABLE signing_keys (
    kid TEXT NOT NULL PRIMARY KEY,
    alg TEXT NOT NULL,
    state TEXT NOT NULL,
    sealed TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    active_from BIGINT,
    retired_at BIGINT,
    gone_at BIGINT
);
-- One next and one active key per algorithm, whoever races: the database decides.
CREATE UNIQUE INDEX signing_keys_next ON signing_keys (alg) WHERE state = 'next';
CREATE UNIQUE INDEX signing_keys_active ON signing_keys (alg) WHERE state = 'active';
