# Lo que dicen las páginas, en español.

## Everywhere

request-id = Solicitud { $id }
yes = sí
no = no
list-comma = { ", " }
pair = { $name }: { $value }
membership = { $org }: { $role }
place-device = en este dispositivo ({ $host })
place-app = aplicación en este dispositivo ({ $scheme })
unverified = Sin verificar: nadie en { $brand } ha comprobado quién está detrás de esta aplicación.
website = Sitio web
privacy-policy = Privacidad
terms = Condiciones de uso
back-to = Volver a { $app }
go-on = Continuar
cancel = Cancelar
error-title = Error: { $title }
form-expired = Esta página estuvo abierta demasiado tiempo, así que no se ha hecho nada. Puedes continuar sin más.

month = { $count ->
    [1] enero
    [2] febrero
    [3] marzo
    [4] abril
    [5] mayo
    [6] junio
    [7] julio
    [8] agosto
    [9] septiembre
    [10] octubre
    [11] noviembre
   *[12] diciembre
}
date = { $day } de { $month } de { $year }
date-of-year = { $day } de { $month }

ago-now = ahora mismo
ago-minutes = { $count ->
    [one] hace un minuto
   *[other] hace { $count } minutos
}
ago-hours = { $count ->
    [one] hace una hora
   *[other] hace { $count } horas
}
ago-days = { $count ->
    [one] hace un día
   *[other] hace { $count } días
}
wait-seconds = { $count ->
    [one] Inténtalo de nuevo en un segundo.
   *[other] Inténtalo de nuevo en { $count } segundos.
}
wait-minutes = { $count ->
    [one] Inténtalo de nuevo en un minuto.
   *[other] Inténtalo de nuevo en { $count } minutos.
}
wait-hours = { $count ->
    [one] Inténtalo de nuevo en una hora.
   *[other] Inténtalo de nuevo en { $count } horas.
}

## Sign in

sign-in = Iniciar sesión
login-for = para continuar a { $app }
login-for-account = para ver tu cuenta
login-username = Nombre de usuario o correo electrónico
login-password = Contraseña
password-show = Mostrar
password-hide = Ocultar
password-shown = La contraseña está a la vista
login-wrong = El nombre de usuario o la contraseña no es correcto.
login-throttled = Ha habido demasiados intentos.
login-busy = Muchas personas están iniciando sesión ahora. Inténtalo de nuevo en un momento.
login-no-cookie = Tu navegador no ha enviado ninguna cookie, y sin ella nadie puede iniciar sesión. Permite las cookies de este sitio e inténtalo de nuevo.
login-unsaved = Ya no tenías la sesión iniciada, así que no se ha cambiado nada. Vuelve a iniciar sesión.
login-other-account = Inicia sesión con la cuenta que la aplicación espera.

## Consent

consent-to-know = { $app } quiere saber quién eres
consent-to-act = { $app } pide acceso
consent-signed-in-as = Has iniciado sesión como
consent-other-account = Usar otra cuenta
consent-list = Si lo permites, { $app } podrá:
consent-organisation = ¿En qué organización?
consent-organisation-hint = { $app } solo conocerá la organización que elijas.
consent-organisation-bound = El acceso solo vale en la organización que elijas.
consent-nothing-more = Ningún otro permiso
consent-allow = Permitir
consent-deny = Rechazar
consent-remembered = Tu respuesta se recuerda. Puedes retirarla en cualquier momento en tu cuenta.
consent-no-choice = Elige una organización.
consent-changed = Lo que la aplicación puede obtener ha cambiado desde que se abrió esta página. Vuelve a mirarlo.
scope-openid = Saber quién eres
scope-profile = Ver tu nombre y tu perfil
scope-email = Ver tu correo electrónico
scope-address = Ver tu dirección postal
scope-phone = Ver tu número de teléfono
scope-orgs = Ver tus organizaciones y tu rol en cada una
scope-offline-access = Seguir conectada, aunque hayas cerrado la sesión aquí
scope-other = Usar «{ $scope }»
scope-claim = Ver un dato más: { $claim }
scope-org = Actuar en la organización { $org }
permission = Trabajar con «{ $things }»
permission-in = Trabajar con «{ $things }» en { $api }
action-read = leer
action-list = listar
action-create = crear
action-update = cambiar
action-write = escribir
action-delete = eliminar
told-and-more = { $count ->
    [one] { $first } y un dato más
   *[other] { $first } y { $count } datos más
}
told-confirmed = { $value } (confirmado)
told-unconfirmed = { $value } (sin confirmar)
claim-sub = identificador de la cuenta
claim-name = nombre
claim-given-name = nombre de pila
claim-family-name = apellidos
claim-middle-name = segundo nombre
claim-nickname = apodo
claim-preferred-username = nombre de usuario
claim-profile = página de perfil
claim-picture = foto
claim-website = sitio web
claim-email = correo electrónico
claim-gender = género
claim-birthdate = fecha de nacimiento
claim-zoneinfo = zona horaria
claim-locale = idioma
claim-phone-number = número de teléfono
claim-address = dirección postal
claim-updated-at = último cambio
claim-organizations = organizaciones
claim-auth-time = momento del inicio de sesión
claim-acr = tipo de inicio de sesión

