// An app that people sign in to, with Nimbus' oauth2-oidc-sdk and nothing else.
import com.nimbusds.oauth2.sdk.*;
import com.nimbusds.oauth2.sdk.auth.*;
import com.nimbusds.oauth2.sdk.id.*;
import com.nimbusds.oauth2.sdk.pkce.*;
import com.nimbusds.oauth2.sdk.token.*;
import com.nimbusds.openid.connect.sdk.*;
import com.nimbusds.openid.connect.sdk.op.OIDCProviderMetadata;
import com.nimbusds.openid.connect.sdk.rp.OIDCClientInformation;
import com.nimbusds.openid.connect.sdk.rp.OIDCClientMetadata;
import com.nimbusds.openid.connect.sdk.token.OIDCTokens;
import com.nimbusds.openid.connect.sdk.validators.IDTokenValidator;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;

public class App {
    static class Session {
        final State state = new State();
        final Nonce nonce = new Nonce();
        final CodeVerifier verifier = new CodeVerifier();
        OIDCTokens tokens;
        Subject subject;
    }

    interface Page {
        void answer(HttpExchange exchange, Session session) throws Exception;
    }

    static String env(String name, String otherwise) {
        return System.getenv().getOrDefault(name, otherwise);
    }

    final String here = "http://localhost:" + env("PORT", "3000");
    final URI callback = URI.create(here + "/callback");
    final ClientID id = new ClientID(env("CLIENT_ID", ""));
    final ClientAuthentication proof = new ClientSecretBasic(id, new Secret(env("CLIENT_SECRET", "")));
    final Map<String, Session> sessions = new ConcurrentHashMap<>();
    final OIDCProviderMetadata provider;
    final IDTokenValidator validator;

    App() throws Exception {
        provider = OIDCProviderMetadata.resolve(new Issuer(env("ISSUER", "http://localhost:8080")));
        var metadata = new OIDCClientMetadata();
        metadata.applyDefaults();
        validator = IDTokenValidator.create(provider, new OIDCClientInformation(id, metadata));
    }

    public static void main(String[] arguments) throws Exception {
        var app = new App();
        var server = HttpServer.create(new InetSocketAddress("localhost", Integer.parseInt(env("PORT", "3000"))), 0);
        app.serve(server, "/", app::signIn);
        app.serve(server, "/callback", app::callback);
        app.serve(server, "/refresh", app::refresh);
        app.serve(server, "/sign-out", app::signOut);
        app.serve(server, "/signed-out", (exchange, session) -> say(exchange, 200, "You are signed out of both"));
        server.start();
    }

    void signIn(HttpExchange exchange, Session ignored) throws Exception {
        var session = new Session();
        var name = UUID.randomUUID().toString();
        sessions.put(name, session);
        var scope = new Scope("openid", "profile", "email", "offline_access");
        var to = new AuthenticationRequest.Builder(ResponseType.CODE, scope, id, callback)
            .endpointURI(provider.getAuthorizationEndpointURI())
            .state(session.state)
            .nonce(session.nonce)
            .codeChallenge(session.verifier, CodeChallengeMethod.S256)
            .build()
            .toURI();
        exchange.getResponseHeaders().set("Set-Cookie", "id=" + name + "; HttpOnly; SameSite=Lax; Path=/");
        redirect(exchange, to);
    }

    void callback(HttpExchange exchange, Session session) throws Exception {
        var answer = AuthenticationResponseParser.parse(URI.create(here + exchange.getRequestURI()));
        if (!session.state.equals(answer.getState())) throw new GeneralException("this answer belongs to another sign-in");
        if (!answer.indicatesSuccess()) throw new GeneralException(answer.toErrorResponse().getErrorObject().toString());
        if (!provider.getIssuer().equals(answer.getIssuer())) throw new GeneralException("this answer is of another server");
        var code = answer.toSuccessResponse().getAuthorizationCode();
        var tokens = exchangeForTokens(new AuthorizationCodeGrant(code, callback, session.verifier));
        session.subject = validator.validate(tokens.getIDToken(), session.nonce).getSubject();
        session.tokens = tokens;
        showUser(exchange, session);
    }

    void refresh(HttpExchange exchange, Session session) throws Exception {
        session.tokens = exchangeForTokens(new RefreshTokenGrant(session.tokens.getRefreshToken()));
        showUser(exchange, session);
    }

    void signOut(HttpExchange exchange, Session session) throws Exception {
        var after = URI.create(here + "/signed-out");
        redirect(exchange, new LogoutRequest(provider.getEndSessionEndpointURI(), session.tokens.getIDToken(), after, null).toURI());
    }

    OIDCTokens exchangeForTokens(AuthorizationGrant grant) throws Exception {
        var request = new TokenRequest.Builder(provider.getTokenEndpointURI(), proof, grant).build();
        var answer = OIDCTokenResponseParser.parse(request.toHTTPRequest().send());
        if (!answer.indicatesSuccess()) throw new GeneralException(answer.toErrorResponse().getErrorObject().toString());
        return ((OIDCTokenResponse) answer.toSuccessResponse()).getOIDCTokens();
    }

    void showUser(HttpExchange exchange, Session session) throws Exception {
        var request = new UserInfoRequest(provider.getUserInfoEndpointURI(), session.tokens.getBearerAccessToken());
        var answer = UserInfoResponse.parse(request.toHTTPRequest().send());
        if (!answer.indicatesSuccess()) throw new GeneralException(answer.toErrorResponse().getErrorObject().toString());
        var user = answer.toSuccessResponse().getUserInfo();
        if (!user.getSubject().equals(session.subject)) throw new GeneralException("these are somebody else's claims");
        exchange.getResponseHeaders().set("Content-Type", "application/json");
        say(exchange, 200, user.toJSONString());
    }

    void serve(HttpServer server, String path, Page page) {
        server.createContext(path, exchange -> {
            try {
                // This server gives a page all that is below it, and the first page so everything.
                if (!exchange.getRequestURI().getPath().equals(path)) {
                    say(exchange, 404, "");
                    return;
                }
                var cookie = exchange.getRequestHeaders().getFirst("Cookie");
                page.answer(exchange, sessions.get(cookie == null ? "" : cookie.replaceAll(".*\\bid=([^;]*).*", "$1")));
            } catch (Exception error) {
                say(exchange, 400, String.valueOf(error.getMessage()));
            }
        });
    }

    static void redirect(HttpExchange exchange, URI to) throws Exception {
        exchange.getResponseHeaders().set("Location", to.toString());
        say(exchange, 303, "");
    }

    static void say(HttpExchange exchange, int status, String text) throws java.io.IOException {
        var bytes = text.getBytes(StandardCharsets.UTF_8);
        exchange.sendResponseHeaders(status, bytes.length == 0 ? -1 : bytes.length);
        exchange.getResponseBody().write(bytes);
        exchange.close();
    }
}
