// An app that people sign in to, with github.com/coreos/go-oidc and golang.org/x/oauth2.
package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"log"
	"net/http"
	"net/url"
	"os"
	"sync"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

type session struct {
	state, nonce, verifier string
	tokens                 *oauth2.Token
	idToken, subject       string
}

type app struct {
	here       string
	provider   *oidc.Provider
	verifier   *oidc.IDTokenVerifier
	config     oauth2.Config
	endSession string
	sessions   sync.Map
}

func main() {
	here := "http://localhost:" + env("PORT", "3000")
	provider, err := oidc.NewProvider(context.Background(), env("ISSUER", "http://localhost:8080"))
	if err != nil {
		log.Fatal(err)
	}
	var more struct {
		EndSession string `json:"end_session_endpoint"`
	}
	if err := provider.Claims(&more); err != nil {
		log.Fatal(err)
	}
	a := &app{
		here:       here,
		provider:   provider,
		verifier:   provider.Verifier(&oidc.Config{ClientID: os.Getenv("CLIENT_ID")}),
		endSession: more.EndSession,
		config: oauth2.Config{
			ClientID:     os.Getenv("CLIENT_ID"),
			ClientSecret: os.Getenv("CLIENT_SECRET"),
			Endpoint:     provider.Endpoint(),
			RedirectURL:  here + "/callback",
			Scopes:       []string{oidc.ScopeOpenID, "profile", "email", oidc.ScopeOfflineAccess},
		},
	}
	http.HandleFunc("/{$}", a.signIn)
	http.HandleFunc("/callback", a.withSession(a.callback))
	http.HandleFunc("/refresh", a.withSession(a.refresh))
	http.HandleFunc("/sign-out", a.withSession(a.signOut))
	http.HandleFunc("/signed-out", func(w http.ResponseWriter, _ *http.Request) {
		w.Write([]byte("You are signed out of both"))
	})
	log.Fatal(http.ListenAndServe("localhost:"+env("PORT", "3000"), nil))
}

func (a *app) signIn(w http.ResponseWriter, r *http.Request) {
	s := &session{state: rand.Text(), nonce: rand.Text(), verifier: oauth2.GenerateVerifier()}
	id := rand.Text()
	a.sessions.Store(id, s)
	http.SetCookie(w, &http.Cookie{Name: "id", Value: id, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
	to := a.config.AuthCodeURL(s.state, oidc.Nonce(s.nonce), oauth2.S256ChallengeOption(s.verifier))
	http.Redirect(w, r, to, http.StatusSeeOther)
}

func (a *app) callback(w http.ResponseWriter, r *http.Request, s *session) error {
	if r.FormValue("state") != s.state {
		return errors.New("this answer belongs to another sign-in")
	}
	tokens, err := a.config.Exchange(r.Context(), r.FormValue("code"), oauth2.VerifierOption(s.verifier))
	if err != nil {
		return err
	}
	raw, _ := tokens.Extra("id_token").(string)
	idToken, err := a.verifier.Verify(r.Context(), raw)
	if err != nil {
		return err
	}
	if idToken.Nonce != s.nonce {
		return errors.New("this ID token belongs to another sign-in")
	}
	if err := idToken.VerifyAccessToken(tokens.AccessToken); err != nil {
		return err
	}
	s.tokens, s.idToken, s.subject = tokens, raw, idToken.Subject
	return a.showUser(w, r, s)
}

func (a *app) refresh(w http.ResponseWriter, r *http.Request, s *session) error {
	old := &oauth2.Token{RefreshToken: s.tokens.RefreshToken}
	tokens, err := a.config.TokenSource(r.Context(), old).Token()
	if err != nil {
		return err
	}
	s.tokens = tokens
	return a.showUser(w, r, s)
}

func (a *app) signOut(w http.ResponseWriter, r *http.Request, s *session) error {
	to := url.Values{"id_token_hint": {s.idToken}, "post_logout_redirect_uri": {a.here + "/signed-out"}}
	http.Redirect(w, r, a.endSession+"?"+to.Encode(), http.StatusSeeOther)
	return nil
}

func (a *app) showUser(w http.ResponseWriter, r *http.Request, s *session) error {
	info, err := a.provider.UserInfo(r.Context(), oauth2.StaticTokenSource(s.tokens))
	if err != nil {
		return err
	}
	if info.Subject != s.subject {
		return errors.New("these are somebody else's claims")
	}
	var user map[string]any
	if err := info.Claims(&user); err != nil {
		return err
	}
	return json.NewEncoder(w).Encode(user)
}

func (a *app) withSession(page func(http.ResponseWriter, *http.Request, *session) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		err := errors.New("no sign-in was begun here")
		if cookie, _ := r.Cookie("id"); cookie != nil {
			if known, ok := a.sessions.Load(cookie.Value); ok {
				err = page(w, r, known.(*session))
			}
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
		}
	}
}

func env(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}
