# Was die Seiten sagen, auf Deutsch.

## Everywhere

request-id = Anfrage { $id }
yes = ja
no = nein
list-comma = { ", " }
pair = { $name }: { $value }
membership = { $org }: { $role }
place-device = auf diesem Gerät ({ $host })
place-app = App auf diesem Gerät ({ $scheme })
unverified = Nicht geprüft: Niemand bei { $brand } hat geprüft, wer hinter dieser App steht.
website = Website
privacy-policy = Datenschutz
terms = Nutzungsbedingungen
back-to = Zurück zu { $app }
go-on = Weiter
cancel = Abbrechen
error-title = Fehler: { $title }
form-expired = Diese Seite war zu lange offen, deshalb ist nichts geschehen. Sie können einfach weitermachen.

month = { $count ->
    [1] Januar
    [2] Februar
    [3] März
    [4] April
    [5] Mai
    [6] Juni
    [7] Juli
    [8] August
    [9] September
    [10] Oktober
    [11] November
   *[12] Dezember
}
date = { $day }. { $month } { $year }
date-of-year = { $day }. { $month }

ago-now = gerade eben
ago-minutes = { $count ->
    [one] vor einer Minute
   *[other] vor { $count } Minuten
}
ago-hours = { $count ->
    [one] vor einer Stunde
   *[other] vor { $count } Stunden
}
ago-days = { $count ->
    [one] vor einem Tag
   *[other] vor { $count } Tagen
}
wait-seconds = { $count ->
    [one] Versuchen Sie es in einer Sekunde noch einmal.
   *[other] Versuchen Sie es in { $count } Sekunden noch einmal.
}
wait-minutes = { $count ->
    [one] Versuchen Sie es in einer Minute noch einmal.
   *[other] Versuchen Sie es in { $count } Minuten noch einmal.
}
wait-hours = { $count ->
    [one] Versuchen Sie es in einer Stunde noch einmal.
   *[other] Versuchen Sie es in { $count } Stunden noch einmal.
}

## Sign in

sign-in = Anmelden
login-for = weiter zu { $app }
login-for-account = um Ihr Konto zu sehen
login-username = Benutzername oder E-Mail-Adresse
login-password = Passwort
password-show = Anzeigen
password-hide = Verbergen
password-shown = Das Passwort ist zu sehen
login-wrong = Der Benutzername oder das Passwort stimmt nicht.
login-throttled = Das waren zu viele Versuche.
login-busy = Gerade melden sich sehr viele Menschen an. Bitte versuchen Sie es gleich noch einmal.
login-no-cookie = Ihr Browser hat kein Cookie geschickt, und ohne eines kann sich niemand anmelden. Bitte erlauben Sie Cookies für diese Website und versuchen Sie es noch einmal.
login-unsaved = Sie waren nicht mehr angemeldet, deshalb wurde nichts geändert. Bitte melden Sie sich wieder an.
login-other-account = Bitte melden Sie sich mit dem Konto an, das die App erwartet.

## Consent

consent-to-know = { $app } möchte wissen, wer Sie sind
consent-to-act = { $app } möchte Zugriff
consent-signed-in-as = Sie sind angemeldet als
consent-other-account = Anderes Konto verwenden
consent-list = Wenn Sie es erlauben, kann { $app }:
consent-organisation = In welcher Organisation?
consent-organisation-hint = { $app } erfährt nur die Organisation, die Sie wählen.
consent-organisation-bound = Der Zugriff gilt nur in der Organisation, die Sie wählen.
consent-nothing-more = Keine weiteren Rechte
consent-allow = Erlauben
consent-deny = Ablehnen
consent-remembered = Ihre Antwort wird gespeichert. In Ihrem Konto können Sie sie jederzeit zurücknehmen.
consent-no-choice = Bitte wählen Sie eine Organisation.
consent-changed = Was die App bekommen kann, hat sich geändert, seit diese Seite geöffnet wurde. Bitte sehen Sie noch einmal hin.
scope-openid = Wissen, wer Sie sind
scope-profile = Ihren Namen und Ihr Profil sehen
scope-email = Ihre E-Mail-Adresse sehen
scope-address = Ihre Postanschrift sehen
scope-phone = Ihre Telefonnummer sehen
scope-orgs = Ihre Organisationen und Ihre Rolle in jeder sehen
scope-offline-access = Verbunden bleiben, auch wenn Sie hier abgemeldet sind
scope-other = „{ $scope }“ verwenden
scope-claim = Eine weitere Angabe sehen: { $claim }
scope-org = In der Organisation { $org } handeln
permission = Mit „{ $things }“ arbeiten
permission-in = Mit „{ $things }“ in { $api } arbeiten
action-read = lesen
action-list = auflisten
action-create = anlegen
action-update = ändern
action-write = schreiben
action-delete = löschen
told-and-more = { $count ->
    [one] { $first } und eine weitere Angabe
   *[other] { $first } und { $count } weitere Angaben
}
told-confirmed = { $value } (bestätigt)
told-unconfirmed = { $value } (nicht bestätigt)
claim-sub = Kennung des Kontos
claim-name = Name
claim-given-name = Vorname
claim-family-name = Nachname
claim-middle-name = zweiter Vorname
claim-nickname = Spitzname
claim-preferred-username = Benutzername
claim-profile = Profilseite
claim-picture = Bild
claim-website = Website
claim-email = E-Mail-Adresse
claim-gender = Geschlecht
claim-birthdate = Geburtsdatum
claim-zoneinfo = Zeitzone
claim-locale = Sprache
claim-phone-number = Telefonnummer
claim-address = Postanschrift
claim-updated-at = letzte Änderung
claim-organizations = Organisationen
claim-auth-time = Zeitpunkt der Anmeldung
claim-acr = Art der Anmeldung

