# ما تقوله الصفحات بالعربية

## Everywhere

request-id = الطلب { $id }
yes = نعم
no = لا
list-comma = { "، " }
pair = { $name }: { $value }
membership = { $org }: { $role }
place-device = على هذا الجهاز ({ $host })
place-app = تطبيق على هذا الجهاز ({ $scheme })
unverified = غير موثَّق: لم يتحقق أحد في { $brand } من هوية أصحاب هذا التطبيق.
website = الموقع
privacy-policy = سياسة الخصوصية
terms = شروط الاستخدام
back-to = العودة إلى { $app }
go-on = متابعة
cancel = إلغاء
error-title = خطأ: { $title }
form-expired = بقيت هذه الصفحة مفتوحة مدة طويلة، فلم يُنفَّذ شيء. يمكنك المتابعة ببساطة.

month = { $count ->
    [1] يناير
    [2] فبراير
    [3] مارس
    [4] أبريل
    [5] مايو
    [6] يونيو
    [7] يوليو
    [8] أغسطس
    [9] سبتمبر
    [10] أكتوبر
    [11] نوفمبر
   *[12] ديسمبر
}
date = { $day } { $month } { $year }
date-of-year = { $day } { $month }

ago-now = الآن
ago-minutes = { $count ->
    [one] قبل دقيقة
    [two] قبل دقيقتين
    [few] قبل { $count } دقائق
    [many] قبل { $count } دقيقة
   *[other] قبل { $count } دقيقة
}
ago-hours = { $count ->
    [one] قبل ساعة
    [two] قبل ساعتين
    [few] قبل { $count } ساعات
    [many] قبل { $count } ساعة
   *[other] قبل { $count } ساعة
}
ago-days = { $count ->
    [one] قبل يوم
    [two] قبل يومين
    [few] قبل { $count } أيام
    [many] قبل { $count } يومًا
   *[other] قبل { $count } يوم
}
wait-seconds = { $count ->
    [one] حاول مرة أخرى بعد ثانية.
    [two] حاول مرة أخرى بعد ثانيتين.
    [few] حاول مرة أخرى بعد { $count } ثوانٍ.
    [many] حاول مرة أخرى بعد { $count } ثانية.
   *[other] حاول مرة أخرى بعد { $count } ثانية.
}
wait-minutes = { $count ->
    [one] حاول مرة أخرى بعد دقيقة.
    [two] حاول مرة أخرى بعد دقيقتين.
    [few] حاول مرة أخرى بعد { $count } دقائق.
    [many] حاول مرة أخرى بعد { $count } دقيقة.
   *[other] حاول مرة أخرى بعد { $count } دقيقة.
}
wait-hours = { $count ->
    [one] حاول مرة أخرى بعد ساعة.
    [two] حاول مرة أخرى بعد ساعتين.
    [few] حاول مرة أخرى بعد { $count } ساعات.
    [many] حاول مرة أخرى بعد { $count } ساعة.
   *[other] حاول مرة أخرى بعد { $count } ساعة.
}

## Sign in

sign-in = تسجيل الدخول
login-for = للمتابعة إلى { $app }
login-for-account = لعرض حسابك
login-username = اسم المستخدم أو البريد الإلكتروني
login-password = كلمة المرور
password-show = إظهار
password-hide = إخفاء
password-shown = كلمة المرور ظاهرة
login-wrong = اسم المستخدم أو كلمة المرور غير صحيحة.
login-throttled = كانت المحاولات أكثر مما يُسمح به.
login-busy = يسجّل كثيرون الدخول الآن. يُرجى المحاولة بعد لحظات.
login-no-cookie = لم يرسل متصفحك أي ملف تعريف ارتباط، ومن دونه لا يمكن لأحد تسجيل الدخول. يُرجى السماح بملفات تعريف الارتباط لهذا الموقع ثم المحاولة مرة أخرى.
login-unsaved = لم تعد مسجَّل الدخول، فلم يتغير شيء. يُرجى تسجيل الدخول من جديد.
login-other-account = يُرجى تسجيل الدخول بالحساب الذي ينتظره التطبيق.

