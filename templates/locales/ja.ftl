# 画面のことば（日本語）

## Everywhere

request-id = リクエスト { $id }
yes = はい
no = いいえ
list-comma = 、
pair = { $name }：{ $value }
membership = { $org }：{ $role }
place-device = この端末（{ $host }）
place-app = この端末のアプリ（{ $scheme }）
unverified = 未確認：このアプリの提供者を { $brand } では確認していません。
website = ウェブサイト
privacy-policy = プライバシーポリシー
terms = 利用規約
back-to = { $app } に戻る
go-on = 続ける
cancel = キャンセル
error-title = エラー：{ $title }
form-expired = このページを開いてから時間がたったため、何も行われませんでした。そのまま続けられます。

month = { $count ->
    [1] 1月
    [2] 2月
    [3] 3月
    [4] 4月
    [5] 5月
    [6] 6月
    [7] 7月
    [8] 8月
    [9] 9月
    [10] 10月
    [11] 11月
   *[12] 12月
}
date = { $year }年{ $month }{ $day }日
date-of-year = { $month }{ $day }日

ago-now = たった今
ago-minutes = { $count } 分前
ago-hours = { $count } 時間前
ago-days = { $count } 日前
wait-seconds = { $count } 秒後にもう一度お試しください。
wait-minutes = { $count } 分後にもう一度お試しください。
wait-hours = { $count } 時間後にもう一度お試しください。

## Sign in

sign-in = サインイン
login-for = { $app } に進むには
login-for-account = アカウントを見るには
login-username = ユーザー名またはメールアドレス
login-password = パスワード
password-show = 表示
password-hide = 隠す
password-shown = パスワードを表示しています
login-wrong = ユーザー名またはパスワードが違います。
login-throttled = 試した回数が多すぎます。
login-busy = ただいま多くの方がサインインしています。しばらくしてからもう一度お試しください。
login-no-cookie = ブラウザから Cookie が送られてこないため、サインインできません。このサイトの Cookie を許可してから、もう一度お試しください。
login-unsaved = サインインの状態が終わっていたため、何も変更されませんでした。もう一度サインインしてください。
login-other-account = アプリが求めているアカウントでサインインしてください。

## Consent

consent-to-know = { $app } があなたの身元の確認を求めています
consent-to-act = { $app } がアクセスを求めています
consent-signed-in-as = サインイン中のアカウント
consent-other-account = 別のアカウントを使う
consent-list = 許可すると、{ $app } は次のことができます：
consent-organisation = どの組織で使いますか
consent-organisation-hint = { $app } に伝わるのは、選んだ組織だけです。
consent-organisation-bound = アクセスできるのは、選んだ組織の中だけです。
consent-nothing-more = ほかの権限はありません
consent-allow = 許可する
consent-deny = 許可しない
consent-remembered = この選択は記憶されます。アカウントのページでいつでも取り消せます。
consent-no-choice = 組織を選んでください。
consent-changed = このページを開いたあとで、アプリが得られる内容が変わりました。もう一度ご確認ください。
scope-openid = あなたが誰かを知る
scope-profile = 名前とプロフィールを見る
scope-email = メールアドレスを見る
scope-address = 住所を見る
scope-phone = 電話番号を見る
scope-orgs = 所属する組織と、それぞれでの役割を見る
scope-offline-access = ここからサインアウトしたあとも接続を続ける
scope-other = 「{ $scope }」を使う
scope-claim = もう一つの情報を見る：{ $claim }
scope-org = 組織 { $org } の中で操作する
permission = 「{ $things }」を扱う
permission-in = { $api } の「{ $things }」を扱う
action-read = 読む
action-list = 一覧を見る
action-create = 作る
action-update = 変更する
action-write = 書く
action-delete = 削除する
told-and-more = { $first } ほか { $count } 件
told-confirmed = { $value }（確認済み）
told-unconfirmed = { $value }（未確認）
claim-sub = アカウント ID
claim-name = 名前
claim-given-name = 名
claim-family-name = 姓
claim-middle-name = ミドルネーム
claim-nickname = ニックネーム
claim-preferred-username = ユーザー名
claim-profile = プロフィールのページ
claim-picture = 写真
claim-website = ウェブサイト
claim-email = メールアドレス
claim-gender = 性別
claim-birthdate = 生年月日
claim-zoneinfo = タイムゾーン
claim-locale = 言語
claim-phone-number = 電話番号
claim-address = 住所
claim-updated-at = 最終更新
claim-organizations = 組織
claim-auth-time = サインインの日時
claim-acr = サインインの方法

## Pick an account

pick-account = アカウントを選ぶ
pick-account-other = 別のアカウントを使う

## Sign out

sign-out-question = サインアウトしますか
sign-out-what = このブラウザで { $brand } からサインアウトします。開いているアプリでは、しばらくサインインしたままのことがあります。
sign-out-asked-by = { $app } がサインアウトを求めています。
sign-out-signed-in-as = サインイン中のアカウント
sign-out = サインアウト
sign-out-stay = サインインしたままにする
signing-out = サインアウトしています
signing-out-what = 使ったアプリに知らせています。少しお待ちください。
signed-out = サインアウトしました
signed-out-what = このブラウザで { $brand } にサインインしている人はいません。共用のコンピューターでは、ウィンドウも閉じてください。
signed-out-again = もう一度サインインする