## Pick an account

pick-account = Konto wählen
pick-account-other = Anderes Konto verwenden

## Sign out

sign-out-question = Abmelden?
sign-out-what = Sie werden in diesem Browser bei { $brand } abgemeldet. Apps, die Sie offen haben, lassen Sie vielleicht noch eine Weile angemeldet.
sign-out-asked-by = { $app } bittet Sie, sich abzumelden.
sign-out-signed-in-as = Sie sind angemeldet als
sign-out = Abmelden
sign-out-stay = Angemeldet bleiben
signing-out = Sie werden abgemeldet
signing-out-what = Die Apps, die Sie benutzt haben, erfahren es gerade. Das dauert einen Moment.
signed-out = Sie sind abgemeldet
signed-out-what = In diesem Browser ist niemand mehr bei { $brand } angemeldet. Schließen Sie auch das Fenster, wenn andere diesen Computer benutzen.
signed-out-again = Wieder anmelden

## Back to the app, by a form

form-post = Zurück zu { $app }
form-post-what = Wenn nichts geschieht, drücken Sie den Knopf.

## Your account

account = Ihr Konto
account-sign-out = Abmelden
account-username = Benutzername
account-name = Name
account-given-name = Vorname
account-family-name = Nachname
account-email = E-Mail-Adresse
account-phone-number = Telefonnummer
account-address = Postanschrift
account-organisations = Organisationen
account-edit = Angaben ändern
account-edit-what = Apps, die diese Angaben sehen dürfen, sehen dann die neuen.
account-save = Speichern
account-password = Passwort
account-password-what = Ein neues Passwort meldet Sie überall sonst ab und beendet den Zugriff aller Apps.
account-current-password = Bisheriges Passwort
account-new-password = Neues Passwort
account-change-password = Passwort ändern
account-sessions = Wo Sie angemeldet sind
account-sessions-everywhere = Überall sonst abmelden
account-sessions-everywhere-what = Beendet auch den Zugriff aller Apps.
account-apps = Apps mit Zugriff
account-no-apps = Keine App hat Zugriff auf Ihr Konto.
account-end-session = Abmelden
account-end-session-of = Abmelden: { $browser }
account-end-access = Zugriff beenden
account-end-access-of = Zugriff beenden: { $app }
account-details-changed = Ihre Angaben sind gespeichert.
account-password-changed = Ihr Passwort ist geändert. Sie sind überall sonst abgemeldet, und keine App hat mehr Zugriff.
account-session-ended = Der andere Browser ist abgemeldet.
account-access-ended = Die App hat keinen Zugriff mehr auf Ihr Konto.
account-signed-out-elsewhere = Sie sind überall sonst abgemeldet, und keine App hat mehr Zugriff.
account-wrong-password = Das bisherige Passwort stimmt nicht.
account-too-short = { $count ->
    [one] Das neue Passwort ist zu kurz: Es braucht mindestens ein Zeichen.
   *[other] Das neue Passwort ist zu kurz: Es braucht mindestens { $count } Zeichen.
}
account-too-long = { $count ->
    [one] Das neue Passwort ist zu lang: Es darf höchstens ein Zeichen haben.
   *[other] Das neue Passwort ist zu lang: Es darf höchstens { $count } Zeichen haben.
}
account-unfit-detail = Das muss einfacher Text sein: höchstens 200 Zeichen je Zeile und höchstens 10 Zeilen.
account-not-a-phone-number = Das ist keine Telefonnummer. Sie kann so aussehen: +49 30 23125 000.
account-too-much = Das ist mehr, als gespeichert werden kann. Bitte kürzen Sie es.
account-not-saved = Das konnte nicht gespeichert werden, und der Grund liegt in etwas anderem, was über Sie gespeichert ist. Bitte sagen Sie es den Betreibern von { $brand }, mit der Nummer am Fuß dieser Seite.
account-expired = Diese Seite war zu lange offen, deshalb ist nichts geschehen. Bitte versuchen Sie es noch einmal.
session-current = Dieser Browser
session-seen = Zuletzt gesehen { $ago }
session-since = angemeldet { $ago }
browser-on = { $browser } auf { $system }
browser-unknown = Unbekannter Browser
app-since = Zugriff gegeben { $ago }
app-organisations = In: { $orgs }
app-offline = Bleibt verbunden, wenn Sie abgemeldet sind