## Consent

consent-to-know = يريد { $app } أن يعرف من أنت
consent-to-act = يطلب { $app } صلاحية الوصول
consent-signed-in-as = سجّلت الدخول باسم
consent-other-account = استخدام حساب آخر
consent-list = إذا سمحت بذلك، يستطيع { $app }:
consent-organisation = في أي مؤسسة؟
consent-organisation-hint = لن يعرف { $app } إلا المؤسسة التي تختارها.
consent-organisation-bound = لا يسري الوصول إلا في المؤسسة التي تختارها.
consent-nothing-more = لا صلاحيات أخرى
consent-allow = سماح
consent-deny = رفض
consent-remembered = سيُحفظ جوابك. يمكنك التراجع عنه في أي وقت من صفحة حسابك.
consent-no-choice = يُرجى اختيار مؤسسة.
consent-changed = تغيّر ما يمكن أن يحصل عليه التطبيق منذ فتح هذه الصفحة. يُرجى مراجعته من جديد.
scope-openid = معرفة من أنت
scope-profile = رؤية اسمك وملفك الشخصي
scope-email = رؤية بريدك الإلكتروني
scope-address = رؤية عنوانك البريدي
scope-phone = رؤية رقم هاتفك
scope-orgs = رؤية مؤسساتك ودورك في كل منها
scope-offline-access = البقاء متصلًا حتى بعد تسجيل خروجك من هنا
scope-other = استخدام «{ $scope }»
scope-claim = رؤية معلومة أخرى: { $claim }
scope-org = العمل داخل مؤسسة { $org }
permission = التعامل مع «{ $things }»
permission-in = التعامل مع «{ $things }» في { $api }
action-read = قراءة
action-list = سرد
action-create = إنشاء
action-update = تعديل
action-write = كتابة
action-delete = حذف
told-and-more = { $count ->
    [one] { $first } ومعلومة أخرى
    [two] { $first } ومعلومتان أخريان
    [few] { $first } و{ $count } معلومات أخرى
    [many] { $first } و{ $count } معلومة أخرى
   *[other] { $first } و{ $count } معلومة أخرى
}
told-confirmed = { $value } (مؤكَّد)
told-unconfirmed = { $value } (غير مؤكَّد)
claim-sub = معرّف الحساب
claim-name = الاسم
claim-given-name = الاسم الأول
claim-family-name = اسم العائلة
claim-middle-name = الاسم الأوسط
claim-nickname = اللقب
claim-preferred-username = اسم المستخدم
claim-profile = صفحة الملف الشخصي
claim-picture = الصورة
claim-website = الموقع
claim-email = البريد الإلكتروني
claim-gender = الجنس
claim-birthdate = تاريخ الميلاد
claim-zoneinfo = المنطقة الزمنية
claim-locale = اللغة
claim-phone-number = رقم الهاتف
claim-address = العنوان البريدي
claim-updated-at = آخر تعديل
claim-organizations = المؤسسات
claim-auth-time = وقت تسجيل الدخول
claim-acr = طريقة تسجيل الدخول

## Pick an account

pick-account = اختيار حساب
pick-account-other = استخدام حساب آخر

## Sign out

sign-out-question = تسجيل الخروج؟
sign-out-what = سيُسجَّل خروجك من { $brand } في هذا المتصفح. قد تُبقيك التطبيقات المفتوحة مسجَّل الدخول بعض الوقت.
sign-out-asked-by = يطلب منك { $app } تسجيل الخروج.
sign-out-signed-in-as = سجّلت الدخول باسم
sign-out = تسجيل الخروج
sign-out-stay = البقاء مسجَّل الدخول
signing-out = جارٍ تسجيل خروجك
signing-out-what = يجري إعلام التطبيقات التي استخدمتها. سيستغرق ذلك لحظة.
signed-out = تم تسجيل خروجك
signed-out-what = لم يعد أحد مسجَّل الدخول إلى { $brand } في هذا المتصفح. إذا كان غيرك يستخدم هذا الحاسوب فأغلق النافذة أيضًا.
signed-out-again = تسجيل الدخول من جديد