## Back to the app, by a form

form-post = { $app } に戻ります
form-post-what = 画面が変わらないときは、ボタンを押してください。

## Your account

account = あなたのアカウント
account-sign-out = サインアウト
account-username = ユーザー名
account-name = 名前
account-given-name = 名
account-family-name = 姓
account-email = メールアドレス
account-phone-number = 電話番号
account-address = 住所
account-organisations = 組織
account-edit = 登録情報を変更
account-edit-what = この情報を見られるアプリには、新しい内容が見えるようになります。
account-save = 保存
account-password = パスワード
account-password-what = パスワードを変えると、ほかのすべての場所からサインアウトし、すべてのアプリのアクセスが終わります。
account-current-password = 今のパスワード
account-new-password = 新しいパスワード
account-change-password = パスワードを変更
account-sessions = サインインしている場所
account-sessions-everywhere = ほかのすべての場所からサインアウト
account-sessions-everywhere-what = すべてのアプリのアクセスも終わります。
account-apps = アクセスできるアプリ
account-no-apps = あなたのアカウントにアクセスできるアプリはありません。
account-end-session = サインアウト
account-end-session-of = サインアウト：{ $browser }
account-end-access = アクセスを終える
account-end-access-of = アクセスを終える：{ $app }
account-details-changed = 登録情報を保存しました。
account-password-changed = パスワードを変更しました。ほかのすべての場所からサインアウトし、アクセスできるアプリはなくなりました。
account-session-ended = そのブラウザからサインアウトしました。
account-access-ended = そのアプリは、あなたのアカウントにアクセスできなくなりました。
account-signed-out-elsewhere = ほかのすべての場所からサインアウトし、アクセスできるアプリはなくなりました。
account-wrong-password = 今のパスワードが違います。
account-too-short = 新しいパスワードが短すぎます。{ $count } 文字以上にしてください。
account-too-long = 新しいパスワードが長すぎます。{ $count } 文字以下にしてください。
account-unfit-detail = 1行200文字以内、10行以内の文字で入力してください。
account-not-a-phone-number = 電話番号として読み取れません。例: +81 3 1234 5678
account-too-much = 長すぎて保存できません。短くしてください。
account-not-saved = あなたについて保存されている別の情報が原因で、保存できませんでした。このページの下にある番号を { $brand } の運営者にお知らせください。
account-expired = このページを開いてから時間がたったため、何も行われませんでした。もう一度お試しください。
session-current = このブラウザ
session-seen = 最後に使用：{ $ago }
session-since = サインイン：{ $ago }
browser-on = { $system } の { $browser }
browser-unknown = 不明なブラウザ
app-since = アクセスを許可：{ $ago }
app-organisations = 組織：{ $orgs }
app-offline = サインアウトしたあとも接続が続きます

## Something went wrong

authorization-error = 認可エラー
authorization-error-what = アプリから届いた依頼は、お答えできない形のものでした。
sign-out-error = サインアウトのエラー
sign-out-error-what = アプリから届いたサインアウトの依頼は、実行できない形のものでした。
nothing-asked = 続けるものがありません
nothing-asked-what = このページはアプリからの依頼を扱いますが、アドレスに依頼が示されていません。
no-cookies = ブラウザが Cookie を保存していません
no-cookies-what = Cookie がないと、{ $brand } はあなたのブラウザを見分けられず、サインインできません。
request-gone = 時間がかかりすぎました
request-gone-what = アプリからの依頼は、時間がたったため無効になりました。
form-refused = フォームを受け付けられませんでした
form-refused-what = フォームが古いか、{ $brand } のページから送られたものではありません。
not-found = ページがありません
not-found-what = このアドレスには何もありません。
unreadable = 読み取れませんでした
unreadable-what = ブラウザから届いた内容は、このページが受け取れるものではありません。
busy = ただいま混み合っています
busy-what = 一度に多くの方がこのページを使っています。
failed = 問題が起きました
failed-what = 原因はこちら側にあり、あなたの操作ではありません。
lost-nothing = 失われたものはありません。
lost-nothing-shared = 失われたものはなく、あなたについてアプリに伝わったこともありません。
lost-nothing-changed = 何も変更されていません。
lost-still-signed-in = 何も変更されていません。サインインしていた場合は、そのままです。
lost-last-step = 最後の操作は保存されていないかもしれません。それより前のものは保存されています。
next-ask-the-app = アプリに戻って、もう一度お試しください。またここに来たときは、アプリの提供者にお知らせください。
next-sign-out-here = アカウントのページからサインアウトできます。
next-go-on = ここから続けられます。アプリのリクエストが改めて始まります。
next-allow-cookies = このサイトの Cookie を許可してから、続けてください。
next-begin-in-the-app = アプリに戻って、もう一度始めてください。
next-open-again = ページをもう一度開いて、最後の操作を繰り返してください。
next-check-address = アドレスを確かめるか、アカウントのページにお進みください。
next-wait = 少し待ってから、ページを読み込み直してください。
next-try-later = しばらくしてからもう一度お試しください。また起きたときは、このページの下にある番号を { $brand } の運営者にお知らせください。
to-account = あなたのアカウント
for-developers = このアプリの開発者の方へ
developer-error = エラー
developer-description = 説明
developer-change = 直すこと
developer-more = このエラーについて詳しく
