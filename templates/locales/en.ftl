# What the pages say, in English. Every language has the same messages with the same variables; a test says so.
# Short, plain, in the reader's words; true, whoever the app is.

## Everywhere

request-id = Request { $id }
yes = yes
no = no
list-comma = { ", " }
pair = { $name }: { $value }
membership = { $org }: { $role }
place-device = on this device ({ $host })
place-app = app on this device ({ $scheme })
unverified = Not verified: nobody at { $brand } has checked who is behind this app.
website = Website
privacy-policy = Privacy policy
terms = Terms of use
back-to = Back to { $app }
go-on = Go on
cancel = Cancel
error-title = Error: { $title }
form-expired = This page was open for too long, so nothing was done. You can simply go on.

month = { $count ->
    [1] January
    [2] February
    [3] March
    [4] April
    [5] May
    [6] June
    [7] July
    [8] August
    [9] September
    [10] October
    [11] November
   *[12] December
}
date = { $day } { $month } { $year }
date-of-year = { $day } { $month }

ago-now = just now
ago-minutes = { $count ->
    [one] a minute ago
   *[other] { $count } minutes ago
}
ago-hours = { $count ->
    [one] an hour ago
   *[other] { $count } hours ago
}
ago-days = { $count ->
    [one] a day ago
   *[other] { $count } days ago
}
wait-seconds = { $count ->
    [one] Try again in a second.
   *[other] Try again in { $count } seconds.
}
wait-minutes = { $count ->
    [one] Try again in a minute.
   *[other] Try again in { $count } minutes.
}
wait-hours = { $count ->
    [one] Try again in an hour.
   *[other] Try again in { $count } hours.
}

## Sign in

sign-in = Sign in
login-for = to go on to { $app }
login-for-account = to see your account
login-username = Username or e-mail address
login-password = Password
password-show = Show
password-hide = Hide
password-shown = Password is shown
login-wrong = The username or the password is not right.
login-throttled = There were too many tries.
login-busy = Many people are signing in right now. Please try again in a moment.
login-no-cookie = Your browser has sent no cookie, and without one nobody can sign in. Please allow cookies for this site and try again.
login-unsaved = You were not signed in any more, so nothing was changed. Please sign in again.
login-other-account = Please sign in with the account that the app expects.

## Consent

consent-to-know = { $app } wants to know who you are
consent-to-act = { $app } wants access
consent-signed-in-as = You are signed in as
consent-other-account = Use another account
consent-list = If you allow it, { $app } can:
consent-organisation = In which organisation?
consent-organisation-hint = { $app } will learn the one you choose, and no other.
consent-organisation-bound = Access is given in the one you choose, and in no other.
consent-nothing-more = No further permissions
consent-allow = Allow
consent-deny = Deny
consent-remembered = Your answer is remembered. You can take it back at any time in your account.
consent-no-choice = Please choose an organisation.
consent-changed = What the app can get has changed since this page was opened. Please look again.
scope-openid = Know who you are
scope-profile = See your name and profile
scope-email = See your e-mail address
scope-address = See your postal address
scope-phone = See your phone number
scope-orgs = See your organisations and your role in each
scope-offline-access = Stay connected, even when you are signed out here
scope-other = Use “{ $scope }”
scope-claim = See one more detail: { $claim }
scope-org = Act in the organisation { $org }
permission = Work with “{ $things }”
permission-in = Work with “{ $things }” in { $api }
action-read = read
action-list = list
action-create = create
action-update = change
action-write = write
action-delete = delete
told-and-more = { $count ->
    [one] { $first } and one more detail
   *[other] { $first } and { $count } more details
}
told-confirmed = { $value } (confirmed)
told-unconfirmed = { $value } (not confirmed)
claim-sub = account ID
claim-name = name
claim-given-name = given name
claim-family-name = family name
claim-middle-name = middle name
claim-nickname = nickname
claim-preferred-username = username
claim-profile = profile page
claim-picture = picture
claim-website = website
claim-email = e-mail address
claim-gender = gender
claim-birthdate = date of birth
claim-zoneinfo = time zone
claim-locale = language
claim-phone-number = phone number
claim-address = postal address
claim-updated-at = last change
claim-organizations = organisations
claim-auth-time = time of sign-in
claim-acr = kind of sign-in

## Pick an account

pick-account = Choose an account
pick-account-other = Use another account

## Sign out