## Pick an account

pick-account = Elegir una cuenta
pick-account-other = Usar otra cuenta

## Sign out

sign-out-question = ¿Cerrar la sesión?
sign-out-what = Se cerrará tu sesión de { $brand } en este navegador. Las aplicaciones abiertas pueden mantener la suya un rato.
sign-out-asked-by = { $app } te pide que cierres la sesión.
sign-out-signed-in-as = Has iniciado sesión como
sign-out = Cerrar la sesión
sign-out-stay = Seguir con la sesión
signing-out = Cerrando la sesión
signing-out-what = Se está avisando a las aplicaciones que has usado. Tardará un momento.
signed-out = Has cerrado la sesión
signed-out-what = Ya no hay ninguna sesión de { $brand } en este navegador. En un ordenador compartido, cierra también la ventana.
signed-out-again = Volver a iniciar sesión

## Back to the app, by a form

form-post = Volver a { $app }
form-post-what = Si no ocurre nada, pulsa el botón.

## Your account

account = Tu cuenta
account-sign-out = Cerrar la sesión
account-username = Nombre de usuario
account-name = Nombre
account-given-name = Nombre de pila
account-family-name = Apellidos
account-email = Correo electrónico
account-phone-number = Número de teléfono
account-address = Dirección postal
account-organisations = Organizaciones
account-edit = Cambiar tus datos
account-edit-what = Las aplicaciones que pueden ver estos datos verán los nuevos.
account-save = Guardar
account-password = Contraseña
account-password-what = Una contraseña nueva cierra tus demás sesiones y termina el acceso de todas las aplicaciones.
account-current-password = Contraseña actual
account-new-password = Contraseña nueva
account-change-password = Cambiar la contraseña
account-sessions = Dónde has iniciado sesión
account-sessions-everywhere = Cerrar las demás sesiones
account-sessions-everywhere-what = Termina también el acceso de todas las aplicaciones.
account-apps = Aplicaciones con acceso
account-no-apps = Ninguna aplicación tiene acceso a tu cuenta.
account-end-session = Cerrar
account-end-session-of = Cerrar la sesión: { $browser }
account-end-access = Quitar el acceso
account-end-access-of = Quitar el acceso: { $app }
account-details-changed = Tus datos están guardados.
account-password-changed = Tu contraseña ha cambiado. Tus demás sesiones están cerradas y ninguna aplicación tiene ya acceso.
account-session-ended = Esa sesión está cerrada.
account-access-ended = Esa aplicación ya no tiene acceso a tu cuenta.
account-signed-out-elsewhere = Tus demás sesiones están cerradas y ninguna aplicación tiene ya acceso.
account-wrong-password = La contraseña actual no es correcta.
account-too-short = { $count ->
    [one] La contraseña nueva es demasiado corta: necesita al menos un carácter.
   *[other] La contraseña nueva es demasiado corta: necesita al menos { $count } caracteres.
}
account-too-long = { $count ->
    [one] La contraseña nueva es demasiado larga: puede tener un carácter como máximo.
   *[other] La contraseña nueva es demasiado larga: puede tener { $count } caracteres como máximo.
}
account-unfit-detail = Debe ser texto sin formato: 200 caracteres por línea y 10 líneas como máximo.
account-not-a-phone-number = Esto no es un número de teléfono. Ejemplo: +34 910 12 34 56.
account-too-much = Es más de lo que se puede guardar. Acórtalo, por favor.
account-not-saved = No se ha podido guardar, y la causa está en otro dato que se conserva sobre ti. Díselo a los responsables de { $brand } con el número que está al pie de esta página.
account-expired = Esta página estuvo abierta demasiado tiempo, así que no se ha hecho nada. Inténtalo de nuevo.
session-current = Este navegador
session-seen = Último uso: { $ago }
session-since = sesión iniciada { $ago }
browser-on = { $browser } en { $system }
browser-unknown = Navegador desconocido
app-since = Acceso dado { $ago }
app-organisations = En: { $orgs }
app-offline = Sigue conectada aunque cierres la sesión

