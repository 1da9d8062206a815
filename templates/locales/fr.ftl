# Ce que disent les pages, en français.

## Everywhere

request-id = Requête { $id }
yes = oui
no = non
list-comma = { ", " }
pair = { $name } : { $value }
membership = { $org } : { $role }
place-device = sur cet appareil ({ $host })
place-app = application sur cet appareil ({ $scheme })
unverified = Non vérifiée : personne chez { $brand } n’a vérifié qui se trouve derrière cette application.
website = Site web
privacy-policy = Confidentialité
terms = Conditions d’utilisation
back-to = Retour à { $app }
go-on = Continuer
cancel = Annuler
error-title = Erreur : { $title }
form-expired = Cette page est restée ouverte trop longtemps, donc rien n’a été fait. Vous pouvez simplement continuer.

month = { $count ->
    [1] janvier
    [2] février
    [3] mars
    [4] avril
    [5] mai
    [6] juin
    [7] juillet
    [8] août
    [9] septembre
    [10] octobre
    [11] novembre
   *[12] décembre
}
date = { $day ->
    [1] 1er
   *[other] { $day }
} { $month } { $year }
date-of-year = { $day ->
    [1] 1er
   *[other] { $day }
} { $month }

ago-now = à l’instant
ago-minutes = { $count ->
    [one] il y a { $count } minute
   *[other] il y a { $count } minutes
}
ago-hours = { $count ->
    [one] il y a { $count } heure
   *[other] il y a { $count } heures
}
ago-days = { $count ->
    [one] il y a { $count } jour
   *[other] il y a { $count } jours
}
wait-seconds = { $count ->
    [one] Réessayez dans { $count } seconde.
   *[other] Réessayez dans { $count } secondes.
}
wait-minutes = { $count ->
    [one] Réessayez dans { $count } minute.
   *[other] Réessayez dans { $count } minutes.
}
wait-hours = { $count ->
    [one] Réessayez dans { $count } heure.
   *[other] Réessayez dans { $count } heures.
}

## Sign in

sign-in = Se connecter
login-for = pour continuer vers { $app }
login-for-account = pour voir votre compte
login-username = Nom d’utilisateur ou adresse e-mail
login-password = Mot de passe
password-show = Afficher
password-hide = Masquer
password-shown = Le mot de passe est affiché
login-wrong = Le nom d’utilisateur ou le mot de passe n’est pas correct.
login-throttled = Il y a eu trop d’essais.
login-busy = Beaucoup de personnes se connectent en ce moment. Veuillez réessayer dans un instant.
login-no-cookie = Votre navigateur n’a envoyé aucun cookie, et sans cookie personne ne peut se connecter. Veuillez autoriser les cookies pour ce site, puis réessayer.
login-unsaved = Vous n’étiez plus connecté, donc rien n’a été modifié. Veuillez vous reconnecter.
login-other-account = Veuillez vous connecter avec le compte que l’application attend.

## Consent