## Back to the app, by a form

form-post = العودة إلى { $app }
form-post-what = إذا لم يحدث شيء فاضغط الزر.

## Your account

account = حسابك
account-sign-out = تسجيل الخروج
account-username = اسم المستخدم
account-name = الاسم
account-given-name = الاسم الأول
account-family-name = اسم العائلة
account-email = البريد الإلكتروني
account-phone-number = رقم الهاتف
account-address = العنوان البريدي
account-organisations = المؤسسات
account-edit = تغيير بياناتك
account-edit-what = التطبيقات التي يُسمح لها برؤية هذه البيانات سترى الجديدة منها.
account-save = حفظ
account-password = كلمة المرور
account-password-what = كلمة المرور الجديدة تسجّل خروجك من كل مكان آخر وتُنهي وصول كل التطبيقات.
account-current-password = كلمة المرور الحالية
account-new-password = كلمة المرور الجديدة
account-change-password = تغيير كلمة المرور
account-sessions = أماكن تسجيل دخولك
account-sessions-everywhere = تسجيل الخروج من كل مكان آخر
account-sessions-everywhere-what = يُنهي أيضًا وصول كل التطبيقات.
account-apps = التطبيقات التي لها وصول
account-no-apps = لا يصل أي تطبيق إلى حسابك.
account-end-session = تسجيل الخروج
account-end-session-of = تسجيل الخروج: { $browser }
account-end-access = إنهاء الوصول
account-end-access-of = إنهاء الوصول: { $app }
account-details-changed = حُفظت بياناتك.
account-password-changed = تم تغيير كلمة المرور. سُجِّل خروجك من كل مكان آخر، ولم يعد لأي تطبيق وصول.
account-session-ended = سُجِّل الخروج من ذلك المتصفح.
account-access-ended = لم يعد ذلك التطبيق يصل إلى حسابك.
account-signed-out-elsewhere = سُجِّل خروجك من كل مكان آخر، ولم يعد لأي تطبيق وصول.
account-wrong-password = كلمة المرور الحالية غير صحيحة.
account-too-short = { $count ->
    [one] كلمة المرور الجديدة قصيرة جدًا: الحد الأدنى حرف واحد.
    [two] كلمة المرور الجديدة قصيرة جدًا: الحد الأدنى حرفان.
    [few] كلمة المرور الجديدة قصيرة جدًا: الحد الأدنى { $count } أحرف.
    [many] كلمة المرور الجديدة قصيرة جدًا: الحد الأدنى { $count } حرفًا.
   *[other] كلمة المرور الجديدة قصيرة جدًا: الحد الأدنى { $count } حرف.
}
account-too-long = { $count ->
    [one] كلمة المرور الجديدة طويلة جدًا: الحد الأقصى حرف واحد.
    [two] كلمة المرور الجديدة طويلة جدًا: الحد الأقصى حرفان.
    [few] كلمة المرور الجديدة طويلة جدًا: الحد الأقصى { $count } أحرف.
    [many] كلمة المرور الجديدة طويلة جدًا: الحد الأقصى { $count } حرفًا.
   *[other] كلمة المرور الجديدة طويلة جدًا: الحد الأقصى { $count } حرف.
}
account-unfit-detail = يجب أن يكون هذا نصًا عاديًا لا يزيد على 200 حرف في السطر وعلى 10 أسطر.
account-not-a-phone-number = هذا ليس رقم هاتف. مثال: ‎+44 20 7946 0958
account-too-much = هذا أكثر مما يمكن حفظه. يُرجى اختصاره.
account-not-saved = تعذّر حفظ هذا بسبب معلومة أخرى محفوظة عنك. يُرجى إخبار القائمين على { $brand } بالرقم الموجود أسفل هذه الصفحة.
account-expired = بقيت هذه الصفحة مفتوحة مدة طويلة، فلم يُنفَّذ شيء. يُرجى المحاولة مرة أخرى.
session-current = هذا المتصفح
session-seen = آخر ظهور { $ago }
session-since = تسجيل الدخول { $ago }
browser-on = { $browser } على { $system }
browser-unknown = متصفح غير معروف
app-since = مُنح الوصول { $ago }
app-organisations = في: { $orgs }
app-offline = يبقى متصلًا بعد تسجيل خروجك

