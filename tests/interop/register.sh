# Somebody who signs in,
echo 'correct horse battery staple' |
  latchkey user create alice --email alice@example.com --email-verified --name 'Alice Liddell' --password-stdin

# an app that people sign in to,
export CLIENT_SECRET=$(openssl rand -hex 32)
echo "$CLIENT_SECRET" |
  latchkey client create --id wiki --name Wiki --redirect-uri http://localhost:3000/callback \
    --scope 'openid profile email' --secret-stdin

# an API, and a program that calls it in its own name.
export REPORTER_SECRET=$(openssl rand -hex 32)
latchkey resource create https://notes.example --name Notes --scope notes:read --gate consent
echo "$REPORTER_SECRET" |
  latchkey client create --id reporter --name Reporter --grant client_credentials --scope notes:read --secret-stdin
