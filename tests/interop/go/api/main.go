// An API that takes Latchkey's tokens, with github.com/golang-jwt/jwt and github.com/MicahParks/keyfunc.
package main

import (
	"encoding/json"
	"log"
	"net/http"
	"os"
	"slices"
	"strings"

	"github.com/MicahParks/keyfunc/v3"
	"github.com/golang-jwt/jwt/v5"
)

type claims struct {
	jwt.RegisteredClaims
	ClientID string `json:"client_id"`
	Scope    string `json:"scope"`
}

func main() {
	issuer := env("ISSUER", "http://localhost:8080")
	keys, err := keyfunc.NewDefault([]string{issuer + "/.well-known/jwks.json"})
	if err != nil {
		log.Fatal(err)
	}
	parser := jwt.NewParser(
		jwt.WithValidMethods([]string{"RS256"}),
		jwt.WithIssuer(issuer),
		jwt.WithAudience("https://notes.example"),
		jwt.WithExpirationRequired(),
	)
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		var of claims
		token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		if _, err := parser.ParseWithClaims(token, &of, keys.Keyfunc); err != nil {
			w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
			http.Error(w, err.Error(), http.StatusUnauthorized)
			return
		}
		if !slices.Contains(strings.Fields(of.Scope), "notes:read") {
			w.Header().Set("WWW-Authenticate", `Bearer error="insufficient_scope", scope="notes:read"`)
			http.Error(w, "insufficient scope", http.StatusForbidden)
			return
		}
		json.NewEncoder(w).Encode(map[string]any{"client_id": of.ClientID, "notes": []string{"Buy milk"}})
	})
	log.Fatal(http.ListenAndServe("localhost:"+env("PORT", "4000"), nil))
}

func env(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}