consent-to-know = { $app } souhaite savoir qui vous êtes
consent-to-act = { $app } demande un accès
consent-signed-in-as = Vous êtes connecté en tant que
consent-other-account = Utiliser un autre compte
consent-list = Si vous l’autorisez, { $app } peut :
consent-organisation = Dans quelle organisation ?
consent-organisation-hint = { $app } ne connaîtra que l’organisation que vous choisissez.
consent-organisation-bound = L’accès ne vaut que dans l’organisation que vous choisissez.
consent-nothing-more = Aucun autre droit
consent-allow = Autoriser
consent-deny = Refuser
consent-remembered = Votre réponse est retenue. Vous pouvez la retirer à tout moment dans votre compte.
consent-no-choice = Veuillez choisir une organisation.
consent-changed = Ce que l’application peut obtenir a changé depuis l’ouverture de cette page. Veuillez la relire.
scope-openid = Savoir qui vous êtes
scope-profile = Voir votre nom et votre profil
scope-email = Voir votre adresse e-mail
scope-address = Voir votre adresse postale
scope-phone = Voir votre numéro de téléphone
scope-orgs = Voir vos organisations et votre rôle dans chacune
scope-offline-access = Rester en lien, même quand vous êtes déconnecté ici
scope-other = Utiliser « { $scope } »
scope-claim = Voir une information de plus : { $claim }
scope-org = Agir dans l’organisation { $org }
permission = Travailler avec « { $things } »
permission-in = Travailler avec « { $things } » dans { $api }
action-read = lire
action-list = lister
action-create = créer
action-update = modifier
action-write = écrire
action-delete = supprimer
told-and-more = { $count ->
    [one] { $first } et { $count } autre information
   *[other] { $first } et { $count } autres informations
}
told-confirmed = { $value } (confirmé)
told-unconfirmed = { $value } (non confirmé)
claim-sub = identifiant du compte
claim-name = nom
claim-given-name = prénom
claim-family-name = nom de famille
claim-middle-name = deuxième prénom
claim-nickname = surnom
claim-preferred-username = nom d’utilisateur
claim-profile = page de profil
claim-picture = photo
claim-website = site web
claim-email = adresse e-mail
claim-gender = genre
claim-birthdate = date de naissance
claim-zoneinfo = fuseau horaire
claim-locale = langue
claim-phone-number = numéro de téléphone
claim-address = adresse postale
claim-updated-at = dernière modification
claim-organizations = organisations
claim-auth-time = moment de la connexion
claim-acr = type de connexion

## Pick an account

pick-account = Choisir un compte
pick-account-other = Utiliser un autre compte

## Sign out

sign-out-question = Se déconnecter ?
sign-out-what = Vous serez déconnecté de { $brand } dans ce navigateur. Les applications ouvertes peuvent vous garder connecté un moment.
sign-out-asked-by = { $app } vous demande de vous déconnecter.
sign-out-signed-in-as = Vous êtes connecté en tant que
sign-out = Se déconnecter
sign-out-stay = Rester connecté
signing-out = Déconnexion en cours
signing-out-what = Les applications que vous avez utilisées en sont informées. Cela prend un instant.
signed-out = Vous êtes déconnecté
signed-out-what = Plus personne n’est connecté à { $brand } dans ce navigateur. Sur un ordinateur partagé, fermez aussi la fenêtre.
signed-out-again = Se reconnecter

## Back to the app, by a form

form-post = Retour à { $app }
form-post-what = Si rien ne se passe, appuyez sur le bouton.

## Your account

account = Votre compte
account-sign-out = Se déconnecter
account-username = Nom d’utilisateur
account-name = Nom
account-given-name = Prénom
account-family-name = Nom de famille
account-email = Adresse e-mail
account-phone-number = Numéro de téléphone
account-address = Adresse postale
account-organisations = Organisations
account-edit = Modifier vos informations
account-edit-what = Les applications qui peuvent voir ces informations verront les nouvelles.
account-save = Enregistrer
account-password = Mot de passe
account-password-what = Un nouveau mot de passe vous déconnecte partout ailleurs et met fin à l’accès de toutes les applications.
account-current-password = Mot de passe actuel
account-new-password = Nouveau mot de passe
account-change-password = Changer le mot de passe
account-sessions = Où vous êtes connecté
account-sessions-everywhere = Se déconnecter partout ailleurs
account-sessions-everywhere-what = Met aussi fin à l’accès de toutes les applications.
account-apps = Applications ayant accès
account-no-apps = Aucune application n’a accès à votre compte.
account-end-session = Déconnecter
account-end-session-of = Déconnecter : { $browser }
account-end-access = Retirer l’accès
account-end-access-of = Retirer l’accès : { $app }
account-details-changed = Vos informations sont enregistrées.
account-password-changed = Votre mot de passe est changé. Vous êtes déconnecté partout ailleurs, et plus aucune application n’a accès.
account-session-ended = L’autre navigateur est déconnecté.
account-access-ended = L’application n’a plus accès à votre compte.
account-signed-out-elsewhere = Vous êtes déconnecté partout ailleurs, et plus aucune application n’a accès.
account-wrong-password = Le mot de passe actuel n’est pas correct.
account-too-short = { $count ->
    [one] Le nouveau mot de passe est trop court : il faut au moins { $count } caractère.
   *[other] Le nouveau mot de passe est trop court : il faut au moins { $count } caractères.
}
account-too-long = { $count ->
    [one] Le nouveau mot de passe est trop long : { $count } caractère au plus.
   *[other] Le nouveau mot de passe est trop long : { $count } caractères au plus.
}
account-unfit-detail = Ce doit être du texte simple : 200 caractères par ligne et 10 lignes au maximum.
account-not-a-phone-number = Ce n’est pas un numéro de téléphone. Exemple : +33 1 99 00 12 34.
account-too-much = C’est plus que ce qui peut être conservé. Veuillez raccourcir.
account-not-saved = Ceci n’a pas pu être enregistré, à cause d’une autre information conservée à votre sujet. Veuillez prévenir les responsables de { $brand } en donnant le numéro au bas de cette page.
account-expired = Cette page est restée ouverte trop longtemps, donc rien n’a été fait. Veuillez réessayer.
session-current = Ce navigateur
session-seen = Vu { $ago }
session-since = connecté { $ago }
browser-on = { $browser } sur { $system }
browser-unknown = Navigateur inconnu
app-since = Accès donné { $ago }
app-organisations = Dans : { $orgs }
app-offline = Reste en lien quand vous êtes déconnecté