## Something went wrong

authorization-error = Fehler in der Anfrage der App
authorization-error-what = Die App, die Sie hierher geschickt hat, hat eine Anfrage gestellt, die sich nicht beantworten lässt.
sign-out-error = Fehler beim Abmelden
sign-out-error-what = Die App hat so um Ihre Abmeldung gebeten, dass wir ihr nicht folgen können.
nothing-asked = Hier geht nichts weiter
nothing-asked-what = Diese Seite führt die Anfrage einer App weiter, und in ihrer Adresse ist keine genannt.
no-cookies = Ihr Browser behält keine Cookies
no-cookies-what = Ohne Cookie kann { $brand } Ihren Browser nicht von anderen unterscheiden, und niemand kann sich anmelden.
request-gone = Das hat zu lange gedauert
request-gone-what = Die Anfrage der App wartet hier schon so lange, dass sie nicht mehr gilt.
form-refused = Dieses Formular wurde nicht angenommen
form-refused-what = Das Formular war zu alt, oder es kam nicht von einer Seite von { $brand }.
not-found = Diese Seite gibt es nicht
not-found-what = Unter dieser Adresse ist nichts.
unreadable = Das konnte nicht gelesen werden
unreadable-what = Ihr Browser hat etwas anderes geschickt, als diese Seite erwartet.
busy = Gerade zu viel los
busy-what = Zu viele Menschen brauchen diese Seite gleichzeitig.
failed = Etwas ist schiefgegangen
failed-what = Der Fehler liegt bei uns, nicht bei Ihnen.
lost-nothing = Es ist nichts verloren.
lost-nothing-shared = Es ist nichts verloren, und die App hat nichts über Sie erfahren.
lost-nothing-changed = Es wurde nichts geändert.
lost-still-signed-in = Es wurde nichts geändert: Wenn Sie angemeldet waren, sind Sie es noch.
lost-last-step = Ihr letzter Schritt wurde vielleicht nicht gespeichert. Alles davor schon.
next-ask-the-app = Gehen Sie zurück zur App und versuchen Sie es noch einmal. Wenn Sie wieder hier landen, sagen Sie es den Betreibern der App.
next-sign-out-here = Sie können sich auf der Seite Ihres Kontos abmelden.
next-go-on = Sie können hier weitermachen: Die Anfrage der App beginnt dann von vorn.
next-allow-cookies = Bitte erlauben Sie Cookies für diese Website und machen Sie dann weiter.
next-begin-in-the-app = Gehen Sie zurück zur App und beginnen Sie noch einmal.
next-open-again = Öffnen Sie die Seite noch einmal und wiederholen Sie den letzten Schritt.
next-check-address = Prüfen Sie die Adresse, oder gehen Sie zu Ihrem Konto.
next-wait = Warten Sie einen Moment und laden Sie die Seite dann noch einmal.
next-try-later = Versuchen Sie es gleich noch einmal. Wenn es wieder geschieht, sagen Sie es den Betreibern von { $brand }, mit der Nummer am Fuß dieser Seite.
to-account = Ihr Konto
for-developers = Für die Entwickler dieser App
developer-error = Fehler
developer-description = Beschreibung
developer-change = Was zu ändern ist
developer-more = Alles über diesen Fehler
