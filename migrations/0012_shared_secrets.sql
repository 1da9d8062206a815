-- A client that signs with its secret (client_secret_jwt, OIDC Core §9) needs a server that knows it, too: sealed under the
-- master key, beside the hash. NULL for all others.
ALTER TABLE client_secrets ADD COLUMN sealed TEXT;