## Something went wrong

authorization-error = خطأ في التفويض
authorization-error-what = أرسلك التطبيق إلى هنا بطلب لا يمكن الرد عليه.
sign-out-error = خطأ في تسجيل الخروج
sign-out-error-what = طلب التطبيق تسجيل خروجك بطريقة لا يمكن تنفيذها.
nothing-asked = لا شيء هنا للمتابعة
nothing-asked-what = تتابع هذه الصفحة طلب تطبيق، وعنوانها لا يذكر أي طلب.
no-cookies = متصفحك لا يحفظ ملفات تعريف الارتباط
no-cookies-what = من دون ملف تعريف ارتباط لا يستطيع { $brand } تمييز متصفحك من غيره، فلا يمكن لأحد تسجيل الدخول.
request-gone = استغرق هذا وقتًا طويلًا
request-gone-what = انتظر طلب التطبيق هنا مدة طويلة فلم يعد صالحًا.
form-refused = لم يُقبل هذا النموذج
form-refused-what = كان النموذج قديمًا جدًا، أو لم ترسله صفحة من { $brand }.
not-found = لا توجد هذه الصفحة
not-found-what = لا يوجد شيء في هذا العنوان.
unreadable = تعذّرت قراءة هذا
unreadable-what = ما أرسله متصفحك ليس ما تنتظره هذه الصفحة.
busy = ازدحام شديد الآن
busy-what = يحتاج كثيرون إلى هذه الصفحة في الوقت نفسه.
failed = حدث خطأ ما
failed-what = الخطأ من جانبنا وليس من جانبك.
lost-nothing = لم يضع شيء.
lost-nothing-shared = لم يضع شيء، ولم يُخبَر التطبيق بشيء عنك.
lost-nothing-changed = لم يتغير شيء.
lost-still-signed-in = لم يتغير شيء: إذا كنت مسجَّل الدخول فما زلت كذلك.
lost-last-step = ربما لم تُحفظ خطوتك الأخيرة. أما ما قبلها فمحفوظ.
next-ask-the-app = عُد إلى التطبيق وحاول مرة أخرى. إذا وصلت إلى هنا من جديد فأخبر القائمين على التطبيق.
next-sign-out-here = يمكنك تسجيل الخروج من صفحة حسابك.
next-go-on = يمكنك المتابعة من هنا: عندئذ يبدأ طلب التطبيق من جديد.
next-allow-cookies = يُرجى السماح بملفات تعريف الارتباط لهذا الموقع ثم المتابعة.
next-begin-in-the-app = عُد إلى التطبيق وابدأ من جديد.
next-open-again = افتح الصفحة من جديد وكرّر الخطوة الأخيرة.
next-check-address = تحقق من العنوان، أو انتقل إلى حسابك.
next-wait = انتظر لحظة ثم أعد تحميل الصفحة.
next-try-later = حاول مرة أخرى بعد لحظات. إذا تكرر ذلك فأخبر القائمين على { $brand } بالرقم الموجود أسفل هذه الصفحة.
to-account = حسابك
for-developers = لمطوّر هذا التطبيق
developer-error = الخطأ
developer-description = الوصف
developer-change = ما يجب تغييره
developer-more = كل شيء عن هذا الخطأ
