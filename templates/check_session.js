// Tells an app's page in which this one is framed whether the session there is still the one it knows
// (OpenID Connect Session Management 1.0, 3.2).
(function () {
  const cookie = document.currentScript.getAttribute("data-cookie") + "=";

  function browserState() {
    const found = document.cookie.split("; ").filter(function (pair) { return pair.indexOf(cookie) === 0; });
    return found.length === 0 ? "" : found[0].slice(cookie.length);
  }

  // Whose page this one is framed in, where the browser says it. Another site's word never matches the hash either.
  function parentOrigin() {
    if (location.ancestorOrigins && location.ancestorOrigins.length > 0) {
      return location.ancestorOrigins[0];
    }
    return document.referrer ? new URL(document.referrer).origin : "";
  }

  function byHash(clientId, origin, hash, salt) {
    const text = [clientId, origin, browserState(), salt].join(" ");
    return new Promise(function (resolve) {
      resolve(crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
    }).then(function (own) {
      const encoded = btoa(String.fromCharCode.apply(null, new Uint8Array(own)));
      const plain = encoded.replace(/\+/g, "-").replace(/\//g, "_").replace(/=/g, "");
      return plain === hash ? "unchanged" : "changed";
    });
  }

  // Browsers hash for no page inside one that is not secure, and some not at all: then the server does.
  function byServer(clientId, origin, hash, salt) {
    const told = [["client_id", clientId], ["origin", origin], ["session_state", hash + "." + salt]];
    const query = told.map(function (pair) { return pair[0] + "=" + encodeURIComponent(pair[1]); }).join("&");
    return new Promise(function (resolve, reject) {
      const request = new XMLHttpRequest();
      request.open("GET", location.pathname + "/state?" + query);
      request.onload = function () {
        if (request.status === 200) {
          resolve(request.responseText);
        } else {
          reject();
        }
      };
      request.onerror = reject;
      request.send();
    });
  }

  function judge(message, origin) {
    const parts = typeof message === "string" ? /^(\S+) ([\w-]+)\.([\w-]+)$/.exec(message) : null;
    if (!parts) {
      return Promise.resolve("error");
    }
    // Any site can work out what "nobody is signed in" hashes to: it learns nothing by asking.
    if (browserState() === "") {
      return Promise.resolve("changed");
    }
    return byHash(parts[1], origin, parts[2], parts[3]).catch(function () {
      return byServer(parts[1], origin, parts[2], parts[3]);
    });
  }

  addEventListener("message", function (event) {
    const parent = parentOrigin();
    if (!event.source || event.origin === "null" || (parent && parent !== event.origin)) {
      return;
    }
    function answer(word) {
      event.source.postMessage(word, event.origin);
    }
    judge(event.data, event.origin).then(answer, function () { answer("error"); });
  });
})();