## Something went wrong

authorization-error = Erreur d’autorisation
authorization-error-what = L’application qui vous a envoyé ici a posé une question à laquelle il n’est pas possible de répondre.
sign-out-error = Erreur de déconnexion
sign-out-error-what = L’application a demandé votre déconnexion d’une façon qui ne peut pas être suivie.
nothing-asked = Il n’y a rien à continuer ici
nothing-asked-what = Cette page traite la demande d’une application, et son adresse n’en indique aucune.
no-cookies = Votre navigateur ne garde pas de cookies
no-cookies-what = Sans cookie, { $brand } ne peut pas distinguer votre navigateur des autres, et personne ne peut se connecter.
request-gone = Cela a pris trop de temps
request-gone-what = La demande de l’application attend ici depuis si longtemps qu’elle ne compte plus.
form-refused = Ce formulaire n’est pas passé
form-refused-what = Le formulaire était trop ancien, ou ne venait pas d’une page de { $brand }.
not-found = Cette page n’existe pas
not-found-what = Il n’y a rien à cette adresse.
unreadable = Ceci n’a pas pu être lu
unreadable-what = Votre navigateur a envoyé autre chose que ce que cette page attend.
busy = Trop de monde en ce moment
busy-what = Trop de personnes ont besoin de cette page à la fois.
failed = Quelque chose s’est mal passé
failed-what = L’erreur vient de nous, pas de vous.
lost-nothing = Rien n’est perdu.
lost-nothing-shared = Rien n’est perdu, et rien sur vous n’a été dit à l’application.
lost-nothing-changed = Rien n’a été modifié.
lost-still-signed-in = Rien n’a été modifié : si vous étiez connecté, vous l’êtes encore.
lost-last-step = Votre dernière action n’a peut-être pas été enregistrée. Tout ce qui précède l’est.
next-ask-the-app = Retournez à l’application et réessayez. Si vous revenez ici, prévenez les responsables de l’application.
next-sign-out-here = Vous pouvez vous déconnecter sur la page de votre compte.
next-go-on = Vous pouvez continuer ici : la demande de l’application recommence alors.
next-allow-cookies = Veuillez autoriser les cookies pour ce site, puis continuer.
next-begin-in-the-app = Retournez à l’application et recommencez.
next-open-again = Ouvrez la page de nouveau et répétez la dernière action.
next-check-address = Vérifiez l’adresse, ou allez à votre compte.
next-wait = Attendez un instant, puis rechargez la page.
next-try-later = Réessayez dans un instant. Si cela se reproduit, prévenez les responsables de { $brand } en donnant le numéro au bas de cette page.
to-account = Votre compte
for-developers = Pour les développeurs de cette application
developer-error = Erreur
developer-description = Description
developer-change = Ce qu’il faut changer
developer-more = Tout sur cette erreur