## Something went wrong

authorization-error = Error de autorización
authorization-error-what = La aplicación que te ha enviado aquí ha preguntado de una forma que no se puede responder.
sign-out-error = Error al cerrar la sesión
sign-out-error-what = La aplicación ha pedido cerrar tu sesión de una forma que no se puede seguir.
nothing-asked = Aquí no hay nada que continuar
nothing-asked-what = Esta página atiende la solicitud de una aplicación, y su dirección no indica ninguna.
no-cookies = Tu navegador no guarda cookies
no-cookies-what = Sin una cookie, { $brand } no puede distinguir tu navegador de otros, y nadie puede iniciar sesión.
request-gone = Esto ha tardado demasiado
request-gone-what = La solicitud de la aplicación lleva aquí tanto tiempo que ya no vale.
form-refused = Este formulario no ha llegado bien
form-refused-what = El formulario era demasiado antiguo, o no venía de una página de { $brand }.
not-found = Esta página no existe
not-found-what = No hay nada en esta dirección.
unreadable = Esto no se ha podido leer
unreadable-what = Tu navegador ha enviado algo distinto de lo que esta página espera.
busy = Demasiada gente ahora
busy-what = Demasiadas personas necesitan esta página a la vez.
failed = Algo ha salido mal
failed-what = El error es nuestro, no tuyo.
lost-nothing = No se ha perdido nada.
lost-nothing-shared = No se ha perdido nada, y a la aplicación no se le ha dicho nada de ti.
lost-nothing-changed = No se ha cambiado nada.
lost-still-signed-in = No se ha cambiado nada: si tenías la sesión iniciada, la sigues teniendo.
lost-last-step = Puede que tu último paso no se haya guardado. Todo lo anterior, sí.
next-ask-the-app = Vuelve a la aplicación e inténtalo de nuevo. Si llegas aquí otra vez, díselo a los responsables de la aplicación.
next-sign-out-here = Puedes cerrar la sesión en la página de tu cuenta.
next-go-on = Puedes continuar aquí: la solicitud de la aplicación empieza entonces de nuevo.
next-allow-cookies = Permite las cookies de este sitio y después continúa.
next-begin-in-the-app = Vuelve a la aplicación y empieza de nuevo.
next-open-again = Abre la página de nuevo y repite el último paso.
next-check-address = Comprueba la dirección, o ve a tu cuenta.
next-wait = Espera un momento y vuelve a cargar la página.
next-try-later = Inténtalo de nuevo en un momento. Si vuelve a ocurrir, díselo a los responsables de { $brand } con el número que está al pie de esta página.
to-account = Tu cuenta
for-developers = Para quienes desarrollan esta aplicación
developer-error = Error
developer-description = Descripción
developer-change = Qué hay que cambiar
developer-more = Todo sobre este error