sign-out-question = Sign out?
sign-out-what = You will be signed out of { $brand } in this browser. Apps you have open may keep you signed in for a while.
sign-out-asked-by = { $app } asks you to sign out.
sign-out-signed-in-as = You are signed in as
sign-out = Sign out
sign-out-stay = Stay signed in
signing-out = Signing you out
signing-out-what = The apps you have used are being told. This takes a moment.
signed-out = You are signed out
signed-out-what = Nobody is signed in to { $brand } in this browser any more. On a computer that others use, close the window as well.
signed-out-again = Sign in again

## Back to the app, by a form

form-post = Back to { $app }
form-post-what = If nothing happens, press the button.

## Your account

account = Your account
account-sign-out = Sign out
account-username = Username
account-name = Name
account-given-name = Given name
account-family-name = Family name
account-email = E-mail address
account-phone-number = Phone number
account-address = Postal address
account-organisations = Organisations
account-edit = Change your details
account-edit-what = Apps that may see these details will see the new ones.
account-save = Save
account-password = Password
account-password-what = A new password signs you out everywhere else and ends the access of all apps.
account-current-password = Current password
account-new-password = New password
account-change-password = Change password
account-sessions = Where you are signed in
account-sessions-everywhere = Sign out everywhere else
account-sessions-everywhere-what = Ends the access of all apps as well.
account-apps = Apps with access
account-no-apps = No app has access to your account.
account-end-session = Sign out
account-end-session-of = Sign out: { $browser }
account-end-access = End access
account-end-access-of = End access: { $app }
account-details-changed = Your details are saved.
account-password-changed = Your password is changed. You are signed out everywhere else, and no app has access any more.
account-session-ended = That browser is signed out.
account-access-ended = That app has no access to your account any more.
account-signed-out-elsewhere = You are signed out everywhere else, and no app has access any more.
account-wrong-password = The current password is not right.
account-too-short = { $count ->
    [one] The new password is too short: it needs at least one character.
   *[other] The new password is too short: it needs at least { $count } characters.
}
account-too-long = { $count ->
    [one] The new password is too long: it may have one character at most.
   *[other] The new password is too long: it may have { $count } characters at most.
}
account-unfit-detail = This has to be plain text of at most 200 characters a line, and 10 lines at most.
account-not-a-phone-number = This is not a phone number. It may look like +44 20 7946 0958.
account-too-much = That is more than can be kept. Please shorten it.
account-not-saved = This could not be saved, and the reason lies in what else is kept of you. Please tell the people who run { $brand }, with the number at the foot of this page.
account-expired = This page was open for too long, so nothing was done. Please try again.
session-current = This browser
session-seen = Last seen { $ago }
session-since = signed in { $ago }
browser-on = { $browser } on { $system }
browser-unknown = Unknown browser
app-since = Access given { $ago }
app-organisations = In: { $orgs }
app-offline = Stays connected when you are signed out

## Something went wrong

authorization-error = Authorization error
authorization-error-what = The app that sent you here asked in a way that cannot be answered.
sign-out-error = Sign-out error
sign-out-error-what = The app asked to sign you out in a way that cannot be followed.
nothing-asked = Nothing to go on with
nothing-asked-what = This page goes on with what an app asks for, and its address names no such request.
no-cookies = Your browser keeps no cookies
no-cookies-what = Without a cookie { $brand } cannot tell your browser from others, so nobody can sign in.
request-gone = This took too long
request-gone-what = The app's request has waited here for so long that it does not count any more.
form-refused = This form did not come through
form-refused-what = The form was too old, or was not sent by a page of { $brand }.
not-found = No such page
not-found-what = There is nothing at this address.
unreadable = This could not be read
unreadable-what = What your browser sent is not what this page expects.
busy = Too busy right now
busy-what = Too many people need this page at once.
failed = Something went wrong
failed-what = There was a mistake on our side, not on yours.
lost-nothing = Nothing is lost.
lost-nothing-shared = Nothing is lost, and nothing about you was told to the app.
lost-nothing-changed = Nothing was changed.
lost-still-signed-in = Nothing was changed: if you were signed in, you still are.
lost-last-step = Your last step may not have been saved. Everything before it is.
next-ask-the-app = Go back to the app and try again. If you come here once more, tell the people who run the app.
next-sign-out-here = You can sign out on your account page.
next-go-on = You can go on from here: the app's request then begins anew.
next-allow-cookies = Please allow cookies for this site, then go on.
next-begin-in-the-app = Go back to the app and begin again.
next-open-again = Open the page again and repeat the last step.
next-check-address = Check the address, or go to your account.
next-wait = Wait a moment, then load the page again.
next-try-later = Try again in a moment. If it happens again, tell the people who run { $brand }, with the number at the foot of this page.
to-account = Your account
for-developers = For the developer of this app
developer-error = Error
developer-description = Description
developer-change = What to change
developer-more = All about this error
