// Goes on once every app in the frames has answered, or has had its time. Without this script the page does so by itself.
(function () {
  const next = document.getElementById("go-on").href;
  let isGone = false;
  function goOn() {
    if (!isGone) {
      isGone = true;
      location.replace(next);
    }
  }
  if (document.readyState === "complete") {
    goOn();
  } else {
    addEventListener("load", goOn);
    setTimeout(goOn, 4000);
  }
})();
